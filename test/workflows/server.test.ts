/** Workflows on a real Temporal: queues, options and arguments, which replays do not compare. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { StepEnding, StepInput } from '../../domain/ci/workflow-messages.ts';
import { until } from '../support/runs.ts';
import { startWorkflowServer, type WorkflowServer } from '../support/workflow-server.ts';

const TIMING = { heartbeatSeconds: 1, resumeSeconds: 1, retryDelayFactor: 0.01, pollSeconds: 1 };

let server: WorkflowServer;
/** What the database was told, by step; the first so many local tries fail. */
const endings = new Map<number, StepEnding>();
const failures = new Map<number, number>();
/** What was said of the evaluation, and of the project's triggers. */
const told: unknown[] = [];
const settled: unknown[] = [];

before(async () => {
  server = await startWorkflowServer({
    recordStepEnd: (ending: StepEnding) => {
      const left = failures.get(ending.stepId) ?? 0;
      failures.set(ending.stepId, left - 1);
      if (left > 0) throw new Error('no database');
      endings.set(ending.stepId, ending);
    },
  });
  await server.poll('io', {
    recordStepEnd: (ending: StepEnding) => void endings.set(ending.stepId, ending),
    classifyAttempt: () => ({ class: 'infra', retry: 'other' }),
    beginEvaluation: () => ({ alreadyEvaluated: false, cancelled: false }),
    finishPlanning: (input: unknown) => {
      told.push(input);
      return { drained: true };
    },
    classifyEvaluation: () => ({ findings: 0 }),
    publishEvaluation: (input: unknown) => {
      told.push(input);
      return { pinned: 0 };
    },
    finishEvaluation: (input: unknown) => void told.push(input),
    settleTriggers: (input: unknown) => {
      settled.push(input);
      return { evaluationId: null };
    },
  });
});
after(() => server[Symbol.asyncDispose]());

let lastStep = 0;

function stepInput(pool: string, more: Partial<StepInput> = {}): StepInput {
  const stepId = ++lastStep;
  return {
    stepId,
    kind: 'build',
    drvHash: `hash${stepId}`,
    name: 'torch',
    architecture: null,
    scope: 0,
    generation: 1,
    pool,
    priority: 2,
    fairnessKey: 'jobset-9',
    resume: null,
    timing: TIMING,
    ...more,
  };
}

/** Runs a step to its end, and returns its handle and what was recorded. */
async function runStep(step: StepInput): Promise<{ handle: WorkflowHandle; ending: StepEnding | undefined }> {
  const type = step.kind === 'build' ? 'stepWorkflow' : 'gpuTestWorkflow';
  const handle = await server.start(type, `step/${step.stepId}`, step);
  await handle.result();
  return { handle, ending: endings.get(step.stepId) };
}

interface Scheduled {
  readonly activity: string;
  readonly queue: string;
  readonly attempt: unknown;
  readonly summary: unknown;
}

/** What a workflow asked builders for. */
async function scheduledBy(handle: WorkflowHandle): Promise<Scheduled[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.taskQueue?.name == null || scheduled.taskQueue.name === 'io') return [];
    return [
      {
        activity: scheduled.activityType?.name ?? '',
        queue: scheduled.taskQueue.name,
        attempt: (jsonOf(scheduled.input?.payloads?.[0]?.data) as { attempt?: unknown }).attempt,
        summary: jsonOf(event.userMetadata?.summary?.data),
      },
    ];
  });
}

function jsonOf(data: Uint8Array | null | undefined): unknown {
  return data == null ? undefined : JSON.parse(Buffer.from(data).toString());
}

const built = { kind: 'ended', outcome: 'built', builder: 'b1' };

test('a step asks its pool once, with its own priority, and leaves every repetition to the workflow', async () => {
  await server.poll('build.once', { realiseStep: () => built });
  const { handle, ending } = await runStep(stepInput('build.once'));
  assert.deepEqual(await scheduledBy(handle), [
    { activity: 'realiseStep', queue: 'build.once', attempt: 1, summary: 'torch #1' },
  ]);
  const { events } = await handle.fetchHistory();
  const options = events?.find(
    (event) => event.activityTaskScheduledEventAttributes,
  )?.activityTaskScheduledEventAttributes;
  assert.equal(options?.retryPolicy?.maximumAttempts, 1);
  assert.equal(Number(options?.heartbeatTimeout?.seconds), 1);
  assert.deepEqual([options?.priority?.priorityKey, options?.priority?.fairnessKey], [2, 'jobset-9']);
  assert.deepEqual(ending, { stepId: ending?.stepId, generation: 1, attempt: 1, report: built });
});

test('a builder that is lost is asked on its own queue, and when it stays away another one tries anew', async () => {
  let tries = 0;
  await server.poll('build.lost', {
    realiseStep: async () => {
      if (++tries > 1) return { ...built, builder: 'b2' };
      Context.current().heartbeat({ builder: 'gone' });
      // As a builder that loses its power: no beat and no answer, until the server has given it up.
      return new Promise((resolve) =>
        Context.current().cancellationSignal.addEventListener('abort', resolve),
      );
    },
  });
  const { handle, ending } = await runStep(stepInput('build.lost'));
  assert.deepEqual(await scheduledBy(handle), [
    { activity: 'realiseStep', queue: 'build.lost', attempt: 1, summary: 'torch #1' },
    { activity: 'resumeStep', queue: 'builder.gone', attempt: 1, summary: 'torch #1 on gone' },
    { activity: 'realiseStep', queue: 'build.lost', attempt: 2, summary: 'torch #2' },
  ]);
  assert.deepEqual([ending?.attempt, ending?.report], [2, { ...built, builder: 'b2' }]);
});

