/** A closure to be served: generated paths of the sizes of a system's, as an ordinary `file://` cache with zstd. */

import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import type { IndexedPath } from '../../../db/store-paths.ts';
import { formatHash, hashOf, parseHash } from '../../../domain/nix/hash.ts';
import { formatNarInfo } from '../../../domain/nix/narinfo.ts';
import { writeNar } from '../../../domain/nix/nar-write.ts';
import { parseStorePath } from '../../../domain/nix/store-path.ts';

export interface Corpus {
  readonly folder: string;
  /** References before what refers to them; the last refers to all. */
  readonly rows: readonly IndexedPath[];
  readonly root: string;
  readonly narBytes: number;
  readonly fileBytes: number;
}

const compress = promisify(zstdCompress);
const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';
const BLOCK_BYTES = 64 * 1024;
/** Of each block so much is new: that makes a ratio of 0.3, as measured for packages at level 3. */
const NEW_BYTES = 20 * 1024;

/** `paths` paths of `bytes` bytes together: a tenth of them has most of it. The same every time. */
export async function makeCorpus(folder: string, paths: number, bytes: number): Promise<Corpus> {
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 50\n');
  const rows: IndexedPath[] = [];
  for (const [number, size] of sizesOf(paths, bytes).entries()) {
    const hash = hashPart(number);
    const name = `package-${number}-1.${number % 10}`;
    const references =
      number === paths - 1 ? rows.map((row) => row.path) : rows.slice(-3).map((row) => row.path);
    rows.push(await writePath(folder, `/nix/store/${hash}-${name}`, size, references.toSorted()));
  }
  return {
    folder,
    rows,
    root: rows.at(-1)?.path ?? '',
    narBytes: rows.reduce((sum, row) => sum + row.narSize, 0),
    fileBytes: rows.reduce((sum, row) => sum + row.fileSize, 0),
  };
}

/** Each is 1.03 times as large as the one before it, in a scattered order; the smallest have a few hundred bytes. */
function sizesOf(paths: number, bytes: number): readonly number[] {
  const weights = Array.from({ length: paths }, (_, number) => 1.03 ** ((number * 7919) % paths));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => Math.max(200, Math.round((weight / total) * bytes)));
}

function hashPart(number: number): string {
  return Array.from(
    createHash('sha256').update(`path ${number}`).digest(),
    (byte) => ALPHABET[byte & 31],
  ).join('');
}

async function writePath(
  folder: string,
  path: string,
  size: number,
  references: readonly string[],
): Promise<IndexedPath> {
  const content = contentOf(path, size);
  const nar = Buffer.concat(
    await Array.fromAsync(writeNar({ kind: 'regular', executable: false, size, content: () => [content] })),
  );
  const file = await compress(nar);
  const fileHash = formatHash(hashOf('sha256', file));
  const row: IndexedPath = {
    pathHash: path.slice('/nix/store/'.length).slice(0, 32),
    path: parseStorePath(path),
    narHash: formatHash(hashOf('sha256', nar)),
    narSize: nar.length,
    url: `nar/${fileHash.slice('sha256:'.length)}.nar.zst`,
    compression: 'zstd',
    fileHash,
    fileSize: file.length,
    deriver: null,
    ca: null,
    references,
    signatures: [{ keyName: 'bench-1', signature: `bench-1:${Buffer.alloc(64, 1).toString('base64')}` }],
  };
  await writeFile(join(folder, row.url), file);
  const narInfo = formatNarInfo({
    ...row,
    path: parseStorePath(path),
    compression: 'zstd',
    fileHash: parseHash(row.fileHash),
    narHash: parseHash(row.narHash),
    references: references.map((reference) => parseStorePath(reference)),
    deriver: null,
    ca: null,
    signatures: row.signatures.map(({ signature }) => signature),
  });
  await writeFile(join(folder, `${row.pathHash}.narinfo`), narInfo);
  return row;
}

/** Bytes that compress as a package does. */
function contentOf(seed: string, size: number): Buffer {
  const content = Buffer.alloc(size);
  let state = Buffer.from(createHash('sha256').update(seed).digest()).readUInt32LE(0) | 1;
  for (let offset = 0; offset < size; offset += 4) {
    const inBlock = offset % BLOCK_BYTES;
    if (inBlock >= NEW_BYTES) {
      const from = offset - inBlock + (inBlock % NEW_BYTES);
      content.copyWithin(offset, from, from + 4);
      continue;
    }
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    content[offset] = state >>> 24;
    content[offset + 1] = state >>> 16;
    content[offset + 2] = state >>> 20;
    content[offset + 3] = state >>> 12;
  }
  return content;
}
