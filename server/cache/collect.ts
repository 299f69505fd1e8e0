/** One run of garbage collection: narinfos go first, their bytes when no client can remember them any more. */

import { type Marked, listDroppable, markDead, sweepMarked, takeSweptNars } from '../../db/collection.ts';
import type { Connection } from '../../db/database.ts';
import type { Collected } from '../../domain/api/paths.ts';
import type { CacheFolder } from './cache-folder.ts';

export interface CollectSettings {
  readonly graceSeconds: number;
  /** Clients believe a narinfo for 30 days, and then want its bytes (reference: binary-cache.md §2.10). */
  readonly narDelaySeconds: number;
  /** Of all files; `undefined`: no limit. */
  readonly quotaBytes: number | undefined;
}

export interface CollectDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
}

/** Several servers may do it at once: one after the other. */
export async function collectGarbage(
  deps: CollectDeps,
  settings: CollectSettings,
  dryRun: boolean,
): Promise<Collected> {
  const { connection, folder } = deps;
  const { graceSeconds, quotaBytes } = settings;
  const swept = await connection.transaction(async (tx) => {
    const droppable = quotaBytes === undefined ? [] : await listDroppable(tx);
    let drop = 0;
    let marked: Marked = await markDead(tx, { graceSeconds, dropped: [] });
    // Twice as many each time: a few marks find what is enough, and never more than twice of it.
    while (marked.liveBytes > (quotaBytes ?? Infinity) && drop < droppable.length) {
      drop = Math.min(droppable.length, Math.max(1, drop * 2));
      marked = await markDead(tx, { graceSeconds, dropped: droppable.slice(0, drop) });
    }
    const hashes = dryRun ? [] : await sweepMarked(tx, { graceSeconds, dropped: droppable.slice(0, drop) });
    // Before the commit: afterwards somebody may have published it again. What is lost by a rollback is rendered again.
    for (const hash of hashes) for (const kind of ['narinfo', 'ls']) await folder.remove(`${hash}.${kind}`);
    return { marked, drop, removed: dryRun ? marked.dead : hashes.length };
  });
  const nars = dryRun
    ? []
    : await connection.transaction(async (tx) => {
        const over = await takeSweptNars(tx, settings.narDelaySeconds);
        for (const { url } of over) await folder.remove(url);
        return over;
      });
  return {
    dryRun,
    live: swept.marked.live,
    removed: swept.removed,
    removedBytes: swept.marked.deadBytes,
    sweptNars: nars.length,
    sweptBytes: nars.reduce((sum, nar) => sum + nar.bytes, 0),
    droppedEvaluations: swept.drop,
    overQuotaBytes: Math.max(0, swept.marked.liveBytes - (quotaBytes ?? Infinity)),
  };
}
