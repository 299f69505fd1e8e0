/** How a step's ending changes the graph: one transaction records it, releases what waited and tells who must know. */

import { sql } from 'drizzle-orm';
import { isSuccess, type Outcome } from '../domain/ci/outcome.ts';
import type { StepEnding } from '../domain/ci/workflow-messages.ts';
import { claimReadySteps } from './claims.ts';
import type { Database } from './database.ts';
import { refreshJobsOfSteps } from './job-outcomes.ts';
import { lockGraphForEnding } from './locks.ts';
import { addToOutbox, signalEvaluationMessage } from './outbox.ts';
import { ids, json } from './sql.ts';

interface EndingStep extends Record<string, unknown> {
  readonly id: number;
  readonly pool: string;
  readonly state: string;
  readonly generation: number;
  readonly stillWanted: boolean;
}

/** The step of an ending, locked; `undefined` where the ending is late: the step is done, or of a newer generation. */
export async function lockEndingStep(
  tx: Database,
  stepId: number,
  generation: number,
): Promise<EndingStep | undefined> {
  const [step] = await tx.execute<EndingStep>(sql`
    select id, pool, state, generation,
      exists (select 1 from wanted w where w.step_id = steps.id and w.state in ('open', 'not-run')) as "stillWanted"
    from steps where id = ${stepId} for update`);
  return step === undefined || step.state === 'done' || step.generation !== generation ? undefined : step;
}

/**
 * Records how a step ended. Idempotent: a late ending changes nothing.
 * In the same transaction the next ready steps of the freed pool are claimed, so that a chain does not wait for the dispatcher.
 */
export async function recordStepEnding(tx: Database, ending: StepEnding): Promise<void> {
  const { report } = ending;
  if (report.kind !== 'ended') return;
  await lockGraphForEnding(tx);
  const step = await lockEndingStep(tx, ending.stepId, ending.generation);
  if (step === undefined) return;
  await closeAttempt(tx, ending, report.outcome);
  if (report.outcome === 'cancelled' && step.stillWanted) await restartStep(tx, step.id);
  else
    await endSteps(tx, [
      { stepId: step.id, outcome: report.outcome, reason: ending.reason ?? report.message ?? null },
    ]);
  await claimReadySteps(tx, [step.pool, ...(await poolsWithReadyDependents(tx, step.id))]);
}

/** Someone came to want the step while it was being cancelled for somebody else: it is ready again, under a new workflow id. */
async function restartStep(tx: Database, stepId: number): Promise<void> {
  await tx.execute(sql`
    update steps set state = 'ready', ready_at = now(), generation = generation + 1, cancel_requested_at = null,
      dispatched_at = null, started_at = null where id = ${stepId}`);
}

/** Closes the attempt of an ending, and those before it that a vanished worker left open. */
export async function closeAttempt(
  tx: Database,
  { stepId, generation, attempt, report }: StepEnding,
  outcome: Outcome,
): Promise<void> {
  const message = report.kind === 'ended' ? report.message : report.kind;
  const evidence = report.kind === 'ended' ? { exitCode: report.exitCode, nixExit: report.nixExit } : {};
  await tx.execute(sql`
    update attempts set
      outcome = coalesce(outcome, case when number = ${attempt} then ${outcome} else 'aborted' end),
      message = coalesce(message, case when number = ${attempt} then ${message ?? null} else 'the builder was lost' end),
      evidence = case when number = ${attempt} then evidence || ${json(evidence)} else evidence end,
      ended_at = coalesce(ended_at, now())
    where step_id = ${stepId} and generation = ${generation} and number <= ${attempt}
      and (ended_at is null or outcome is null)`);
}

export interface EndedStep {
  readonly stepId: number;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly rootStepId?: number | null;
}

/** Ends steps, and those that can no longer be built because of them; releases those that now can. */
export async function endSteps(tx: Database, ended: readonly EndedStep[]): Promise<void> {
  if (ended.length === 0) return;
  const rows = ended.map((step) => ({
    id: step.stepId,
    outcome: step.outcome,
    reason: step.reason,
    root: step.rootStepId ?? null,
  }));
  await tx.execute(sql`
    update steps s set state = 'done', outcome = e.outcome, reason = e.reason, root_step_id = e.root, ended_at = now()
    from jsonb_to_recordset(${json(rows)}) as e (id bigint, outcome text, reason text, root bigint)
    where s.id = e.id and s.state <> 'done'`);
  const succeeded = ended.filter((step) => isSuccess(step.outcome)).map((step) => step.stepId);
  const unsuccessful = ended.filter((step) => !isSuccess(step.outcome)).map((step) => step.stepId);
  await releaseDependents(tx, succeeded);
  const failedToo = await failDependents(tx, unsuccessful);
  const all = [...ended.map((step) => step.stepId), ...failedToo];
  await settleWanted(tx, all);
  await refreshJobsOfSteps(tx, all);
}

