/** Histories written by hand: what Temporal would have recorded, for replays without a server (reference: temporal.md §9.2). */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { WorkflowType } from '../../domain/ci/workflow-messages.ts';

type Failure = Record<string, unknown>;

/**
 * Commands of the workflow (`schedule`, `local`, `startTimer` …) stand where its last task decided them; what comes from outside
 * (`complete`, `fail`, `signal` …) ends with a new workflow task. Each returns the history itself.
 */
export interface History {
  schedule(activity: string): History;
  /** Of the activity that was scheduled last, or of the named one. */
  complete(value?: unknown, activity?: string): History;
  fail(type: string, options?: { nonRetryable?: boolean; details?: readonly unknown[] }): History;
  timeOut(kind: 'HEARTBEAT' | 'START_TO_CLOSE' | 'SCHEDULE_TO_START', lastHeartbeat?: unknown): History;
  /** The workflow asked the activity to stop; it did. */
  cancelActivity(activity?: string): History;
  /** A local activity, as the marker that it leaves. */
  local(activity: string, failure?: string): History;
  /** A timer that fires, and the time with it. */
  sleep(seconds: number): History;
  startTimer(seconds: number): History;
  /** Of the timer that was started last. */
  fireTimer(): History;
  cancelTimer(): History;
  /** A condition with a time limit that held at once: it takes a timer's id, and leaves no event. */
  passTimer(): History;
  signal(name: string, ...args: readonly unknown[]): History;
  requestCancel(): History;
  /** Time passes. */
  wait(seconds: number): History;
  end(): History;
  endBy(event: string, attributes: object): History;
  readonly events: readonly object[];
}

/** What the SDK of today notes: without Core's flags the types of activities would not be compared. */
const SDK_METADATA = { coreUsedFlags: [1, 2, 3], langUsedFlags: [1, 2, 3] };
const NEVER_AGAIN = 'RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED';

