/** What changed against the evaluation before, counted and listed in Postgres: an evaluation has up to 60,000 jobs. */

import { type SQL, sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';

export const JOB_CHANGES = [
  'newlyFailing',
  'stillFailing',
  'fixed',
  'new',
  'unfinished',
  'stillSucceeding',
] as const;
export type JobChange = (typeof JOB_CHANGES)[number];

/** A job as lists name it. */
export interface JobRef extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly outcome: Outcome | null;
  /** `null` where there is nothing to compare with. */
  readonly change: JobChange | null;
}

/** Columns of a `JobRef` of job `b` whose earlier self is `q`. */
export function jobRefColumns(previousId: number | null): SQL {
  return sql`b.id, b.name, b.system, b.variant, b.outcome, ${changeOf(previousId)} as change`;
}

/** Job `b` of an evaluation beside its earlier self `q`: the same attribute, system and variant in the evaluation before. */
export function withEarlier(previousId: number | null): SQL {
  return sql`left join jobs q on q.evaluation_id = ${previousId ?? 0} and q.name = b.name and q.system = b.system
    and coalesce(q.variant, '') = coalesce(b.variant, '')`;
}

const good = (alias: SQL) => sql`${alias}.outcome in ('built', 'substituted')`;
const said = (alias: SQL) =>
  sql`(${alias}.outcome is not null and ${alias}.outcome not in ('not-run', 'cancelled'))`;
const b = sql`b`;
const q = sql`q`;

/**
 * The change of job `b` against `q`. What was not run or was cancelled neither fails nor succeeds.
 * A GPU check is compared on each architecture by itself: one whose GPU is away must not hide a regression on another.
 */
export function changeOf(previousId: number | null): SQL {
  if (previousId === null) return sql`null`;
  return sql`case
    when q.id is null then 'new'
    when ${said(b)} and ${said(q)} then case
      when ${good(b)} and ${good(q)} then 'stillSucceeding'
      when ${good(b)} then 'fixed'
      when ${good(q)} then 'newlyFailing'
      else 'stillFailing' end
    when b.kind = 'gpu-check' and ${said(b)} and not ${good(b)} then coalesce(${changeOnArchitectures}, 'unfinished')
    else 'unfinished' end`;
}

const changeOnArchitectures = sql`(
  select case when bool_or(before.outcome = 'built') then 'newlyFailing' else 'stillFailing' end
  from job_steps bs join steps now on now.id = bs.step_id
  join job_steps qs on qs.job_id = q.id
  join steps before on before.id = qs.step_id and before.architecture = now.architecture
  where bs.job_id = b.id and now.outcome not in ('built', 'substituted', 'cancelled', 'not-run')
    and before.outcome is not null and before.outcome not in ('cancelled', 'not-run') having count(*) > 0)`;

export interface Comparison extends Record<string, unknown> {
  readonly id: number;
  readonly number: number;
  readonly revision: string | null;
  readonly version: string;
}

/** The newest older evaluation of the jobset that finished: what an evaluation is compared with. */
export async function findComparison(db: Database, evaluationId: number): Promise<Comparison | undefined> {
  const [row] = await db.execute<Comparison>(sql`
    select x.id, x.number, x.revision, x.xmin::text as version
    from evaluations e join evaluations x on x.jobset_id = e.jobset_id and x.number < e.number
    where e.id = ${evaluationId} and x.state = 'finished' and x.outcome = 'finished' order by x.number desc limit 1`);
  return row;
}

export type ChangeCounts = Readonly<Record<JobChange | 'vanished', number>>;

export async function countChanges(
  db: Database,
  evaluationId: number,
  previousId: number,
): Promise<ChangeCounts> {
  const rows = await db.execute<{ change: JobChange; jobs: number }>(sql`
    select ${changeOf(previousId)} as change, count(*)::int as jobs
    from jobs b ${withEarlier(previousId)} where b.evaluation_id = ${evaluationId} group by 1`);
  const [gone] = await db.execute<{ jobs: number }>(
    sql`select count(*)::int as jobs ${vanished(evaluationId, previousId)}`,
  );
  const counts = Object.fromEntries(JOB_CHANGES.map((change) => [change, 0])) as Record<JobChange, number>;
  for (const { change, jobs } of rows) counts[change] = jobs;
  return { ...counts, vanished: gone?.jobs ?? 0 };
}

/** Jobs of the evaluation before (as `b`) that this one does not have. */
export function vanished(evaluationId: number, previousId: number): SQL {
  return sql`from jobs b where b.evaluation_id = ${previousId} and not exists (
    select 1 from jobs n where n.evaluation_id = ${evaluationId} and n.name = b.name and n.system = b.system
      and coalesce(n.variant, '') = coalesce(b.variant, ''))`;
}

/** The first of the jobs that were fixed, are new, or vanished, by name. */
export async function listChanged(
  db: Database,
  evaluationId: number,
  previousId: number,
  change: 'fixed' | 'new' | 'vanished',
  limit: number,
): Promise<JobRef[]> {
  if (change === 'vanished')
    return db.execute<JobRef>(sql`
      select b.id, b.name, b.system, b.variant, b.outcome, null as change ${vanished(evaluationId, previousId)}
      order by b.name, b.system, b.variant limit ${limit}`);
  const condition = change === 'new' ? sql`q.id is null` : sql`${good(b)} and ${said(q)} and not ${good(q)}`;
  return db.execute<JobRef>(sql`
    select ${jobRefColumns(previousId)} from jobs b ${withEarlier(previousId)}
    where b.evaluation_id = ${evaluationId} and ${condition} order by b.name, b.system, b.variant limit ${limit}`);
}
