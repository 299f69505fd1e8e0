/** Items on their way to whoever asked: in batches, one delivery at a time, and never more in waiting than is sensible. */

import type { EvaluatedItem, OnItems } from './types.ts';

const MAX_BATCH = 1_000;
/** With as many in waiting no further process is started: the consumer writes to a database and may be slow. */
const MAX_WAITING = 10_000;

export interface Outbox {
  add(item: EvaluatedItem): void;
  isFull(): boolean;
  /** Resolves when all is delivered; rejects with what a delivery failed with. */
  drained(): Promise<void>;
  /** Drops what is waiting; resolves when no delivery is under way. */
  close(): Promise<void>;
}

/** @param onChange called after each delivery, and when one has failed, after which nothing more is delivered. */
export function createOutbox(onItems: OnItems, onChange: (failure?: { error: unknown }) => void): Outbox {
  let waiting: EvaluatedItem[] = [];
  let delivery: { readonly ended: Promise<void> } | undefined;
  let failure: { error: unknown } | undefined;

  async function deliver(): Promise<void> {
    // What is found in this very turn goes together.
    await Promise.resolve();
    while (waiting.length > 0 && failure === undefined) {
      const batch = waiting.splice(0, MAX_BATCH);
      try {
        await onItems(batch);
        onChange();
      } catch (error) {
        failure = { error };
        onChange(failure);
      }
    }
    delivery = undefined;
  }

  async function settled(): Promise<void> {
    await delivery?.ended;
    // More was added while that one ended.
    if (delivery !== undefined) await settled();
  }

  return {
    add: (item) => {
      waiting.push(item);
      delivery ??= { ended: deliver() };
    },
    isFull: () => waiting.length >= MAX_WAITING,
    drained: async () => {
      await settled();
      if (failure !== undefined) throw failure.error;
    },
    close: async () => {
      waiting = [];
      await settled();
    },
  };
}
