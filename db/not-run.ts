/** Steps that no builder can run now: they stay queued, say what they wait for, and evaluations drain around them. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { refreshJobsOfEvaluation } from './job-outcomes.ts';
import { addToOutbox, type EvaluationKey, signalEvaluationMessage } from './outbox.ts';
import { poolIsServed } from './served.ts';

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
        and (s.state in ('dispatched', 'running') or (s.state = 'ready' and (${poolIsServed(sql`s.pool`)} or not ${waitedLongEnough})))
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
