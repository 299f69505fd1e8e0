/** One step: its attempts on builders, and its ending, recorded exactly once. */

import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import {
  afterLostBuilder,
  type AttemptHistory,
  type NextAttempt,
  nextAttempt,
} from '../domain/ci/next-attempt.ts';
import { isSuccess } from '../domain/ci/outcome.ts';
import { builderQueue } from '../domain/ci/pool.ts';
import type { AttemptReport, StepEnding, StepInput } from '../domain/ci/workflow-messages.ts';
import { attemptOptions, ioOptions, localOptions } from './activity-options.ts';
import type { BuilderActivities, StepActivities } from './activity-types.ts';

const io = proxyActivities<StepActivities>(ioOptions);
const local = proxyLocalActivities<StepActivities>(localOptions);

/** Realises one derivation on some builder. A failed package is a value; only a bug fails the workflow. */
export async function stepWorkflow(step: StepInput): Promise<void> {
  await runStep(step);
}

/** Runs one GPU check on one architecture. */
export async function gpuTestWorkflow(step: StepInput): Promise<void> {
  await runStep(step);
}

async function runStep(step: StepInput): Promise<void> {
  const progress = { attempt: step.resume?.attempt ?? 1 };
  const last = await attempts(step, progress).catch((error: unknown): LastReport => {
    if (!isCancellation(error)) throw error;
    return { report: { kind: 'ended', outcome: 'cancelled', builder: '' } };
  });
  await CancellationScope.nonCancellable(() => record(step, progress.attempt, last));
}

interface LastReport {
  readonly report: AttemptReport;
  readonly reason?: string;
}

async function attempts(step: StepInput, progress: { attempt: number }): Promise<LastReport> {
  const history = { buildersLost: 0, suspicions: 0 };
  let at = step.resume?.builder;
  for (;;) {
    const so: AttemptHistory = { attempt: progress.attempt, ...history };
    const tried = await attemptOnce(step, progress.attempt, at);
    at = undefined;
    let next: NextAttempt;
    switch (tried.kind) {
      case 'detached':
        at = tried.builder;
        continue;
      case 'lost':
        history.buildersLost++;
        next = afterLostBuilder({ ...so, buildersLost: history.buildersLost });
        break;
      case 'bug':
        return { report: { kind: 'ended', outcome: 'aborted', builder: '' }, reason: tried.message };
      case 'reported':
        if (tried.report.kind !== 'ended') return { report: tried.report };
        next = await decide(step, tried.report, so);
        if (next.kind === 'end') return { report: { ...tried.report, outcome: next.outcome } };
        history.suspicions++;
        break;
    }
    if (next.kind === 'end')
      return {
        report: { kind: 'ended', outcome: next.outcome, builder: '' },
        ...(next.reason === undefined ? {} : { reason: next.reason }),
      };
    await sleep(next.delaySeconds * 1000 * step.timing.retryDelayFactor, { summary: next.because });
    progress.attempt++;
  }
}

async function decide(
  step: StepInput,
  report: AttemptReport & { kind: 'ended' },
  history: AttemptHistory,
): Promise<NextAttempt> {
  const { outcome } = report;
  if (isSuccess(outcome) || outcome === 'cancelled') return { kind: 'end', outcome };
  const verdict = await io.classifyAttempt(endingOf(step, history.attempt, { report }));
  return nextAttempt({ outcome, retry: verdict.retry, class: verdict.class }, history);
}

type Tried =
  | { readonly kind: 'reported'; readonly report: AttemptReport }
  /** The build goes on (or has ended) on this builder, without its worker. */
  | { readonly kind: 'detached'; readonly builder: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'bug'; readonly message: string };

/** One try: on the pool, or on the builder (`at`) where the attempt runs already. */
async function attemptOnce(step: StepInput, attempt: number, at: string | undefined): Promise<Tried> {
  const { timing } = step;
  const summary = `${step.name}${step.architecture === null ? '' : ` ${step.architecture}`} #${attempt}${at === undefined ? '' : ` on ${at}`}`;
  const priority = { priorityKey: step.priority, fairnessKey: step.fairnessKey };
  const here = { ...attemptOptions(timing), summary, priority };
  const builder = proxyActivities<BuilderActivities>(
    at === undefined
      ? { ...here, taskQueue: step.pool }
      : { ...here, taskQueue: builderQueue(at), scheduleToStartTimeout: timing.resumeSeconds * 1000 },
  );
  const input = { step, attempt };
  try {
    if (step.kind === 'build')
      return {
        kind: 'reported',
        report: at === undefined ? await builder.realiseStep(input) : await builder.resumeStep(input),
      };
    return {
      kind: 'reported',
      report: at === undefined ? await builder.runGpuTest(input) : await builder.resumeGpuTest(input),
    };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return triedOf(error);
  }
}

function triedOf({ cause }: ActivityFailure): Tried {
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'HEARTBEAT') {
    const where = cause.lastHeartbeatDetails as { builder?: string } | undefined;
    return where?.builder === undefined ? { kind: 'lost' } : { kind: 'detached', builder: where.builder };
  }
  if (cause instanceof ApplicationFailure && cause.type === 'WorkerShutdownDetached') {
    const where = cause.details?.[0] as { builder: string };
    return { kind: 'detached', builder: where.builder };
  }
  if (cause instanceof ApplicationFailure && cause.nonRetryable === true)
    return { kind: 'bug', message: `${cause.type ?? 'error'}: ${cause.message}` };
  return { kind: 'lost' };
}

function endingOf(step: StepInput, attempt: number, last: LastReport): StepEnding {
  const { stepId, generation } = step;
  return { stepId, generation, attempt, ...last };
}

async function record(step: StepInput, attempt: number, last: LastReport): Promise<void> {
  const ending = endingOf(step, attempt, last);
  switch (last.report.kind) {
    case 'obsolete':
      return;
    case 'inputs-missing':
      return io.returnStep(ending);
    case 'ended':
      // Where Postgres is away longer than a local activity may take, the `io` queue tries for ever.
      return local.recordStepEnd(ending).catch(() => io.recordStepEnd(ending));
  }
}
