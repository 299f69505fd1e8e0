/** Bodies that clients send encoded: from Nix 2.32 on, narinfo, listing and log by the store's settings (reference: binary-cache.md §2.1). */

import { createInflate } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { ParseError } from '../../domain/parse-error.ts';
import { decompress, type UploadCompression } from './decompress.ts';
import type { ResourceKind } from './resource.ts';

/** Turns a body into its content, of at most `mostBytes`. */
export type Decode = (body: AsyncIterable<Buffer>, mostBytes: number) => AsyncIterable<Buffer>;

export class EncodingError extends Error {
  override readonly name = 'EncodingError';
  readonly statusCode = 415;
}

const ENCODINGS: Readonly<Record<string, UploadCompression>> = {
  identity: 'none',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  br: 'br',
  zstd: 'zstd',
  xz: 'xz',
  bzip2: 'bzip2',
};

/** @throws EncodingError for an encoding that is not known, or for a NAR, which is stored as it is sent. */
export function decodeContent(header: string | undefined, kind: ResourceKind): Decode {
  const encoding = header?.trim().toLowerCase() ?? 'identity';
  if (encoding === '' || encoding === 'identity') return (body) => body;
  if (kind === 'nar')
    throw new EncodingError(
      `Content-Encoding: ${encoding} of a NAR: compress it by the store's compression setting instead`,
    );
  if (encoding === 'deflate') return inflate;
  const compression = ENCODINGS[encoding];
  if (compression === undefined)
    throw new EncodingError(
      `Content-Encoding: ${encoding} is not one of ${Object.keys(ENCODINGS).join(', ')}, deflate`,
    );
  return (body, mostBytes) => decompress(compression, body, mostBytes);
}

async function* inflate(body: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  const decoder = createInflate();
  const fed = pipeline(body, decoder);
  fed.catch(() => {});
  let size = 0;
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) throw new ParseError('deflate content', size, `at most ${mostBytes} bytes long`);
      yield chunk;
    }
    await fed;
  } catch (error) {
    if (error instanceof ParseError) throw error;
    throw new ParseError('deflate content', String(error), 'bytes compressed by deflate');
  } finally {
    decoder.destroy();
  }
}
