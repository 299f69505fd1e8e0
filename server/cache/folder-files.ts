/** Files of a cache folder that appear as a whole: written beside it under another name, synced, renamed. */

import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ifMissing } from './sources/folder.ts';

export interface FolderFiles {
  readonly path: string;
  /** Writes a body to a new file, synced to disk, for `place`. On an error nothing stays. @returns its path. */
  receive(body: Readable): Promise<string>;
  /** Moves a received file to where it belongs. @returns whether there was none before. */
  place(temporary: string, key: string): Promise<boolean>;
  discard(temporary: string): Promise<void>;
}

/** Within the folder, so that a rename moves no bytes; no resource of a cache begins like this. */
const TEMPORARY = '.nixwarp-tmp';

/** Opens a folder (and makes it), removing what uploads of processes that are gone left behind. */
export async function openFolderFiles(path: string): Promise<FolderFiles> {
  const temporary = join(path, TEMPORARY);
  await mkdir(temporary, { recursive: true });
  for (const name of await readdir(temporary))
    if (!isRunning(Number.parseInt(name, 10))) await rm(join(temporary, name), { force: true });

  return {
    path,
    receive: async (body) => {
      const file = join(temporary, `${process.pid}-${randomBytes(12).toString('hex')}`);
      try {
        // Others may have taken the whole folder away: it begins anew.
        await mkdir(temporary, { recursive: true });
        await pipeline(body, createWriteStream(file, { flags: 'wx' }));
        await sync(file);
        return file;
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    place: async (file, key) => {
      const target = join(path, key);
      await mkdir(dirname(target), { recursive: true });
      const before = await stat(target).catch(ifMissing(undefined));
      await rename(file, target);
      return before === undefined;
    },
    discard: (file) => rm(file, { force: true }),
  };
}

/** Another server may be writing to the same folder: its files are not ours to remove. */
function isRunning(pid: number): boolean {
  if (pid === process.pid || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
