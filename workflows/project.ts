/** One project's triggers: a burst is debounced into one evaluation, an unchanged source into none. */

import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type PendingTriggers,
  type ProjectInput,
  SIGNALS,
  type TriggerMessage,
  type TriggerInput,
} from '../domain/ci/workflow-messages.ts';
import { evaluateOptions, ioOptions } from './activity-options.ts';
import type { EvaluatorActivities, ProjectActivities } from './activity-types.ts';

const EVENTS_BEFORE_CONTINUE = 1_000;
/** Resolving asks a forge for a revision; where that takes longer the forge is away, and the next trigger asks again. */
const RESOLVE_TIMEOUT = '5 minutes';
const RESOLVE_ATTEMPTS = 3;

export const trigger = defineSignal<[TriggerMessage]>(SIGNALS.trigger);

const io = proxyActivities<ProjectActivities>(ioOptions);

export async function projectWorkflow(input: ProjectInput): Promise<void> {
  const pending = new Map(Object.entries(input.pending));
  setHandler(trigger, (message) => addTrigger(pending, message));
  while (workflowInfo().historyLength < EVENTS_BEFORE_CONTINUE) {
    await waitUntilDue(pending);
    for (const [jobsetId, { triggerIds }] of due(pending)) {
      // Taken out before the first await: a trigger that comes meanwhile is pending anew.
      pending.delete(jobsetId);
      await settle(input, Number(jobsetId), triggerIds);
    }
  }
  await continueAsNew<typeof projectWorkflow>({ ...input, pending: Object.fromEntries(pending) });
}

/** Each further trigger of the jobset moves the evaluation back; the first one's age is no limit, since bursts end. */
function addTrigger(
  pending: Map<string, PendingTriggers>,
  { jobsetId, triggerId, debounceSeconds }: TriggerMessage,
): void {
  const key = String(jobsetId);
  const before = pending.get(key)?.triggerIds ?? [];
  if (before.includes(triggerId)) return;
  pending.set(key, { triggerIds: [...before, triggerId], dueAt: Date.now() + debounceSeconds * 1000 });
}

async function waitUntilDue(pending: ReadonlyMap<string, PendingTriggers>): Promise<void> {
  await condition(() => pending.size > 0);
  while (due(pending).length === 0) {
    const next = Math.min(...[...pending.values()].map(({ dueAt }) => dueAt));
    const before = fingerprint(pending);
    await condition(() => fingerprint(pending) !== before, Math.max(1, next - Date.now()));
  }
}

function due(pending: ReadonlyMap<string, PendingTriggers>): [string, PendingTriggers][] {
  return [...pending].filter(([, { dueAt }]) => dueAt <= Date.now());
}

function fingerprint(pending: ReadonlyMap<string, PendingTriggers>): string {
  return JSON.stringify([...pending]);
}

async function settle(
  { queue, timing }: ProjectInput,
  jobsetId: number,
  triggerIds: readonly number[],
): Promise<void> {
  const evaluator = proxyActivities<EvaluatorActivities>({
    ...evaluateOptions(queue, timing),
    startToCloseTimeout: RESOLVE_TIMEOUT,
    retry: { maximumAttempts: RESOLVE_ATTEMPTS },
  });
  const source = await evaluator.resolveSource({ jobsetId }).catch((error: unknown) => ({
    kind: 'failed' as const,
    message: error instanceof Error ? error.message : String(error),
  }));
  await io.settleTriggers({ jobsetId, triggerIds, source });
}

/** What a jobset's schedule starts. */
export async function triggerWorkflow({ jobsetId }: TriggerInput): Promise<void> {
  await io.recordScheduledTrigger({ jobsetId });
}
