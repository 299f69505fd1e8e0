/** The outbox relay: delivers to Temporal what transactions decided, at least once, in order for each workflow. */

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type Workflow,
} from '@temporalio/common';
import type { Connection } from '../db/database.ts';
import {
  forgetDelivered,
  markDelivered,
  OUTBOX_CHANNEL,
  type OutboxMessage,
  takeFromOutbox,
} from '../db/outbox.ts';
import { CONTROL_QUEUE } from '../domain/ci/pool.ts';
import type { Timing } from '../domain/ci/workflow-messages.ts';
import { createLoop, type Loop } from '../runtime/loop.ts';

export interface RelayDeps {
  readonly connection: Connection;
  readonly client: Client;
  readonly timing: Timing;
  /** Where evaluators listen. */
  readonly evaluationQueue: string;
  readonly onError: (error: unknown) => void;
}

/** One transaction's worth: locks are held while Temporal is asked. */
const BATCH = 50;
/** Delivered messages answer "was this ever sent?" for a while. */
const KEPT_SECONDS = 3_600;
/** Temporal's UI cuts summaries at 400 bytes. */
const SUMMARY_CHARACTERS = 200;
/** NOTIFY wakes the relay at once; the poll is for a notification that was lost. */
const POLL_SECONDS = 1;

/** Starts relaying. It wakes on NOTIFY, and by itself every second. */
export async function startRelay(deps: RelayDeps): Promise<Loop> {
  const loop = createLoop({ everySeconds: POLL_SECONDS, onError: deps.onError, run: () => relayAll(deps) });
  await deps.connection.listen(OUTBOX_CHANNEL, () => loop.wake());
  return loop;
}

async function relayAll(deps: RelayDeps): Promise<void> {
  for (;;) {
    const count = await deps.connection.transaction(async (tx) => {
      const messages = await takeFromOutbox(tx, BATCH);
      await Promise.all([...byWorkflow(messages).values()].map((queue) => deliverInOrder(deps, queue)));
      await markDelivered(
        tx,
        messages.map((message) => message.id),
      );
      return messages.length;
    });
    if (count < BATCH) break;
  }
  await forgetDelivered(deps.connection.db, KEPT_SECONDS);
}

function byWorkflow(messages: readonly OutboxMessage[]): Map<string, OutboxMessage[]> {
  return Map.groupBy(messages, (message) => message.workflowId);
}

async function deliverInOrder(deps: RelayDeps, messages: readonly OutboxMessage[]): Promise<void> {
  for (const message of messages) await deliver(deps, message);
}

async function deliver(
  { client, timing, evaluationQueue }: RelayDeps,
  message: OutboxMessage,
): Promise<void> {
  const { workflowId, workflowType, payload } = message;
  const start = () => ({
    workflowId,
    taskQueue: CONTROL_QUEUE,
    args: [{ ...payload.input, queue: evaluationQueue, timing }] as [unknown],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: (payload.summary ?? workflowId).slice(0, SUMMARY_CHARACTERS),
    typedSearchAttributes: attributesOf(payload.attributes ?? {}),
  });
  switch (message.kind) {
    case 'start':
      await client.workflow.start(workflowType, start());
      return;
    case 'signal-with-start':
      await client.workflow.signalWithStart<Workflow, unknown[]>(workflowType, {
        ...start(),
        signal: payload.signal ?? '',
        signalArgs: payload.argument === undefined ? [] : [payload.argument],
      });
      return;
    case 'signal':
      await orNothing(client.workflow.getHandle(workflowId).signal(payload.signal ?? '', payload.argument));
      return;
    case 'cancel':
      await orNothing(client.workflow.getHandle(workflowId).cancel());
  }
}

/** A workflow that has ended, or that Temporal lost, hears nothing: reconciling finds what that leaves open. */
async function orNothing(message: Promise<unknown>): Promise<void> {
  try {
    await message;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function attributesOf(attributes: Readonly<Record<string, string | number>>): TypedSearchAttributes {
  return new TypedSearchAttributes(
    Object.entries(attributes).map(([name, value]) => ({
      key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      value: String(value),
    })),
  );
}
