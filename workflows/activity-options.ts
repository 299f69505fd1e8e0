/** How long each activity may take, how often it must show life and how it is tried again. */

import { type ActivityOptions, ActivityCancellationType } from '@temporalio/workflow';
import { IO_QUEUE } from '../domain/ci/pool.ts';
import type { Timing } from '../domain/ci/workflow-messages.ts';

/** The database may be away for long: a decision that is made is recorded however late. */
export const ioOptions: ActivityOptions = {
  taskQueue: IO_QUEUE,
  startToCloseTimeout: '5 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', nonRetryableErrorTypes: ['ParseError'] },
};

/** A decision that nothing waits long for is made by the worker that runs the workflow, at a third of the cost. */
export const localOptions = {
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', maximumAttempts: 3 },
} as const;

/** Longest build that any derivation may ask for; its own limits end it long before. */
const LONGEST_ATTEMPT = '7 days';

/** One try of a step on a builder. The workflow decides what follows, so Temporal itself never repeats it. */
export function attemptOptions(timing: Timing): ActivityOptions {
  return {
    startToCloseTimeout: LONGEST_ATTEMPT,
    heartbeatTimeout: timing.heartbeatSeconds * 1000,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}

/** Evaluation on an evaluator: any other may repeat it, since what it stores is keyed by attribute. */
export function evaluateOptions(queue: string, timing: Timing): ActivityOptions {
  return {
    taskQueue: queue,
    startToCloseTimeout: '1 day',
    heartbeatTimeout: timing.heartbeatSeconds * 1000,
    retry: {
      initialInterval: '5 seconds',
      maximumInterval: '1 minute',
      nonRetryableErrorTypes: ['ParseError'],
    },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}
