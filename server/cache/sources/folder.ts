/** An ordinary `file://` cache as it stands: files that others put there appear, files that they take away vanish. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNixCacheInfo, parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import type { Resource } from '../resource.ts';
import { bytesContent, type CacheSource, type Content } from '../source.ts';

export interface FolderSourceOptions {
  readonly path: string;
  readonly storeDir: string;
  /** Overrides what the folder's own nix-cache-info says. */
  readonly priority: number | undefined;
}

/** Up to this a file is read at once: a narinfo, a listing, the log of a small build. */
const SMALL_BYTES = 64 * 1024;

export function createFolderSource({ path: folder, storeDir, priority }: FolderSourceOptions): CacheSource {
  async function cacheInfo(): Promise<Content> {
    const text = await readFile(join(folder, 'nix-cache-info'), 'utf8').catch(ifMissing(undefined));
    const info =
      text === undefined
        ? { storeDir, wantMassQuery: true, priority: priority ?? 50, extensions: new Map<string, string>() }
        : parseNixCacheInfo(text);
    return bytesContent(
      formatNixCacheInfo({ ...info, wantMassQuery: true, priority: priority ?? info.priority }),
    );
  }

  return {
    storeDir,
    find: (resource) => (resource.kind === 'nix-cache-info' ? cacheInfo() : findFile(folder, resource)),
  };
}

async function findFile(folder: string, { key, kind }: Resource): Promise<Content | undefined> {
  const path = join(folder, key);
  const facts = await stat(path).catch(ifMissing(undefined));
  if (facts === undefined || !facts.isFile()) return undefined;
  const tag = `${facts.size.toString(36)}-${Math.trunc(facts.mtimeMs * 1000).toString(36)}`;
  if (kind === 'nar' || facts.size > SMALL_BYTES)
    return { size: facts.size, tag, body: { kind: 'file', path } };
  const bytes = await readFile(path).catch(ifMissing(undefined));
  return bytes === undefined ? undefined : bytesContent(bytes, tag);
}

/** What others removed a moment ago is not there; anything else that goes wrong is an error. */
function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return value;
    throw error;
  };
}
