/** An ordinary `file://` cache as it stands: files that others put there appear, files that they take away vanish. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNixCacheInfo, parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import { ParseError } from '../../../domain/parse-error.ts';
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
  /** As it stands, a priority of our own apart. */
  async function cacheInfo(): Promise<Content | undefined> {
    const text = await readFile(join(folder, 'nix-cache-info'), 'utf8').catch(ifMissing(undefined));
    if (text === undefined || priority === undefined) return text === undefined ? text : bytesContent(text);
    return bytesContent(formatNixCacheInfo({ ...parseNixCacheInfo(text), priority }));
  }

  return {
    storeDir,
    find: async (resource) => {
      if (resource.kind === 'nix-cache-info') return cacheInfo();
      const found = await findFile(folder, resource.key, resource.kind);
      // Nix writes the suffix; debuggers ask without it, too.
      return found === undefined && resource.kind === 'debuginfo' && !resource.key.endsWith('.debug')
        ? findFile(folder, `${resource.key}.debug`, 'debuginfo')
        : found;
    },
  };
}

/**
 * As `createFolderSource`, after looking whether it is a cache.
 * @throws ParseError where there is no folder, no nix-cache-info, or one for another store folder.
 */
export async function openFolderSource(options: FolderSourceOptions): Promise<CacheSource> {
  const { path, storeDir } = options;
  const facts = await stat(path).catch(ifMissing(undefined));
  if (facts?.isDirectory() !== true) throw new ParseError('cache folder', path, 'a folder that exists');
  const file = join(path, 'nix-cache-info');
  const text = await readFile(file, 'utf8').catch(ifMissing(undefined));
  if (text === undefined)
    throw new ParseError('cache folder', path, 'a binary cache: a folder with a file nix-cache-info');
  const info = parseNixCacheInfo(text);
  if (info.storeDir !== storeDir)
    throw new ParseError(file, info.storeDir, `a cache of the store folder ${storeDir} (--store-dir)`);
  return createFolderSource(options);
}

async function findFile(folder: string, key: string, kind: Resource['kind']): Promise<Content | undefined> {
  const path = join(folder, key);
  const facts = await stat(path).catch(ifMissing(undefined));
  if (facts === undefined || !facts.isFile()) return undefined;
  const { size, mtimeMs, ino } = facts;
  const tag = `${size.toString(36)}-${Math.trunc(mtimeMs * 1000).toString(36)}`;
  const identity = { inode: ino, modifiedMs: mtimeMs, size };
  if (kind === 'nar' || size > SMALL_BYTES) return { size, tag, body: { kind: 'file', path, identity } };
  const bytes = await readFile(path).catch(ifMissing(undefined));
  return bytes === undefined ? undefined : bytesContent(bytes, tag);
}

/** What others removed a moment ago is not there; anything else that goes wrong is an error. */
export function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    // A name may be longer than the file system's: then there is no such file either.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ENAMETOOLONG') return value;
    throw error;
  };
}
