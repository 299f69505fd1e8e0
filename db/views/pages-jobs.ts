/** Jobs as pages list and show them. */

import { type SQL, sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';
import { ids } from '../sql.ts';
import {
  changeOf,
  type JobChange,
  type JobRef,
  jobRefColumns,
  vanished,
  withEarlier,
} from './pages-changes.ts';

export interface JobListFilter {
  /** An outcome, `unfinished`, or `succeeded`. */
  readonly outcome?: string | undefined;
  readonly change?: JobChange | 'vanished' | undefined;
  readonly kind?: string | undefined;
  /** Part of the name. */
  readonly search?: string | undefined;
  /** Jobs that failed because of this derivation, and those that are it. */
  readonly root?: string | undefined;
  /** Only those after this job, in the order of the list: the cursor. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface JobListRow extends JobRef {
  readonly kind: string;
  readonly attempts: number;
  /** Of its own failure. */
  readonly verdict: {
    readonly class: string;
    readonly subclass: string;
    readonly evidence: string | null;
  } | null;
  /** Whose failure it inherited. */
  readonly root: string | null;
}

/** A page of an evaluation's jobs by name. With `vanished` they are jobs of the evaluation before. */
export async function listJobPage(
  db: Database,
  evaluationId: number,
  previousId: number | null,
  filter: JobListFilter,
): Promise<JobListRow[]> {
  if (filter.change !== undefined && previousId === null) return [];
  const gone = filter.change === 'vanished' && previousId !== null;
  const source = gone
    ? vanished(evaluationId, previousId)
    : sql`from jobs b ${withEarlier(previousId)} where b.evaluation_id = ${evaluationId}`;
  const columns = gone
    ? sql`b.id, b.name, b.system, b.variant, b.outcome, null as change`
    : jobRefColumns(previousId);
  return db.execute<JobListRow>(sql`
    select p.id, p.name, p.system, p.variant, p.outcome, p.change, p.kind, coalesce(st.attempts, 0)::int as attempts,
      st.verdict, st.root
    from (
      select ${columns}, b.kind ${source} ${conditions(filter, previousId)}
      order by b.name, b.id limit ${filter.limit}
    ) p
    left join lateral (
      select sum((select count(*) from attempts a where a.step_id = s.id)) as attempts, max(rd.name) as root,
        (array_agg(jsonb_build_object('class', f.class, 'subclass', f.subclass, 'evidence', f.verdict #>> '{evidence,text}')
          order by s.id) filter (where f.id is not null))[1] as verdict
      from job_steps js join steps s on s.id = js.step_id
      left join steps r on r.id = s.root_step_id left join derivations rd on rd.drv_hash = r.drv_hash
      left join lateral (
        select f.* from attempts a join findings f on f.attempt_id = a.id
        where a.step_id = s.id and s.outcome not in ('built', 'substituted') order by a.id desc limit 1
      ) f on true
      where js.job_id = p.id
    ) st on true
    order by p.name, p.id`);
}

function conditions(filter: JobListFilter, previousId: number | null): SQL {
  const parts: SQL[] = [];
  const { outcome, change, kind, search, root, after } = filter;
  if (outcome === 'unfinished') parts.push(sql`b.outcome is null`);
  else if (outcome === 'succeeded') parts.push(sql`b.outcome in ('built', 'substituted')`);
  else if (outcome !== undefined) parts.push(sql`b.outcome = ${outcome}`);
  if (change !== undefined && change !== 'vanished') parts.push(sql`${changeOf(previousId)} = ${change}`);
  if (kind !== undefined) parts.push(sql`b.kind = ${kind}`);
  if (search !== undefined && search !== '') parts.push(sql`position(lower(${search}) in lower(b.name)) > 0`);
  if (root !== undefined)
    parts.push(sql`b.outcome not in ('built', 'substituted') and exists (
      select 1 from job_steps js join steps s on s.id = js.step_id join steps x on x.id = coalesce(s.root_step_id, s.id)
      where js.job_id = b.id and x.drv_hash = ${root})`);
  if (after !== undefined)
    parts.push(sql`(b.name, b.id) > (select c.name, c.id from jobs c where c.id = ${after})`);
  return parts.length === 0 ? sql`` : sql`and ${sql.join(parts, sql` and `)}`;
}

export interface HistoryEntry extends Record<string, unknown> {
  readonly evaluationId: number;
  readonly number: number;
  readonly revision: string | null;
  /** `null` where that evaluation did not have the job. */
  readonly jobId: number | null;
  readonly outcome: Outcome | null;
}

/** What became of a job in its own and the evaluations before, newest first. */
export async function listHistory(db: Database, jobId: number, limit: number): Promise<HistoryEntry[]> {
  return db.execute<HistoryEntry>(sql`
    select x.id as "evaluationId", x.number, x.revision, q.id as "jobId", q.outcome
    from jobs b join evaluations e on e.id = b.evaluation_id
    join evaluations x on x.jobset_id = e.jobset_id and x.number <= e.number
    left join jobs q on q.evaluation_id = x.id and q.name = b.name and q.system = b.system
      and coalesce(q.variant, '') = coalesce(b.variant, '')
    where b.id = ${jobId} and x.outcome is distinct from 'failed' and x.outcome is distinct from 'cancelled'
      and x.outcome is distinct from 'superseded' or b.id = ${jobId} and x.id = e.id
    order by x.number desc limit ${limit}`);
}

/** Median seconds of the successful attempts of these jobs; `null` where there was none. */
export async function findUsualSeconds(db: Database, jobIds: readonly number[]): Promise<number | null> {
  const [row] = await db.execute<{ seconds: number | null }>(sql`
    select percentile_cont(0.5) within group (order by extract(epoch from a.ended_at - a.started_at))::float as seconds
    from job_steps js join attempts a on a.step_id = js.step_id
    where js.job_id in ${ids(jobIds)} and a.outcome = 'built'`);
  return row?.seconds ?? null;
}

/** How a job changed against the evaluation before its own. */
export async function findJobChange(
  db: Database,
  jobId: number,
  previousId: number | null,
): Promise<JobChange | null> {
  const [row] = await db.execute<JobRef>(sql`
    select ${jobRefColumns(previousId)} from jobs b ${withEarlier(previousId)} where b.id = ${jobId}`);
  return row?.change ?? null;
}

/** Other jobs of an evaluation that fail because a derivation failed: the first by name, and how many. */
export async function findBlocked(
  db: Database,
  evaluationId: number,
  previousId: number | null,
  drvHash: string,
  limit: number,
): Promise<{ readonly jobs: readonly JobRef[]; readonly total: number }> {
  const rows = await db.execute<JobRef & { total: number }>(sql`
    select ${jobRefColumns(previousId)}, count(*) over ()::int as total
    from jobs b ${withEarlier(previousId)}
    where b.evaluation_id = ${evaluationId} and b.drv_hash <> ${drvHash} and b.id in (
      select js.job_id from steps r join steps s on s.root_step_id = r.id join job_steps js on js.step_id = s.id
      where r.drv_hash = ${drvHash} and s.outcome = 'dependency-failed')
    order by b.name, b.system, b.variant limit ${limit}`);
  return { jobs: rows.map(({ total: _total, ...ref }) => ref), total: rows[0]?.total ?? 0 };
}

interface DerivationFacts extends Record<string, unknown> {
  readonly drvHash: string;
  readonly features: string[];
}

export async function findDerivationOfJob(db: Database, jobId: number): Promise<DerivationFacts | undefined> {
  const [row] = await db.execute<DerivationFacts>(sql`
    select d.drv_hash as "drvHash", to_jsonb(d.features) as features
    from jobs j join derivations d on d.drv_hash = j.drv_hash where j.id = ${jobId}`);
  return row;
}

export async function findDerivationOfStep(
  db: Database,
  stepId: number,
): Promise<DerivationFacts | undefined> {
  const [row] = await db.execute<DerivationFacts>(sql`
    select d.drv_hash as "drvHash", to_jsonb(d.features) as features
    from steps s join derivations d on d.drv_hash = s.drv_hash where s.id = ${stepId}`);
  return row;
}

/** Jobs that an aggregate waits for, in its order. One that its evaluation does not have has no id. */
export async function listConstituents(db: Database, jobId: number, limit: number) {
  return db.execute<{
    name: string;
    jobId: number | null;
    variant: string | null;
    outcome: Outcome | null;
  }>(sql`
    select c.name, j.id as "jobId", j.variant, j.outcome from job_constituents c left join jobs j on j.id = c.constituent_job_id
    where c.job_id = ${jobId}
    order by j.outcome in ('built', 'substituted') nulls first, c.position limit ${limit}`);
}

export interface OutputRow extends Record<string, unknown> {
  readonly name: string;
  readonly path: string;
  /** Size of its NAR; `null` where our cache does not have it. */
  readonly narSize: number | null;
  readonly upstream: string | null;
}

/** Outputs of a job's derivation, and where they are to be had. */
export async function listOutputs(db: Database, jobId: number): Promise<OutputRow[]> {
  return db.execute<OutputRow>(sql`
    select o.name, o.path, p.nar_size as "narSize", u.upstream
    from jobs j join outputs o on o.drv_hash = j.drv_hash
    left join store_paths p on p.path_hash = o.path_hash left join upstream_paths u on u.path_hash = o.path_hash
    where j.id = ${jobId} order by o.name <> 'out', o.name`);
}
