/** Cancelling an evaluation: what nobody else wants stops, what another evaluation wants goes on. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { refreshJobsOfEvaluation } from './job-outcomes.ts';
import { lockGraphForPlanning } from './locks.ts';
import { addToOutbox, cancelStepMessage, type EvaluationKey, signalEvaluationMessage } from './outbox.ts';

/**
 * Cancels an evaluation at once in Postgres; its workflow and those of running steps are told by the outbox.
 * Returns how many steps it ended and how many running ones it asked to stop; `undefined` when it has finished already.
 */
export async function cancelEvaluation(
  tx: Database,
  key: EvaluationKey,
  reason: string,
): Promise<{ ended: number; stopping: number } | undefined> {
  // No planning may add a want, and no ending release a step, while the last wants are counted.
  await lockGraphForPlanning(tx);
  const [evaluation] = await tx.execute(sql`
    update evaluations set cancel_requested_at = coalesce(cancel_requested_at, now()),
      cancel_reason = coalesce(cancel_reason, ${reason}), remaining = 0
    where id = ${key.evaluationId} and state <> 'finished' returning id`);
  if (evaluation === undefined) return undefined;
  await tx.execute(sql`
    update wanted set state = 'cancelled' where evaluation_id = ${key.evaluationId} and state in ('open', 'not-run')`);
  const ended = await tx.execute(sql`
    update steps s set state = 'done', outcome = 'cancelled', ended_at = now() where s.state in ('waiting', 'ready') and ${unwanted(key)}`);
  const stopping = await tx.execute<Parameters<typeof cancelStepMessage>[0] & Record<string, unknown>>(sql`
    update steps s set cancel_requested_at = now()
    where s.state in ('dispatched', 'running') and s.cancel_requested_at is null and ${unwanted(key)}
    returning s.drv_hash as "drvHash", s.architecture, s.scope, s.generation`);
  await refreshJobsOfEvaluation(tx, key.evaluationId);
  await tx.execute(sql`
    update jobs set outcome = 'cancelled' where evaluation_id = ${key.evaluationId} and outcome is null`);
  await addToOutbox(tx, [...stopping.map(cancelStepMessage), signalEvaluationMessage(key, 'cancelled')]);
  return { ended: ended.count, stopping: stopping.length };
}

function unwanted(key: EvaluationKey) {
  return sql`exists (select 1 from wanted w where w.step_id = s.id and w.evaluation_id = ${key.evaluationId})
    and not exists (select 1 from wanted w where w.step_id = s.id and w.state in ('open', 'not-run'))`;
}
