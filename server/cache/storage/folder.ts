/** Finished files in a folder: an ordinary `file://` binary cache. */

import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { createFolderSource, ifMissing } from '../sources/folder.ts';
import type { BlobStore } from './blob-store.ts';

export interface FolderStoreOptions {
  readonly path: string;
  readonly storeDir: string;
  /** A new name on the same file system. */
  readonly temporaryFile: () => string;
}

const READ_BYTES = 256 * 1024;

export function createFolderStore({ path, storeDir, temporaryFile }: FolderStoreOptions): BlobStore {
  const put = (file: string, key: string): Promise<void> => moveFile(file, join(path, key));
  return {
    files: createFolderSource({ path, storeDir, priority: undefined }),
    servesNarInfos: true,
    prepare: async () => {},
    put,
    write: async (key, content, sync) => {
      const file = temporaryFile();
      try {
        if (sync) await writeSynced(file, content);
        else await writeFile(file, content);
        await put(file, key);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    read: (key) => readFile(join(path, key)).catch(ifMissing(undefined)),
    stream: (key) => createReadStream(join(path, key), { highWaterMark: READ_BYTES }),
    exists: async (key) => (await stat(join(path, key)).catch(ifMissing(undefined))) !== undefined,
    remove: (key) => rm(join(path, key), { force: true }),
    takeOut: (key, file) => rename(join(path, key), file).catch(ifMissing(undefined)),
    list: (prefix) => listFiles(path, prefix),
  };
}

/** Within one file system; the folder is made where it is missing. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  });
}

async function* listFiles(path: string, prefix: string): ReturnType<BlobStore['list']> {
  const folder = join(path, prefix.slice(0, prefix.lastIndexOf('/') + 1));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing([]));
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    const key = relative(path, file).split(sep).join('/');
    if (!entry.isFile() || !key.startsWith(prefix)) continue;
    const facts = await stat(file).catch(ifMissing(undefined));
    if (facts !== undefined) yield { key, size: facts.size };
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
