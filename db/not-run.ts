/** Steps that no builder can run now: they stay queued, say what they wait for, and evaluations drain around them. */

import { sql } from 'drizzle-orm';
import { builderIsOnline } from './claims.ts';
import type { Database } from './database.ts';
import { refreshJobsOfEvaluation } from './job-outcomes.ts';
import { addToOutbox, type EvaluationKey, signalEvaluationMessage } from './outbox.ts';

/** SQL condition on `steps s`: its pool has a builder that takes work. */
const poolIsServed = sql`(
  exists (select 1 from builders b where s.pool = any(b.pools) and ${builderIsOnline})
  or exists (select 1 from gpus g join builders b on b.name = g.builder where 'gpu.' || g.architecture = s.pool and ${builderIsOnline}))`;

/**
 * Gives up, for this evaluation, what nobody can run: when all that is left of it waits for builders that are not there,
 * longer than the jobset's `notRunAfterSeconds`, those steps become *not run* for it and it is drained.
 * Returns how many steps it drained around.
 */
export async function drainAroundUnserved(tx: Database, key: EvaluationKey): Promise<number> {
  const [row] = await tx.execute<{ blocked: boolean }>(sql`
    select e.remaining > 0 and not exists (
      select 1 from wanted w join steps s on s.id = w.step_id
      where w.evaluation_id = e.id and w.state = 'open'
        and (s.state in ('dispatched', 'running') or (s.state = 'ready' and (${poolIsServed} or not ${waitedLongEnough})))
    ) as blocked
    from evaluations e where e.id = ${key.evaluationId} and e.evaluated_at is not null and e.state = 'building' for update`);
  if (row?.blocked !== true) return 0;
  const given = await tx.execute(sql`
    update wanted set state = 'not-run' where evaluation_id = ${key.evaluationId} and state = 'open' returning step_id`);
  await tx.execute(sql`update evaluations set remaining = 0 where id = ${key.evaluationId}`);
  await refreshJobsOfEvaluation(tx, key.evaluationId);
  await addToOutbox(tx, [signalEvaluationMessage(key, 'stepsDrained')]);
  return given.length;
}

/** Counted from when the step could have run, or the evaluation was known, whichever is later. */
const waitedLongEnough = sql`(
  greatest(s.ready_at, e.evaluated_at) + make_interval(secs => (e.config ->> 'notRunAfterSeconds')::int) <= now())`;

/** A wait that can be named: which pool, what it needs, and when a builder of it was last seen. */
export interface Wait extends Record<string, unknown> {
  readonly pool: string;
  readonly served: boolean;
  readonly lastSeenAt: string | null;
}

export async function findWait(db: Database, stepId: number): Promise<Wait | undefined> {
  const [row] = await db.execute<Wait>(sql`
    select s.pool, ${poolIsServed} as served, to_char(greatest(
        (select max(b.last_seen_at) from builders b where s.pool = any(b.pools)),
        (select max(g.last_seen_at) from gpus g where 'gpu.' || g.architecture = s.pool)
      ) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastSeenAt"
    from steps s where s.id = ${stepId}`);
  return row;
}
