/** The server's own cache: Postgres says what there is, a folder holds the bytes, logs are those of attempts. */

import { findNewestAttemptOf } from '../../../db/attempts.ts';
import type { Connection } from '../../../db/database.ts';
import { findIndexedPath } from '../../../db/store-paths.ts';
import type { LogStore } from '../../logs.ts';
import type { CacheFolder } from '../cache-folder.ts';
import { renderNarInfo } from '../render-narinfo.ts';
import { bytesContent, type CacheSource, type Content } from '../source.ts';
import { createFolderSource } from './folder.ts';

export interface IndexedSourceDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly logs: LogStore;
  readonly storeDir: string;
}

export function createIndexedSource({ connection, folder, logs, storeDir }: IndexedSourceDeps): CacheSource {
  const files = createFolderSource({ path: folder.path, storeDir, priority: undefined });

  /** A narinfo that the folder lost (a power cut) while the index and the NAR are there. */
  async function renderAgain(pathHash: string): Promise<Content | undefined> {
    const row = await findIndexedPath(connection.db, pathHash);
    if (row === undefined) return undefined;
    const text = renderNarInfo(row);
    await folder.write(`${pathHash}.narinfo`, text, false);
    return bytesContent(text);
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
      const found = await files.find(resource);
      if (found === undefined && kind === 'narinfo' && pathHash !== null) return renderAgain(pathHash);
      return found;
    },
  };
}
