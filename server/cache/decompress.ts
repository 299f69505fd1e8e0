/** Decompresses what is uploaded, never beyond a limit, and refuses what is cut off or has something behind its end. */

import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BrotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
} from 'node:zlib';
import { ParseError } from '../../domain/parse-error.ts';
import { createByteReader } from './byte-reader.ts';
import { decompressInWorker } from './decompress-in-worker.ts';
import { zstdFrames } from './zstd-frames.ts';

/** What uploads may be compressed with; Nix's other compressions are written by nobody. */
export const UPLOAD_COMPRESSIONS = ['none', 'zstd', 'xz', 'bzip2', 'gzip', 'br'] as const;
export type UploadCompression = (typeof UPLOAD_COMPRESSIONS)[number];

const CHUNK_BYTES = 256 * 1024;

/** @throws ParseError for one that is not taken. */
export function parseUploadCompression(text: string): UploadCompression {
  const known = UPLOAD_COMPRESSIONS.find((name) => name === text);
  if (known === undefined)
    throw new ParseError('Compression', text, `one of ${UPLOAD_COMPRESSIONS.join(', ')}`);
  return known;
}

/**
 * The uncompressed bytes.
 * @throws ParseError where they are more than `maxBytes`, where the stream is damaged or cut off, or where it goes on
 * behind its end; an error of the source as it is.
 */
export async function* decompress(
  compression: UploadCompression,
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of decoded(compression, source, maxBytes)) {
    size += chunk.length;
    if (size > maxBytes)
      throw new ParseError(nameOf(compression), `${size} bytes or more`, `at most ${maxBytes} bytes long`);
    yield chunk;
  }
}

function nameOf(compression: UploadCompression): string {
  return compression === 'none' ? 'upload' : `${compression} content`;
}

function decoded(
  compression: UploadCompression,
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return source;
    case 'zstd':
      return decodeZstd(source, maxBytes);
    case 'gzip':
      return decodeOne(compression, source, createGunzip({ chunkSize: CHUNK_BYTES }));
    case 'br':
      return decodeOne(compression, source, createBrotliDecompress({ chunkSize: CHUNK_BYTES }));
    case 'xz':
    case 'bzip2':
      return decompressInWorker(compression, source);
  }
}

/** Frames of `pzstd` and our own hold megabytes; a stream of tiny ones is made to cost time. */
const FRAMES_AT_LEAST = 1024;
const BYTES_PER_FRAME = 64 * 1024;

async function* decodeZstd(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  const reader = createByteReader(source, 'zstd content');
  const frames = FRAMES_AT_LEAST + Math.floor(maxBytes / BYTES_PER_FRAME);
  for await (const frame of zstdFrames(reader, { frames }))
    yield* through(
      'zstd',
      frame,
      createZstdDecompress({ chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: 27 } }),
    );
}

async function* decodeOne(
  compression: UploadCompression,
  source: AsyncIterable<Buffer>,
  decoder: Gunzip | BrotliDecompress,
): AsyncGenerator<Buffer> {
  let given = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      given += chunk.length;
      yield chunk;
    }
  }
  yield* through(compression, counted(), decoder);
  // The decoders stop at the end of their format, and say nothing about what follows.
  if (decoder.bytesWritten !== given)
    throw new ParseError(
      nameOf(compression),
      `${given} bytes`,
      `nothing behind its end at ${decoder.bytesWritten}`,
    );
}

/** Errors of the source pass; those of the decoder are the input's fault. */
async function* through(
  compression: UploadCompression,
  source: AsyncIterable<Buffer>,
  decoder: Duplex,
): AsyncGenerator<Buffer> {
  let sourceFailure: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* source;
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  }
  const fed = pipeline(watched(), decoder);
  fed.catch(() => {});
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
    await fed;
  } catch (error) {
    if (sourceFailure !== undefined) throw sourceFailure.error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ParseError(nameOf(compression), reason, `bytes compressed by ${compression}`);
  } finally {
    decoder.destroy();
  }
}
