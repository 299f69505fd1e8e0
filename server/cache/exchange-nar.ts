/** Gives a path of the index another file with the same NAR. */

import type { Connection } from '../../db/database.ts';
import { findIndexedPath } from '../../db/store-paths.ts';
import { replaceNar, retireNar, type StoredPath } from '../../db/stored-paths.ts';
import type { CacheFolder } from './cache-folder.ts';
import { renderNarInfo } from './render-narinfo.ts';

export interface ExchangeDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly storeDir: string;
}

export interface NewFile {
  /** A finished temporary file of the folder. */
  readonly file: string;
  readonly fileHash: string;
  readonly fileSize: number;
  /** The old file stays for a while, for who is in the middle of it; else it is as good as lost. */
  readonly retiresOld: boolean;
}

/** False where the path is gone meanwhile; the temporary file is then still there. */
export async function exchangeNar(
  { connection, folder, storeDir }: ExchangeDeps,
  one: StoredPath,
  { file, fileHash, fileSize, retiresOld }: NewFile,
): Promise<boolean> {
  const url = `nar/${fileHash.slice('sha256:'.length)}.nar.zst`;
  await folder.prepare(file, url);
  const isThere = await connection.transaction(async (tx) => {
    if (!(await replaceNar(tx, one, { url, fileHash, fileSize }))) return false;
    if (retiresOld) await retireNar(tx, one);
    await folder.place(file, url);
    return true;
  });
  const row = await findIndexedPath(connection.db, one.pathHash);
  if (isThere && row !== undefined)
    await folder.write(`${one.pathHash}.narinfo`, renderNarInfo(row, storeDir), false);
  return isThere;
}
