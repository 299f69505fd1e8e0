/** Sends what appears in the local store, as soon as Nix calls it valid. */

import { watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StoreQueries } from '../../activities/adapters/store-queries.ts';
import { DEFAULT_STORE_DIR, parseStorePath } from '../../domain/nix/store-path.ts';

export interface WatchStoreOptions {
  readonly store: StoreQueries;
  readonly say: (line: string) => void;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  readonly send: (paths: readonly string[]) => Promise<void>;
}

/** Outputs appear before they are registered: a build that writes for hours is asked for again and again. */
const LOOK_MS = 500;
/** What is not valid by then was thrown away. */
const FORGOTTEN_MS = 24 * 3600 * 1000;

/** Derivations are what things are made from, and the rest are Nix's own locks and unfinished things. */
const IGNORED = /\.(drv|lock|check|chroot|tmp|links)$|^\./;

/** Until the signal. A failure to send is told, and what failed is tried again. */
export async function watchStore({ store, say, signal, send }: WatchStoreOptions): Promise<void> {
  const waiting = new Map<string, number>();
  const watcher = watch(DEFAULT_STORE_DIR, (_event, name) => {
    const path = name === null || IGNORED.test(name) ? undefined : storePathAt(name);
    if (path !== undefined) waiting.set(path, Date.now());
  });
  say(`watching ${DEFAULT_STORE_DIR}: what is built from now on is sent, until Ctrl-C`);
  try {
    while (!signal.aborted) {
      await sendValid(store, waiting, send, say);
      const now = Date.now();
      for (const [path, since] of waiting) if (since < now - FORGOTTEN_MS) waiting.delete(path);
      await pause(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    watcher.close();
  }
}

async function sendValid(
  store: StoreQueries,
  waiting: Map<string, number>,
  send: WatchStoreOptions['send'],
  say: (line: string) => void,
): Promise<void> {
  if (waiting.size === 0) return;
  try {
    const valid = await store.listValid([...waiting.keys()]);
    if (valid.length === 0) return;
    await send(valid);
    for (const path of valid) waiting.delete(path);
  } catch (error) {
    say(`not sent yet: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function storePathAt(name: string): string | undefined {
  try {
    return parseStorePath(join(DEFAULT_STORE_DIR, name));
  } catch {
    return undefined;
  }
}
