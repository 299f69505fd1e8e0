/** The cache on disk: an ordinary `file://` binary cache (`nix copy --from file://…` reads it as it is). */

import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNixCacheInfo } from '../../domain/nix/nix-cache-info.ts';

export interface CacheFolder {
  readonly path: string;
  readonly nixCacheInfo: string;
  /** A new file below the cache's own temporary folder: it can be renamed into place. */
  temporaryFile(): string;
  /** Puts a finished temporary file in place. Whoever looks sees no file, or the whole of it. */
  place(temporary: string, relative: string): Promise<void>;
  /** Writes a small file as a whole. */
  write(relative: string, content: string | Uint8Array, sync: boolean): Promise<void>;
  /** `undefined` where there is no such file. */
  read(relative: string): Promise<Buffer | undefined>;
  resolve(relative: string): string;
}

export interface CacheFolderOptions {
  readonly path: string;
  readonly storeDir: string;
  readonly priority: number;
}

/** Opens (and on first use makes) the folder; what an interrupted ingest left behind is removed. */
export async function openCacheFolder({
  path,
  storeDir,
  priority,
}: CacheFolderOptions): Promise<CacheFolder> {
  const temporary = join(path, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await mkdir(join(path, 'nar'), { recursive: true });
  const nixCacheInfo = formatNixCacheInfo({ storeDir, wantMassQuery: true, priority, extensions: new Map() });
  const folder: CacheFolder = {
    path,
    nixCacheInfo,
    temporaryFile: () => join(temporary, randomBytes(12).toString('hex')),
    place: (from, relative) => rename(from, join(path, relative)),
    write: async (relative, content, sync) => {
      const file = folder.temporaryFile();
      if (sync) await writeSynced(file, content);
      else await writeFile(file, content);
      await rename(file, join(path, relative));
    },
    read: (relative) =>
      readFile(join(path, relative)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
    resolve: (relative) => join(path, relative),
  };
  await folder.write('nix-cache-info', nixCacheInfo, false);
  return folder;
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
