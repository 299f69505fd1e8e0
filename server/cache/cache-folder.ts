/** The cache on disk: an ordinary `file://` binary cache (`nix copy --from file://…` reads it as it is). */

import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatNixCacheInfo } from '../../domain/nix/nix-cache-info.ts';

export interface CacheFolder {
  readonly path: string;
  readonly nixCacheInfo: string;
  /** Uploads that are not complete, or not verified: beside the cache's files, so that a rename moves no bytes. */
  readonly staging: string;
  /** A new file below the cache's own temporary folder: it can be renamed into place. */
  temporaryFile(): string;
  /** Writes a stream to a new temporary file, synced to disk. On an error nothing stays. */
  receive(body: Readable): Promise<string>;
  /** Puts a finished temporary file in place. Whoever looks sees no file, or the whole of it. */
  place(temporary: string, relative: string): Promise<void>;
  /** Writes a small file as a whole. */
  write(relative: string, content: string | Uint8Array, sync: boolean): Promise<void>;
  /** `undefined` where there is no such file. */
  read(relative: string): Promise<Buffer | undefined>;
  exists(relative: string): Promise<boolean>;
  remove(relative: string): Promise<void>;
  resolve(relative: string): string;
}

export interface CacheFolderOptions {
  readonly path: string;
  readonly storeDir: string;
  readonly priority: number;
}

const FOLDERS = [
  'nar',
  'log',
  'realisations',
  'build-trace-v2',
  'debuginfo',
  'staging/nar',
  'staging/publish',
];

/** Opens (and on first use makes) the folder; what interrupted processes left half-written is removed. */
export async function openCacheFolder({
  path,
  storeDir,
  priority,
}: CacheFolderOptions): Promise<CacheFolder> {
  const temporary = join(path, 'tmp');
  await mkdir(temporary, { recursive: true });
  for (const name of await readdir(temporary))
    if (!isOfAnother(name)) await rm(join(temporary, name), { recursive: true, force: true });
  for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true });
  const nixCacheInfo = formatNixCacheInfo({ storeDir, wantMassQuery: true, priority, extensions: new Map() });
  const folder = filesOf(path, temporary, nixCacheInfo);
  await folder.write('nix-cache-info', nixCacheInfo, false);
  return folder;
}

function filesOf(path: string, temporary: string, nixCacheInfo: string): CacheFolder {
  const place = async (from: string, relative: string): Promise<void> => {
    const target = join(path, relative);
    await rename(from, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dirname(target), { recursive: true });
      await rename(from, target);
    });
  };
  const folder: CacheFolder = {
    path,
    nixCacheInfo,
    staging: join(path, 'staging'),
    temporaryFile: () => join(temporary, `${process.pid}-${randomBytes(12).toString('hex')}`),
    place,
    receive: async (body) => {
      const file = folder.temporaryFile();
      try {
        await pipeline(body, createWriteStream(file, { flags: 'wx' }));
        await syncFile(file);
        return file;
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    write: async (relative, content, sync) => {
      const file = folder.temporaryFile();
      try {
        if (sync) await writeSynced(file, content);
        else await writeFile(file, content);
        await place(file, relative);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    read: (relative) => readFile(join(path, relative)).catch(ifMissing(undefined)),
    exists: async (relative) => (await stat(join(path, relative)).catch(ifMissing(undefined))) !== undefined,
    remove: (relative) => rm(join(path, relative), { force: true }),
    resolve: (relative) => join(path, relative),
  };
  return folder;
}

/** Several servers may serve one folder: the name of a temporary file begins with the process that writes it. */
function isOfAnother(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** The bytes are on the disk when this resolves: a cache entry must outlive a power cut that comes after it was announced. */
export async function writeSynced(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(content);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
