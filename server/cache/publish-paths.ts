/** Makes verified paths visible: all of a closure in one transaction, a path never before what it refers to. */

import type { Connection, Database } from '../../db/database.ts';
import {
  insertPendingPaths,
  listAbsent,
  listPendingOfPaths,
  lockPending,
  makeVisible,
} from '../../db/pending-paths.ts';
import { type IndexedPath, listStorePaths, recordProvenance } from '../../db/store-paths.ts';
import { ConflictError } from '../errors.ts';
import type { CacheFolder } from './cache-folder.ts';
import { renderNarInfo } from './render-narinfo.ts';
import type { TakenNar } from './take-nar.ts';

export interface PublishDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly storeDir: string;
}

/**
 * Publishes paths that were just taken, all or none.
 * Returns paths that are visible with other bytes: those stay.
 * @throws ConflictError where a reference is neither among them, nor in the cache, nor at an upstream.
 */
export async function publishTaken(
  deps: PublishDeps,
  taken: readonly TakenNar[],
  attemptId: number | null,
): Promise<readonly string[]> {
  const published = await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    const rows = taken.map((one) => one.row);
    await requireClosed(tx, rows);
    for (const one of taken) await one.place();
    return publish(tx, rows, attemptId);
  });
  await describeAccepted(taken, published);
  await finish(deps, published);
  return published.differing;
}

/** In a transaction of the caller, who calls `finish` after it. */
export async function publishPending(
  tx: Database,
  rows: readonly IndexedPath[],
  attemptId: number | null,
): Promise<Published> {
  await requireClosed(tx, rows);
  return publish(tx, rows, attemptId);
}

/**
 * Takes a verified path in; it becomes visible now, if it may, or with the last of what it refers to.
 * Returns paths that are visible with other bytes.
 */
export async function publishWhenClosed(deps: PublishDeps, taken: TakenNar): Promise<readonly string[]> {
  const { row } = taken;
  const published = await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    await taken.place();
    const absent = await listAbsent(
      tx,
      row.references.filter((reference) => reference !== row.path),
    );
    if (absent.length === 0) return publish(tx, [row], null);
    await insertPendingPaths(tx, [row], 'references');
    return { visible: [], contested: [], differing: await recordOutcome(tx, [row], null) };
  });
  await describeAccepted([taken], published);
  await finish(deps, published);
  return published.differing;
}

/** Keeps verified paths until the publish that they belong to is committed. */
export async function keepForCommit(deps: PublishDeps, taken: readonly TakenNar[]): Promise<void> {
  await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    for (const one of taken) await one.place();
    await insertPendingPaths(
      tx,
      taken.map((one) => one.row),
      'commit',
    );
  });
  for (const one of taken) await one.describe();
}

export interface Published {
  /** Those that were not visible before. */
  readonly visible: readonly IndexedPath[];
  /** Hash parts of visible paths of which other bytes are pending, too: the listing on disk may be of those. */
  readonly contested: readonly string[];
  readonly differing: readonly string[];
}

async function publish(
  tx: Database,
  rows: readonly IndexedPath[],
  attemptId: number | null,
): Promise<Published> {
  const visible = await makeVisible(tx, rows);
  const contested = await listPendingOfPaths(
    tx,
    visible.map((row) => row.pathHash),
  );
  return { visible, contested, differing: await recordOutcome(tx, rows, attemptId) };
}

async function describeAccepted(taken: readonly TakenNar[], { differing }: Published): Promise<void> {
  for (const one of taken) if (!differing.includes(one.row.path)) await one.describe();
}

/** Writes what clients and `nix copy --from file://…` read, after the commit. Not synced: the index can render it again. */
export async function finish(
  { folder, storeDir }: Pick<PublishDeps, 'folder' | 'storeDir'>,
  { visible, contested }: Pick<Published, 'visible' | 'contested'>,
): Promise<void> {
  for (const hash of contested) await folder.remove(`${hash}.ls`);
  for (const row of visible)
    await folder.write(`${row.pathHash}.narinfo`, renderNarInfo(row, storeDir), false);
}

async function requireClosed(tx: Database, rows: readonly IndexedPath[]): Promise<void> {
  const own = new Set(rows.map((row) => row.path));
  const others = new Set(rows.flatMap((row) => row.references).filter((reference) => !own.has(reference)));
  const absent = await listAbsent(tx, [...others]);
  if (absent.length === 0) return;
  const referrer = rows.find((row) => row.references.includes(absent[0] ?? ''))?.path ?? '';
  const more = absent.length > 10 ? ` and ${absent.length - 10} more` : '';
  throw new ConflictError(
    `${referrer} refers to ${absent.slice(0, 10).join(', ')}${more}, which the cache does not have: send the whole closure`,
  );
}

/** Who made a path: those that came second, too. Returns the paths that are visible with other bytes. */
async function recordOutcome(
  tx: Database,
  rows: readonly IndexedPath[],
  attemptId: number | null,
): Promise<string[]> {
  const published = new Map(
    (
      await listStorePaths(
        tx,
        rows.map((row) => row.pathHash),
      )
    ).map((row) => [row.pathHash, row.narHash]),
  );
  const differing: string[] = [];
  for (const { pathHash, path, narHash } of rows) {
    const accepted = (published.get(pathHash) ?? narHash) === narHash;
    if (!accepted) differing.push(path);
    await recordProvenance(tx, { pathHash, attemptId, narHash, accepted });
  }
  return differing;
}
