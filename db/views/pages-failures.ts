/** Failures of an evaluation, folded under the derivations whose own failure they are. */

import { sql } from 'drizzle-orm';
import type { AttemptGpu } from '../../domain/api/builder.ts';
import { isFailure, type Outcome, OUTCOMES } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';
import { ids, texts } from '../sql.ts';
import { changeOf, type JobRef, jobRefColumns, withEarlier } from './pages-changes.ts';
import type { VerdictDetail } from './pages-steps.ts';

/** Said one by one, so that an index can find them among many successes. A cancellation is nobody's failure. */
const FAILURES = OUTCOMES.filter((outcome) => isFailure(outcome) && outcome !== 'cancelled');

export type FailureSection = 'newlyFailing' | 'failing' | 'stillFailing';

export interface FailureRoot {
  readonly section: FailureSection;
  readonly drvHash: string;
  readonly name: string;
  /** Jobs that are this derivation. None: it is only an input of others. */
  readonly jobs: JobRef[];
  /** The first of those that fail because of it. */
  readonly blocked: JobRef[];
  readonly blockedTotal: number;
  readonly steps: FailedStep[];
}

/** A step that failed by itself: of a GPU check there may be one on each architecture. */
export interface FailedStep extends Record<string, unknown> {
  readonly id: number;
  readonly drvHash: string;
  readonly name: string;
  readonly architecture: string | null;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly attemptId: number | null;
  readonly builder: string | null;
  readonly logBytes: number | null;
  readonly gpu: AttemptGpu | null;
  readonly verdict: VerdictDetail | null;
}

interface GroupRow extends Record<string, unknown> {
  readonly section: FailureSection;
  readonly rootHash: string;
  readonly rootSteps: number[];
  readonly own: number[];
  readonly blocked: number[];
  readonly blockedTotal: number;
  readonly sectionRoots: number;
}

export interface FailureLimits {
  /** Of each section. */
  readonly roots: number;
  /** Of each root. */
  readonly blocked: number;
}

export interface Failures {
  readonly roots: readonly FailureRoot[];
  /** Roots by section, those beyond the limit included. */
  readonly totals: Readonly<Record<FailureSection, number>>;
}

/** Most blocking first. Cancelled jobs failed by nobody's fault and are not among them. */
export async function listFailures(
  db: Database,
  evaluationId: number,
  previousId: number | null,
  limits: FailureLimits,
): Promise<Failures> {
  const groups = await listGroups(db, evaluationId, previousId, limits);
  const jobIds = groups.flatMap(({ own, blocked }) => [...own, ...blocked]);
  const refs = await db.execute<JobRef>(sql`
    select ${jobRefColumns(previousId)} from jobs b ${withEarlier(previousId)} where b.id in ${ids(jobIds)}`);
  const refOf = new Map(refs.map((ref) => [ref.id, ref]));
  const refsOf = (wanted: readonly number[]) =>
    wanted.map((id) => refOf.get(id)).filter((ref) => ref !== undefined);
  const steps = await listFailedSteps(db, evaluationId, groups);
  const totals = { newlyFailing: 0, failing: 0, stillFailing: 0 };
  for (const group of groups) totals[group.section] = group.sectionRoots;
  const roots = groups.map(({ section, rootHash, own, blocked, blockedTotal }): FailureRoot => {
    const failed = steps.filter((step) => step.drvHash === rootHash);
    const jobs = refsOf(own);
    const name = failed[0]?.name ?? jobs[0]?.name ?? rootHash;
    return { section, drvHash: rootHash, name, jobs, blocked: refsOf(blocked), blockedTotal, steps: failed };
  });
  return { roots, totals };
}

async function listGroups(
  db: Database,
  evaluationId: number,
  previousId: number | null,
  limits: FailureLimits,
): Promise<GroupRow[]> {
  return db.execute<GroupRow>(sql`
    with failed as (
      select b.id, b.name, b.system, b.variant, b.drv_hash, ${changeOf(previousId)} as change
      from jobs b ${withEarlier(previousId)}
      where b.evaluation_id = ${evaluationId} and b.outcome in ${texts(FAILURES)}
    ), placed as (
      select f.*, r.id as root_step, coalesce(r.drv_hash, f.drv_hash) as root_hash
      from failed f
      left join lateral (
        -- A step's own failure goes before one that it inherited.
        select x.id, x.drv_hash from job_steps js join steps s on s.id = js.step_id
        join steps x on x.id = coalesce(s.root_step_id, s.id)
        where js.job_id = f.id and s.outcome not in ('built', 'substituted', 'cancelled', 'not-run')
        order by s.outcome = 'dependency-failed', s.id limit 1
      ) r on true
    ), grouped as (
      select root_hash,
        case when bool_or(change = 'newlyFailing') then 'newlyFailing' when bool_or(change = 'stillFailing') then 'stillFailing'
          else 'failing' end as section,
        (array_agg(distinct root_step) filter (where root_step is not null))[1:16] as steps,
        (array_agg(id order by name, system, variant) filter (where drv_hash = root_hash))[1:${limits.blocked}::int] as own,
        (array_agg(id order by name, system, variant) filter (where drv_hash <> root_hash))[1:${limits.blocked}::int] as blocked,
        count(*) filter (where drv_hash <> root_hash)::int as blocked_total, min(name) as first_name
      from placed group by root_hash
    ), ranked as (
      select *, row_number() over (partition by section order by blocked_total desc, first_name) as place,
        count(*) over (partition by section)::int as section_roots
      from grouped
    )
    select section, root_hash as "rootHash", to_jsonb(coalesce(steps, '{}')) as "rootSteps", to_jsonb(coalesce(own, '{}')) as own,
      to_jsonb(coalesce(blocked, '{}')) as blocked, blocked_total as "blockedTotal", section_roots as "sectionRoots"
    from ranked where place <= ${limits.roots} order by section, place`);
}

/** The roots' own failing steps in this evaluation, each with its last attempt and what that was judged to be. */
async function listFailedSteps(
  db: Database,
  evaluationId: number,
  groups: readonly GroupRow[],
): Promise<FailedStep[]> {
  if (groups.length === 0) return [];
  return db.execute<FailedStep>(sql`
    select s.id, s.drv_hash as "drvHash", d.name, s.architecture, s.outcome, s.reason, a.id as "attemptId", a.builder,
      l.bytes as "logBytes", a.gpu, f.verdict
    from steps s join derivations d on d.drv_hash = s.drv_hash
    left join lateral (select * from attempts x where x.step_id = s.id order by x.id desc limit 1) a on true
    left join logs l on l.attempt_id = a.id
    left join findings f on f.attempt_id = a.id
    where s.drv_hash in ${texts(groups.map((group) => group.rootHash))}
      and s.outcome not in ('built', 'substituted', 'dependency-failed', 'cancelled', 'not-run')
      and (s.id in ${ids(groups.flatMap((group) => group.rootSteps))}
        or exists (select 1 from wanted w where w.step_id = s.id and w.evaluation_id = ${evaluationId}))
    order by s.architecture nulls first, s.id`);
}
