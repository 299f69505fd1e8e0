/**
 * The files of the server's cache: an ordinary binary cache (`nix copy --from file://…` or `s3://…` reads it as it is), and
 * beside it, on local disk, what is on its way there.
 */

import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNixCacheInfo } from '../../domain/nix/nix-cache-info.ts';
import type { BlobStore } from './storage/blob-store.ts';
import { createFolderStore, moveFile } from './storage/folder.ts';

export interface CacheFolder {
  readonly path: string;
  readonly nixCacheInfo: string;
  /** Uploads that are not complete, or not verified: beside the cache's files, so that a rename moves no bytes. */
  readonly staging: string;
  /** A new file below the cache's own temporary folder: it can be renamed into place. */
  temporaryFile(): string;
  /** Writes a stream to a new temporary file, synced to disk. On an error nothing stays. */
  receive(body: Readable): Promise<string>;
  /** Where finished files are kept. */
  readonly blobs: BlobStore;
  /** Sends a finished temporary file ahead where `place` would take long, as within a transaction. */
  prepare(temporary: string, relative: string): Promise<void>;
  /** Puts a finished temporary file in place. Whoever looks sees no file, or the whole of it. */
  place(temporary: string, relative: string): Promise<void>;
  /** Writes a small file as a whole. */
  write(relative: string, content: string | Uint8Array, sync: boolean): Promise<void>;
  /** `undefined` where there is no such file. */
  read(relative: string): Promise<Buffer | undefined>;
  exists(relative: string): Promise<boolean>;
  remove(relative: string): Promise<void>;
}

export interface CacheFolderOptions {
  readonly path: string;
  readonly storeDir: string;
  readonly priority: number;
  /** Absent: the folder itself. */
  readonly blobs?: BlobStore | undefined;
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
  blobs,
}: CacheFolderOptions): Promise<CacheFolder> {
  const temporary = join(path, 'tmp');
  await mkdir(temporary, { recursive: true });
  for (const name of await readdir(temporary))
    if (!isOfAnother(name)) await rm(join(temporary, name), { recursive: true, force: true });
  for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true });
  const nixCacheInfo = formatNixCacheInfo({ storeDir, wantMassQuery: true, priority, extensions: new Map() });
  const temporaryFile = (): string => join(temporary, `${process.pid}-${randomBytes(12).toString('hex')}`);
  const store = blobs ?? createFolderStore({ path, storeDir, temporaryFile });
  const folder = filesOf(path, nixCacheInfo, temporaryFile, store);
  await folder.write('nix-cache-info', nixCacheInfo, false);
  return folder;
}

const STAGING = 'staging/';

function filesOf(
  path: string,
  nixCacheInfo: string,
  temporaryFile: () => string,
  blobs: BlobStore,
): CacheFolder {
  return {
    path,
    nixCacheInfo,
    staging: join(path, STAGING),
    blobs,
    temporaryFile,
    receive: async (body) => {
      const file = temporaryFile();
      try {
        await pipeline(body, createWriteStream(file, { flags: 'wx' }));
        await syncFile(file);
        return file;
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    prepare: (from, relative) => blobs.prepare(from, relative),
    place: (from, relative) =>
      relative.startsWith(STAGING) ? moveFile(from, join(path, relative)) : blobs.put(from, relative),
    write: (relative, content, sync) => blobs.write(relative, content, sync),
    read: (relative) => blobs.read(relative),
    exists: (relative) => blobs.exists(relative),
    remove: (relative) => blobs.remove(relative),
  };
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

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