/** A history up to the end of the first workflow task. */
export function beginHistory(type: WorkflowType, input: unknown): History {
  const events: object[] = [];
  let now = Date.parse('2026-11-22T00:00:00Z');
  // Activities, local or not, share one counter; timers have their own.
  const counters = { activity: 0, timer: 0 };
  let lastTask = 0;
  let timer = { id: '', startedEventId: '', seconds: 0 };
  const open = new Map<string, number>();

  const add = (eventType: string, attributes: object): number => {
    const key = eventType.toLowerCase().replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
    events.push({
      eventId: String(events.length + 1),
      eventTime: new Date(now).toISOString(),
      eventType: `EVENT_TYPE_${eventType}`,
      [`${key}EventAttributes`]: attributes,
    });
    return events.length;
  };
  const command = (eventType: string, attributes: object): number =>
    add(eventType, { ...attributes, workflowTaskCompletedEventId: String(lastTask) });
  const task = (): History => {
    const queue = { taskQueue: { name: 'ctl' } };
    const scheduledEventId = String(
      add('WORKFLOW_TASK_SCHEDULED', { ...queue, startToCloseTimeout: '10s', attempt: 1 }),
    );
    const startedEventId = String(
      add('WORKFLOW_TASK_STARTED', { scheduledEventId, identity: 'test', requestId: 'r' }),
    );
    const ids = { scheduledEventId, startedEventId };
    lastTask = add('WORKFLOW_TASK_COMPLETED', { ...ids, identity: 'test', sdkMetadata: SDK_METADATA });
    return history;
  };
  const startedOf = (
    activity = [...open.keys()].at(-1),
  ): { scheduledEventId: string; startedEventId: string } => {
    const scheduled = activity === undefined ? undefined : open.get(activity);
    if (activity === undefined || scheduled === undefined)
      throw new Error(`no open activity ${activity ?? ''}`);
    open.delete(activity);
    const scheduledEventId = String(scheduled);
    const started = add('ACTIVITY_TASK_STARTED', { scheduledEventId, identity: 'test', attempt: 1 });
    return { scheduledEventId, startedEventId: String(started) };
  };
  const endActivity = (event: string, attributes: Failure): History => {
    add(event, { ...startedOf(), retryState: NEVER_AGAIN, ...attributes });
    return task();
  };

  const history: History = {
    events,
    schedule: (activity) => {
      const attributes = { activityId: String(++counters.activity), activityType: { name: activity } };
      open.set(activity, command('ACTIVITY_TASK_SCHEDULED', { ...attributes, taskQueue: { name: 'q' } }));
      return history;
    },
    complete: (value = null, activity) => {
      add('ACTIVITY_TASK_COMPLETED', { ...startedOf(activity), result: payloads(value) });
      return task();
    },
    fail: (failureType, { nonRetryable = false, details = [] } = {}) =>
      endActivity('ACTIVITY_TASK_FAILED', {
        failure: {
          message: failureType,
          source: 'TypeScriptSDK',
          applicationFailureInfo: { type: failureType, nonRetryable, details: payloads(...details) },
        },
      }),
    timeOut: (kind, lastHeartbeat) =>
      endActivity('ACTIVITY_TASK_TIMED_OUT', {
        failure: {
          message: `activity ${kind} timeout`,
          source: 'Server',
          timeoutFailureInfo: {
            timeoutType: `TIMEOUT_TYPE_${kind}`,
            ...(lastHeartbeat === undefined ? {} : { lastHeartbeatDetails: payloads(lastHeartbeat) }),
          },
        },
      }),
    cancelActivity: (activity) => {
      const scheduledEventId = String(open.get(activity ?? [...open.keys()].at(-1) ?? ''));
      const asked = command('ACTIVITY_TASK_CANCEL_REQUESTED', { scheduledEventId });
      add('ACTIVITY_TASK_CANCELED', { ...startedOf(activity), latestCancelRequestedEventId: String(asked) });
      return task();
    },
    local: (activity, failure) => {
      const seq = ++counters.activity;
      const data = { seq, attempt: 1, activity_id: String(seq), activity_type: activity, backoff: null };
      const times = {
        complete_time: { seconds: 0, nanos: 0 },
        original_schedule_time: { seconds: 0, nanos: 0 },
      };
      command('MARKER_RECORDED', {
        markerName: 'core_local_activity',
        details: {
          data: payloads({ ...data, ...times }),
          ...(failure === undefined ? { result: payloads(null) } : {}),
        },
        ...(failure === undefined
          ? {}
          : {
              failure: {
                message: failure,
                source: 'TypeScriptSDK',
                applicationFailureInfo: { type: 'Error' },
              },
            }),
      });
      return history;
    },
    startTimer: (seconds) => {
      const id = String(++counters.timer);
      const started = command('TIMER_STARTED', { timerId: id, startToFireTimeout: `${seconds}s` });
      timer = { id, startedEventId: String(started), seconds };
      return history;
    },
    fireTimer: () => {
      now += timer.seconds * 1000;
      add('TIMER_FIRED', { timerId: timer.id, startedEventId: timer.startedEventId });
      return task();
    },
    cancelTimer: () => {
      command('TIMER_CANCELED', {
        timerId: timer.id,
        startedEventId: timer.startedEventId,
        identity: 'test',
      });
      return history;
    },
    passTimer: () => {
      counters.timer++;
      return history;
    },
    sleep: (seconds) => history.startTimer(seconds).fireTimer(),
    signal: (signalName, ...args) => {
      add('WORKFLOW_EXECUTION_SIGNALED', { signalName, input: payloads(...args), identity: 'test' });
      return task();
    },
    requestCancel: () => {
      add('WORKFLOW_EXECUTION_CANCEL_REQUESTED', { identity: 'test' });
      return task();
    },
    wait: (seconds) => {
      now += seconds * 1000;
      return history;
    },
    end: () => history.endBy('WORKFLOW_EXECUTION_COMPLETED', { result: payloads(null) }),
    endBy: (event, attributes) => {
      command(event, attributes);
      return history;
    },
  };
  add('WORKFLOW_EXECUTION_STARTED', {
    workflowType: { name: type },
    taskQueue: { name: 'ctl' },
    originalExecutionRunId: 'r',
    firstExecutionRunId: 'r',
    attempt: 1,
    workflowTaskTimeout: '10s',
    input: payloads(input),
  });
  return task();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function payloads(...values: readonly unknown[]): { payloads: object[] } {
  return { payloads: values.map(payload) };
}

/** Protobuf's JSON writes bytes in base 64. */
function payload(value: unknown): object {
  const { metadata, data } = defaultPayloadConverter.toPayload(value) ?? {};
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([key, bytes]) => [key, base64(bytes)])),
    ...(data === undefined || data === null ? {} : { data: base64(data) }),
  };
}

/** How each replay ended: without an error where the workflow would have done what the history says. One worker for all: making one takes longer than a replay. */
export async function replayAll(
  workflowBundle: WorkflowBundleWithSourceMap,
  cases: Iterable<readonly [title: string, history: () => History]>,
): Promise<Map<string, Error | undefined>> {
  const histories = [...cases].map(([workflowId, history]) => ({
    workflowId,
    history: { events: history().events } as object,
  }));
  const errors = new Map<string, Error | undefined>();
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories))
    errors.set(workflowId, error);
  return errors;
}

/** A test for each case: `right` histories are what the workflow does, `wrong` ones what it never would. */
export function testReplays(
  bundle: () => Promise<WorkflowBundleWithSourceMap>,
  right: readonly (readonly [string, () => History])[],
  wrong: readonly (readonly [string, () => History])[],
): void {
  let errors: Map<string, Error | undefined>;
  before(async () => {
    errors = await replayAll(await bundle(), [...right, ...wrong]);
  });
  describe('in order:', () => {
    for (const [title] of right) test(title, () => assert.equal(errors.get(title)?.message, undefined));
  });
  describe('never:', () => {
    for (const [title] of wrong)
      test(title, () => assert.equal(errors.get(title)?.name, 'DeterminismViolationError'));
  });
}
