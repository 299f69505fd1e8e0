/** Takes uploads into an ordinary `file://` cache, as `nix copy --to file://…` would write it. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { formatNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import { type FolderFiles, openFolderFiles } from '../folder-files.ts';
import type { CacheSink } from '../sink.ts';
import { ifMissing } from '../sources/folder.ts';

export interface FolderSinkOptions {
  readonly path: string;
  readonly storeDir: string;
  readonly priority: number | undefined;
}

/** Nix's own for a cache that says nothing. */
const DEFAULT_PRIORITY = 50;

/** Makes the folder, where there is none, into a cache of the store folder. */
export async function openWritableFolder(options: FolderSinkOptions): Promise<FolderFiles> {
  const { path, storeDir, priority = DEFAULT_PRIORITY } = options;
  const files = await openFolderFiles(path);
  const info = await stat(join(path, 'nix-cache-info')).catch(ifMissing(undefined));
  if (info === undefined) {
    const text = formatNixCacheInfo({ storeDir, wantMassQuery: true, priority, extensions: new Map() });
    await files.place(await files.receive(Readable.from([Buffer.from(text)])), 'nix-cache-info');
  }
  return files;
}

/** Takes everything as it comes: for a folder whose writers are trusted as if they wrote to it themselves. */
export function createUnverifiedSink(files: FolderFiles): CacheSink {
  return {
    put: async ({ key }, body) =>
      (await files.place(await files.receive(body), key)) ? 'created' : 'replaced',
  };
}
