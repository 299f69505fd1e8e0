/** The server's own cache: Postgres says what there is, a folder holds the bytes, logs are those of attempts. */

import { findNewestAttemptOf } from '../../../db/attempts.ts';
import type { Connection } from '../../../db/database.ts';
import { findIndexedPath, isIndexedUrl, listStorePaths } from '../../../db/store-paths.ts';
import type { LogStore } from '../../logs.ts';
import type { CacheFolder } from '../cache-folder.ts';
import { listStoredNar } from '../list-stored-nar.ts';
import { renderNarInfo } from '../render-narinfo.ts';
import type { Resource } from '../resource.ts';
import { bytesContent, type CacheSource, type Content } from '../source.ts';

export interface IndexedSourceDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly logs: LogStore;
  readonly storeDir: string;
}

export function createIndexedSource({ connection, folder, logs, storeDir }: IndexedSourceDeps): CacheSource {
  const { files, servesNarInfos } = folder.blobs;

  /** A narinfo that the folder lost (a power cut) while the index and the NAR are there. */
  async function renderAgain(pathHash: string): Promise<Content | undefined> {
    const row = await findIndexedPath(connection.db, pathHash);
    if (row === undefined) return undefined;
    const text = renderNarInfo(row, storeDir);
    if (servesNarInfos) await folder.write(`${pathHash}.narinfo`, text, false);
    return bytesContent(text);
  }

  /** What lies in the folder may belong to a path that is not visible yet. */
  async function findListing(resource: Resource, pathHash: string): Promise<Content | undefined> {
    const [row] = await listStorePaths(connection.db, [pathHash]);
    if (row === undefined) return undefined;
    const found = await files.find(resource);
    if (found !== undefined) return found;
    const listing = await listStoredNar(folder.blobs.stream(row.url));
    if (listing === null) return undefined;
    await folder.write(resource.key, listing, false);
    return bytesContent(listing);
  }

  /** With and without the suffix that Nix writes: tools that seek symbols differ. */
  async function findDebugInfo(resource: Resource): Promise<Content | undefined> {
    const key = resource.key.endsWith('.debug') ? resource.key : `${resource.key}.debug`;
    const text = (await folder.read(key))?.toString();
    if (text === undefined) return undefined;
    const { archive } = JSON.parse(text) as { archive: string };
    const isVisible = await isIndexedUrl(connection.db, archive.replace(/^\.\.\//, ''));
    return isVisible ? bytesContent(text) : undefined;
  }

  async function findLog(drvHash: string): Promise<Content | undefined> {
    const attemptId = await findNewestAttemptOf(connection.db, drvHash);
    const log = attemptId === undefined ? undefined : await logs.find(attemptId);
    if (attemptId === undefined || log === undefined) return undefined;
    return {
      size: log.bytes,
      ...(log.closed ? { tag: `attempt-${attemptId}` } : {}),
      body: { kind: 'stream', read: (start, end) => logs.read(attemptId, start, end) },
    };
  }

  return {
    storeDir,
    find: async (resource) => {
      const { kind, pathHash } = resource;
      if (kind === 'log' && pathHash !== null) {
        const log = await findLog(pathHash);
        if (log !== undefined) return log;
      }
      if (kind === 'listing' && pathHash !== null) return findListing(resource, pathHash);
      if (kind === 'debuginfo') return findDebugInfo(resource);
      if (kind === 'nix-cache-info' && !servesNarInfos) return bytesContent(folder.nixCacheInfo);
      const found = await files.find(resource);
      if (found === undefined && kind === 'narinfo' && pathHash !== null) return renderAgain(pathHash);
      return found;
    },
  };
}
