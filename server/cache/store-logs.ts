/** Logs of builds as Nix keeps them: `drvs/<two characters>/<rest>`, compressed by bzip2 or plain (`src/libstore/local-fs-store.cc`). */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decompress } from './decompress.ts';
import { ifMissing } from './sources/folder.ts';
import { bytesContent, type Content } from './source.ts';

/** A longer one is an error: it is held in memory, since its length has to be known. */
const MOST_BYTES = 256 * 2 ** 20;

/** @param drvBaseName as the grammar of resources has it. */
export async function findStoreLog(logDir: string, drvBaseName: string): Promise<Content | undefined> {
  const path = join(logDir, 'drvs', drvBaseName.slice(0, 2), drvBaseName.slice(2));
  const plain = await stat(path).catch(ifMissing(undefined));
  if (plain?.isFile() === true) return { size: plain.size, body: { kind: 'file', path } };
  const packed = await stat(`${path}.bz2`).catch(ifMissing(undefined));
  if (packed?.isFile() !== true) return undefined;
  const chunks = await Array.fromAsync(
    decompress('bzip2', createReadStream(`${path}.bz2`) as AsyncIterable<Buffer>, MOST_BYTES),
  );
  return bytesContent(Buffer.concat(chunks));
}