test('a worker that stops hands its build to the same builder under the same number', async () => {
  const detached = ApplicationFailure.create({
    type: 'WorkerShutdownDetached',
    details: [{ builder: 'b3' }],
  });
  await server.poll('gpu.sm_89', {
    runGpuTest: () => {
      throw detached;
    },
  });
  await server.poll('builder.b3', { resumeGpuTest: () => built });
  const architecture = 'sm_89' as StepInput['architecture'];
  const { handle, ending } = await runStep(stepInput('gpu.sm_89', { kind: 'gpu-test', architecture }));
  assert.deepEqual(await scheduledBy(handle), [
    { activity: 'runGpuTest', queue: 'gpu.sm_89', attempt: 1, summary: 'torch sm_89 #1' },
    { activity: 'resumeGpuTest', queue: 'builder.b3', attempt: 1, summary: 'torch sm_89 #1 on b3' },
  ]);
  assert.equal(ending?.attempt, 1);
});

test('pauses between attempts grow threefold, and the fifth ending stands', async () => {
  await server.poll('build.sick', {
    realiseStep: () => ({ kind: 'ended', outcome: 'aborted', builder: 'b1' }),
  });
  const { handle, ending } = await runStep(
    stepInput('build.sick', { timing: { ...TIMING, retryDelayFactor: 0.001 } }),
  );
  const { events } = await handle.fetchHistory();
  const pauses = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer?.startToFireTimeout == null
      ? []
      : [Number(timer.startToFireTimeout.seconds ?? 0) * 1000 + (timer.startToFireTimeout.nanos ?? 0) / 1e6],
  );
  assert.deepEqual(pauses, [10, 30, 90, 270]);
  assert.deepEqual(
    [ending?.attempt, ending?.report.kind === 'ended' && ending.report.outcome],
    [5, 'aborted'],
  );
});

test('builders that a step costs are counted, and the third ends it with the reason', async () => {
  await server.poll('build.poison', {
    realiseStep: () => {
      throw new Error('the machine is gone');
    },
  });
  const { ending } = await runStep(
    stepInput('build.poison', { timing: { ...TIMING, retryDelayFactor: 0.001 } }),
  );
  assert.equal(ending?.attempt, 3);
  assert.match(ending?.reason ?? '', /^poisoned: 3 builders were lost/);
});

test('a bug ends the step with what it said', async () => {
  await server.poll('build.bug', {
    realiseStep: () => {
      throw ApplicationFailure.nonRetryable('no such attempt', 'ServerRefusal');
    },
  });
  const { ending } = await runStep(stepInput('build.bug'));
  assert.equal(ending?.reason, 'ServerRefusal: no such attempt');
  assert.deepEqual(ending?.report, { kind: 'ended', outcome: 'aborted', builder: '' });
});

test('a cancelled step is recorded as cancelled once its build has stopped', async () => {
  let stopped = false;
  let running = false;
  await server.poll('build.cancelled', {
    realiseStep: async () => {
      const context = Context.current();
      // A cancellation is learnt by beating.
      const beat = setInterval(() => context.heartbeat({ builder: 'b1' }), 100);
      running = true;
      try {
        await context.cancelled;
      } finally {
        clearInterval(beat);
        stopped = true;
      }
    },
  });
  const step = stepInput('build.cancelled', { timing: { ...TIMING, heartbeatSeconds: 10 } });
  const handle = await server.start('stepWorkflow', `step/${step.stepId}`, step);
  await until('the build runs', async () => running);
  await handle.cancel();
  await handle.result();
  assert.equal(stopped, true);
  assert.deepEqual(endings.get(step.stepId)?.report, { kind: 'ended', outcome: 'cancelled', builder: '' });
});

test('an ending that the coordinator cannot write at once is written by the patient queue', async () => {
  await server.poll('build.patient', { realiseStep: () => built });
  const step = stepInput('build.patient');
  failures.set(step.stepId, 3);
  const { ending } = await runStep(step);
  assert.deepEqual(ending?.report, built);
  assert.equal(failures.get(step.stepId), 0);
});

test('an evaluation asks its own queue, and an evaluator that fails for good leaves its message', async () => {
  await server.poll('eval.a', {
    evaluate: () => {
      throw ApplicationFailure.nonRetryable('jobset configuration: "x" is not valid', 'ParseError');
    },
  });
  const input = { evaluationId: 4, phase: 'evaluate', queue: 'eval.a', timing: TIMING };
  await (await server.start('evaluationWorkflow', 'evaluation/4', input)).result();
  assert.deepEqual(told, [
    {
      evaluationId: 4,
      report: { complete: false, jobs: 0, errors: 0, message: 'jobset configuration: "x" is not valid' },
    },
    { evaluationId: 4, complete: false },
    { evaluationId: 4, failure: null },
  ]);
});

test('triggers of a burst are settled together, with what their source is now', async () => {
  const source = { kind: 'resolved', revision: 'abc', lockedSource: null, dirty: false };
  await server.poll('eval.b', { resolveSource: () => source });
  const handle = await server.start('projectWorkflow', 'project/a', {
    slug: 'a',
    queue: 'eval.b',
    pending: {},
    timing: TIMING,
  });
  for (const triggerId of [1, 2, 3])
    await handle.signal('trigger', { jobsetId: 5, triggerId, debounceSeconds: 1 });
  await until('the triggers are settled', async () => settled.length > 0);
  await handle.terminate();
  assert.deepEqual(settled.splice(0), [{ jobsetId: 5, triggerIds: [1, 2, 3], source }]);
});
