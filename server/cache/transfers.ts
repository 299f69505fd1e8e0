/**
 * So many NARs are sent at a time; who comes later waits, in turn with other addresses. Nobody is told 429: Nix up to 2.34 would
 * wait a minute and longer for it (reference: binary-cache.md §2.9).
 */

import type { ServerResponse } from 'node:http';

export interface Transfers {
  /** Sends when it is this client's turn; not at all when it left meanwhile. A reader that takes too long is cut off. */
  run(client: string, response: ServerResponse, bytes: number, send: () => Promise<void>): Promise<void>;
  readonly running: number;
  readonly waiting: number;
}

export interface TransfersOptions {
  /** At a time. */
  readonly most: number;
  /** What any reader gets, beside the time that its bytes take at the slowest rate. */
  readonly patienceMs?: number;
  /** Slower readers are cut off, and come back for the rest. */
  readonly slowestBytesPerSecond?: number;
}

/** As niks3 has it: five minutes, and the rest at 100 kB/s. */
const PATIENCE_MS = 300_000;
const SLOWEST_BYTES_PER_SECOND = 100_000;

export function createTransfers({
  most,
  patienceMs = PATIENCE_MS,
  slowestBytesPerSecond = SLOWEST_BYTES_PER_SECOND,
}: TransfersOptions): Transfers {
  const queues = createFairQueues();
  let running = 0;

  function next(): void {
    while (running < most) {
      const start = queues.take();
      if (start === undefined) return;
      running++;
      start();
    }
  }

  /** Resolves when it may begin; false where the client left before. */
  function turn(client: string, response: ServerResponse): Promise<boolean> {
    return new Promise((resolve) => {
      const start = (): void => {
        response.off('close', leave);
        resolve(true);
      };
      const leave = (): void => {
        queues.remove(client, start);
        resolve(false);
      };
      response.once('close', leave);
      queues.add(client, start);
      next();
    });
  }

  return {
    run: async (client, response, bytes, send) => {
      if (response.destroyed || !(await turn(client, response))) return;
      const cut = setTimeout(
        () => response.destroy(),
        patienceMs + (bytes / slowestBytesPerSecond) * 1000,
      ).unref();
      try {
        await send();
      } finally {
        clearTimeout(cut);
        running--;
        next();
      }
    },
    get running() {
      return running;
    },
    get waiting() {
      return queues.size;
    },
  };
}

/** First come first served for each key, and keys in turn: who asks for a thousand NARs does not keep out who asks for one. */
function createFairQueues() {
  const queues = new Map<string, (() => void)[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add: (key: string, start: () => void): void => {
      const queue = queues.get(key);
      if (queue === undefined) queues.set(key, [start]);
      else queue.push(start);
      size++;
    },
    take: (): (() => void) | undefined => {
      const [first] = queues;
      if (first === undefined) return undefined;
      const [key, queue] = first;
      const start = queue.shift();
      // Behind all others.
      queues.delete(key);
      if (queue.length > 0) queues.set(key, queue);
      size--;
      return start;
    },
    remove: (key: string, start: () => void): void => {
      const queue = queues.get(key);
      const place = queue?.indexOf(start) ?? -1;
      if (queue === undefined || place < 0) return;
      queue.splice(place, 1);
      if (queue.length === 0) queues.delete(key);
      size--;
    },
  };
}
