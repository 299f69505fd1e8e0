/** A step whose inputs vanished: it goes back to waiting for the steps that make them again. */

import { sql } from 'drizzle-orm';
import type { StepEnding } from '../domain/ci/workflow-messages.ts';
import { claimReadySteps } from './claims.ts';
import type { Database } from './database.ts';
import { lockGraphForPlanning } from './locks.ts';
import { ids } from './sql.ts';
import { closeAttempt, lockEndingStep } from './step-endings.ts';

/** An evaluation that still wants a step, for which its inputs can be planned. */
export async function findWanter(db: Database, stepId: number): Promise<number | undefined> {
  const [row] = await db.execute<{ evaluationId: number }>(sql`
    select evaluation_id as "evaluationId" from wanted where step_id = ${stepId} and state in ('open', 'not-run')
    order by evaluation_id desc limit 1`);
  return row?.evaluationId;
}

/** The step waits for these under its next generation, or is ready again where they are there by now. */
export async function waitForInputs(
  tx: Database,
  ending: StepEnding,
  inputStepIds: readonly number[],
): Promise<void> {
  await lockGraphForPlanning(tx);
  const step = await lockEndingStep(tx, ending.stepId, ending.generation);
  if (step === undefined) return;
  await closeAttempt(tx, ending, 'aborted');
  await tx.execute(sql`
    insert into step_inputs (step_id, input_step_id)
    select ${step.id}, id from steps where id in ${ids(inputStepIds)} and id <> ${step.id} on conflict do nothing`);
  await tx.execute(sql`
    update steps s set unmet = u.unmet, generation = generation + 1, dispatched_at = null, started_at = null,
      state = case when u.unmet = 0 then 'ready' else 'waiting' end, ready_at = case when u.unmet = 0 then now() end
    from (
      select count(*)::int as unmet from step_inputs i join steps x on x.id = i.input_step_id
      where i.step_id = ${step.id} and x.id in ${ids(inputStepIds)} and x.state <> 'done'
    ) u where s.id = ${step.id}`);
  await claimReadySteps(tx, [step.pool]);
}
