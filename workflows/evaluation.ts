/** One evaluation: evaluate, plan each batch as it comes, wait until nothing of it remains, classify, publish. */

import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type EvaluationInput, SIGNALS } from '../domain/ci/workflow-messages.ts';
import { evaluateOptions, ioOptions } from './activity-options.ts';
import type { EvaluationActivities, EvaluationReport, EvaluatorActivities } from './activity-types.ts';

const EVENTS_BEFORE_CONTINUE = 1_000;

export const batchStored = defineSignal(SIGNALS.batchStored);
export const stepsDrained = defineSignal(SIGNALS.stepsDrained);
export const cancelled = defineSignal(SIGNALS.cancelled);

const io = proxyActivities<EvaluationActivities>({ ...ioOptions, startToCloseTimeout: '1 hour' });

export async function evaluationWorkflow(input: EvaluationInput): Promise<void> {
  const { evaluationId } = input;
  const seen = { batch: false, drained: false, cancelled: false };
  setHandler(batchStored, () => void (seen.batch = true));
  setHandler(stepsDrained, () => void (seen.drained = true));
  setHandler(cancelled, () => void (seen.cancelled = true));

  const begun = await io.beginEvaluation({ evaluationId });
  seen.cancelled ||= begun.cancelled;
  let complete = true;
  if (!begun.alreadyEvaluated && !seen.cancelled) {
    const report = await evaluateAndPlan(input, seen);
    if (report !== undefined) {
      complete = report.complete;
      const { drained } = await io.finishPlanning({ evaluationId, report });
      seen.drained ||= drained;
    }
  }
  await waitUntilDrained(input, seen);
  if (!seen.cancelled) {
    await io.classifyEvaluation({ evaluationId });
    await io.publishEvaluation({ evaluationId, complete });
  }
  await io.finishEvaluation({ evaluationId, failure: null });
}

/** The batches that the evaluator stores are planned while it goes on. `undefined` when it was cancelled. */
async function evaluateAndPlan(
  { evaluationId, queue, timing }: EvaluationInput,
  seen: { batch: boolean; cancelled: boolean },
): Promise<EvaluationReport | undefined> {
  const evaluator = proxyActivities<EvaluatorActivities>(evaluateOptions(queue, timing));
  const scope = new CancellationScope();
  const progress = { ended: false };
  const evaluation = scope
    .run(() => evaluator.evaluate({ evaluationId }))
    .catch((error: unknown): EvaluationReport | undefined => {
      if (isCancellation(error)) return undefined;
      return { complete: false, jobs: 0, errors: 0, message: messageOf(error) };
    })
    .finally(() => {
      progress.ended = true;
    });
  while (!progress.ended) {
    await condition(() => progress.ended || seen.batch || seen.cancelled);
    if (seen.cancelled) scope.cancel();
    if (!seen.batch || seen.cancelled) {
      await evaluation;
      break;
    }
    seen.batch = false;
    await io.planBatch({ evaluationId });
  }
  return seen.cancelled ? undefined : evaluation;
}

async function waitUntilDrained(
  input: EvaluationInput,
  seen: { drained: boolean; cancelled: boolean },
): Promise<void> {
  while (!seen.drained && !seen.cancelled) {
    // The signal may be lost with Temporal's database; Postgres knows.
    const signalled = await condition(() => seen.drained || seen.cancelled, input.timing.pollSeconds * 1000);
    if (!signalled) seen.drained = await io.isDrained({ evaluationId: input.evaluationId });
    if (workflowInfo().historyLength >= EVENTS_BEFORE_CONTINUE)
      await continueAsNew<typeof evaluationWorkflow>({ ...input, phase: 'build' });
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
