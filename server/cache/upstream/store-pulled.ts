/** Takes an upstream's NAR into our cache, by the same verification as what builders send. */

import type { FastifyBaseLogger } from 'fastify';
import { recordUpstreamProvenance } from '../../../db/upstream-nars.ts';
import { listStorePaths } from '../../../db/store-paths.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { describeError } from '../../../runtime/logger.ts';
import type { IngestDeps } from '../ingest.ts';
import { publishWhenClosed } from '../publish-paths.ts';
import { takeNar, type TakenNar } from '../take-nar.ts';
import type { KnownPath, KnownPaths } from './known-paths.ts';
import { compressionOf } from './pulled-narinfo.ts';

export interface StorePulledDeps {
  readonly ingestDeps: IngestDeps;
  readonly known: KnownPaths;
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
}

/** Whether the index has nothing of it yet, and we can read how it is compressed. */
export async function isStorable({ ingestDeps }: StorePulledDeps, path: KnownPath): Promise<boolean> {
  if (compressionOf(path.info) === undefined) return false;
  return (await listStorePaths(ingestDeps.connection.db, [path.pathHash])).length === 0;
}

/** Verifies the bytes and publishes the path. @throws ParseError where they are not what the narinfo says: nothing stays then. */
export async function storePulled(
  deps: StorePulledDeps,
  path: KnownPath,
  bytes: AsyncIterable<Buffer>,
): Promise<void> {
  const { ingestDeps, logger } = deps;
  const compression = compressionOf(path.info) ?? 'none';
  const taken = await takeNar(ingestDeps, path.claim, { bytes, compression }, []);
  try {
    await publishPulled(deps, path, taken);
    logger.info({ path: path.claim.path, upstream: path.upstream }, 'a path of an upstream is stored');
  } catch (error) {
    // The bytes are right: who waits for them gets them.
    logger.warn({ path: path.claim.path }, `a path of an upstream is not stored: ${describeError(error)}`);
  } finally {
    await taken.discard();
  }
}

async function publishPulled(deps: StorePulledDeps, path: KnownPath, taken: TakenNar): Promise<void> {
  const { ingestDeps, known } = deps;
  const { pathHash, narHash } = taken.row;
  // Once it is known that an upstream has what it refers to, it may be visible.
  for (const reference of path.claim.references)
    if (reference !== path.claim.path) await known.find(storePathHash(reference));
  await publishWhenClosed(ingestDeps, taken);
  await recordUpstreamProvenance(ingestDeps.connection.db, { pathHash, narHash, upstream: path.upstream });
}