async function releaseDependents(tx: Database, stepIds: readonly number[]): Promise<void> {
  if (stepIds.length === 0) return;
  // Rows are locked in the order of their ids, so that two endings with common dependents cannot deadlock.
  await tx.execute(sql`
    with released as (
      select step_id, count(*)::int as inputs from step_inputs where input_step_id in ${ids(stepIds)} group by step_id
    ), locked as (
      select s.id, r.inputs from steps s join released r on r.step_id = s.id
      where s.state = 'waiting' order by s.id for update of s
    )
    update steps s set
      unmet = s.unmet - l.inputs,
      state = case when s.unmet - l.inputs <= 0 then 'ready' else 'waiting' end,
      ready_at = case when s.unmet - l.inputs <= 0 then now() end
    from locked l where s.id = l.id`);
}

/** Dependents of a failed step end with it, however far away, and name it as their root. */
async function failDependents(tx: Database, stepIds: readonly number[]): Promise<number[]> {
  if (stepIds.length === 0) return [];
  const rows = await tx.execute<{ id: number }>(sql`
    with recursive doomed (id, root, outcome) as (
      select i.step_id, coalesce(f.root_step_id, f.id), case when f.outcome = 'cancelled' then 'cancelled' else 'dependency-failed' end
      from step_inputs i join steps f on f.id = i.input_step_id where f.id in ${ids(stepIds)}
      union
      select i.step_id, d.root, d.outcome from doomed d join step_inputs i on i.input_step_id = d.id
    ), first as (
      select distinct on (id) id, root, outcome from doomed order by id, outcome desc, root
    ), locked as (
      select s.id, f.root, f.outcome from steps s join first f on f.id = s.id
      where s.state in ('waiting', 'ready') order by s.id for update of s
    )
    update steps s set state = 'done', outcome = l.outcome, root_step_id = l.root, ended_at = now()
    from locked l where s.id = l.id returning s.id`);
  return rows.map((row) => row.id);
}

/** Evaluations lose these steps from what they wait for; one that waits for nothing more is told. */
async function settleWanted(tx: Database, stepIds: readonly number[]): Promise<void> {
  const drained = await tx.execute<{
    evaluationId: number;
    project: string;
    jobset: string;
    number: number;
  }>(sql`
    with settled as (
      update wanted w set state = 'ended' from (
        select evaluation_id, step_id, state as before from wanted
        where step_id in ${ids(stepIds)} and state in ('open', 'not-run') order by evaluation_id, step_id for update
      ) o
      where w.evaluation_id = o.evaluation_id and w.step_id = o.step_id
      returning w.evaluation_id, o.before
    ), counts as (
      select evaluation_id, count(*) filter (where before = 'open')::int as steps from settled group by evaluation_id
    ), locked as (
      select e.id, c.steps from evaluations e join counts c on c.evaluation_id = e.id order by e.id for update of e
    )
    update evaluations e set remaining = e.remaining - l.steps
    from locked l, jobsets j, projects p
    where e.id = l.id and j.id = e.jobset_id and p.id = j.project_id
    returning case when e.remaining <= 0 and e.evaluated_at is not null and e.state <> 'finished' then e.id end as "evaluationId",
      p.slug as project, j.name as jobset, e.number`);
  const keys = drained.filter((row) => row.evaluationId !== null);
  await addToOutbox(
    tx,
    keys.map((key) => signalEvaluationMessage(key, 'stepsDrained')),
  );
}

async function poolsWithReadyDependents(tx: Database, stepId: number): Promise<string[]> {
  const rows = await tx.execute<{ pool: string }>(sql`
    select distinct s.pool from step_inputs i join steps s on s.id = i.step_id
    where i.input_step_id = ${stepId} and s.state = 'ready'`);
  return rows.map((row) => row.pool);
}
