/** One pass over a NAR that is being taken in: grammar, hash, size and references, and the compressed file with its own hash. */

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createZstdCompress, zstdCompress } from 'node:zlib';
import { formatHash } from '../../domain/nix/hash.ts';
import { createNarReader } from '../../domain/nix/nar-read.ts';
import { createReferenceScanner } from '../../domain/nix/references.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { writeSynced } from './cache-folder.ts';

export interface MeasuredNar {
  /** `sha256:<nix32>`, of the NAR. */
  readonly narHash: string;
  readonly narSize: number;
  /** Which of the candidate hash parts occur in it. */
  readonly found: ReadonlySet<string>;
  /** `sha256:<nix32>`, of the compressed file. */
  readonly fileHash: string;
  readonly fileSize: number;
}

/** Level 3 is zstd's default: 293 MiB/s a core at 0.28 of the size, measured; recompression may do better later. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
const compressWhole = promisify(zstdCompress);

export interface MeasureOptions {
  readonly source: Readable;
  /** The claimed size: more bytes are refused as soon as they come. */
  readonly maxBytes: number;
  /** Hash parts of store paths to look for. */
  readonly candidates: Iterable<string>;
  /** Where the compressed NAR is written, and synced to disk. */
  readonly file: string;
}

/** Up to this a NAR is read as a whole: streams cost more than the work. */
const WHOLE_BYTES = 256 * 1024;

/**
 * Reads a NAR to its end and writes it compressed.
 * @throws ParseError where the bytes are no NAR, or more than `maxBytes`.
 */
export async function measureNar(options: MeasureOptions): Promise<MeasuredNar> {
  return options.maxBytes <= WHOLE_BYTES ? measureWhole(options) : measureStream(options);
}

async function measureWhole({ source, maxBytes, candidates, file }: MeasureOptions): Promise<MeasuredNar> {
  const chunks: Buffer[] = [];
  let narSize = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    narSize += chunk.length;
    if (narSize > maxBytes) throw tooLong(narSize, maxBytes);
    chunks.push(chunk);
  }
  const nar = Buffer.concat(chunks);
  const reader = createNarReader({});
  reader.write(nar);
  reader.end();
  const scanner = createReferenceScanner(candidates);
  scanner.write(nar);
  const compressed = await compressWhole(nar, ZSTD);
  await writeSynced(file, compressed);
  return {
    narHash: sha256(createHash('sha256').update(nar).digest()),
    narSize,
    found: scanner.found,
    fileHash: sha256(createHash('sha256').update(compressed).digest()),
    fileSize: compressed.length,
  };
}

function tooLong(bytes: number, maxBytes: number): ParseError {
  return new ParseError('NAR', bytes, `at most ${maxBytes} bytes long, as was claimed`);
}

async function measureStream({ source, maxBytes, candidates, file }: MeasureOptions): Promise<MeasuredNar> {
  const reader = createNarReader({});
  const scanner = createReferenceScanner(candidates);
  const narDigest = createHash('sha256');
  const fileDigest = createHash('sha256');
  let narSize = 0;
  let fileSize = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        narSize += chunk.length;
        if (narSize > maxBytes) throw tooLong(narSize, maxBytes);
        reader.write(chunk);
        scanner.write(chunk);
        narDigest.update(chunk);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        reader.end();
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      fileSize += chunk.length;
      fileDigest.update(chunk);
      done(null, chunk);
    },
  });
  const compress = createZstdCompress(ZSTD);
  await pipeline(source, check, compress, count, createWriteStream(file));
  await sync(file);
  return {
    narHash: sha256(narDigest.digest()),
    narSize,
    found: scanner.found,
    fileHash: sha256(fileDigest.digest()),
    fileSize,
  };
}

function sha256(bytes: Buffer): string {
  return formatHash({ algorithm: 'sha256', bytes });
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
