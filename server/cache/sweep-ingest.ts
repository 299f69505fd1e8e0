/** Clears away what uploads left: publishes that nobody committed, their bytes, and paths that wait for what never came. */

import { forgetPendingPaths, lockPending } from '../../db/pending-paths.ts';
import { forgetPublishes, listOpenPublishes } from '../../db/publishes.ts';
import { findIndexedPath, listRecentPaths } from '../../db/store-paths.ts';
import type { IngestDeps } from './ingest.ts';
import { finish } from './publish-paths.ts';
import { sweepStaging } from './staging.ts';

/** As long as a publish may take. */
const KEPT_SECONDS = 24 * 3600;

/** Several servers may do it at once. */
export async function sweepIngest(deps: IngestDeps): Promise<void> {
  await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    await forgetPublishes(tx);
    for (const url of await forgetPendingPaths(tx, KEPT_SECONDS)) await deps.folder.remove(url);
  });
  const open = await listOpenPublishes(deps.connection.db);
  await sweepStaging(deps.folder.staging, open, KEPT_SECONDS * 1000, deps.now());
}

/** A crash between a commit and its files leaves the folder behind the index: what was published lately is looked at. */
export async function restoreNarInfos(deps: IngestDeps, seconds: number): Promise<number> {
  let restored = 0;
  for (const pathHash of await listRecentPaths(deps.connection.db, seconds)) {
    if (await deps.folder.exists(`${pathHash}.narinfo`)) continue;
    const row = await findIndexedPath(deps.connection.db, pathHash);
    if (row === undefined) continue;
    await finish(deps, { visible: [row], contested: [] });
    restored += 1;
  }
  return restored;
}
