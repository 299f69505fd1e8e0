/** One pool's dispatcher: hands ready steps to workflows whenever there is room. Most are claimed by the ending that made room. */

import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type DispatchInput, SIGNALS } from '../domain/ci/workflow-messages.ts';
import { ioOptions } from './activity-options.ts';
import type { DispatchActivities } from './activity-types.ts';

/** Well below Temporal's suggestion (4,096): a short history replays in a moment. */
const EVENTS_BEFORE_CONTINUE = 1_000;

export const wake = defineSignal(SIGNALS.wake);

const { dispatchReady } = proxyActivities<DispatchActivities>(ioOptions);

export async function dispatchWorkflow(input: DispatchInput): Promise<void> {
  let dirty = true;
  setHandler(wake, () => {
    dirty = true;
  });
  while (workflowInfo().historyLength < EVENTS_BEFORE_CONTINUE) {
    // Wakes are hints: a lost one costs a poll.
    await condition(() => dirty, input.timing.pollSeconds * 1000);
    dirty = false;
    await dispatchReady({ pool: input.pool });
  }
  await continueAsNew<typeof dispatchWorkflow>(input);
}
