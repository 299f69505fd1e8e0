/** The thread that decompresses one stream of xz or bzip2. */

import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import unbzip2 from 'unbzip2-stream';
import type { XzReadableStream as XzStream } from 'xz-decompress';

// Its exports cannot be seen by an import: it is bundled.
const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as {
  readonly XzReadableStream: typeof XzStream;
};

export type ToWorker =
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'more' };

export type FromWorker =
  | { readonly kind: 'need' }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done' };

const port = parentPort;
if (port === null) throw new Error('decompress-worker.ts is a thread of the server, not a program');

const OUTPUT_BYTES = 256 * 1024;

const post = (message: FromWorker): void => port.postMessage(message, []);

let last: Promise<unknown> = Promise.resolve();

/** Asks for an answer, and waits for it. One question at a time: the decoder reads ahead while its output is taken. */
function ask(message: FromWorker): Promise<ToWorker> {
  const answer = last.then(async () => {
    const answered = once(port as NonNullable<typeof port>, 'message') as Promise<[ToWorker]>;
    post(message);
    return (await answered)[0];
  });
  last = answer;
  return answer;
}

async function* input(): AsyncGenerator<Uint8Array> {
  for (
    let message = await ask({ kind: 'need' });
    message.kind === 'input';
    message = await ask({ kind: 'need' })
  )
    yield message.bytes;
}

/** Of the end of a stream, the footer and the index of its blocks: ten bytes a block, one block for megabytes. */
const TAIL_BYTES = 1024 * 1024;
const XZ_EDGE_BYTES = 12;

/** The decoder stops at the end of the first stream: what may follow is found by the sizes that the last index tells. */
async function* unxz(): AsyncGenerator<Uint8Array> {
  let total = 0;
  let tail = Buffer.alloc(0);
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input()) {
      total += chunk.byteLength;
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
      yield chunk;
    }
    // The decoder asks once more where a stream is cut off.
    yield new Uint8Array(0);
  }
  const source = watched();
  yield* new XzReadableStream(ReadableStream.from(source)) as unknown as AsyncIterable<Uint8Array>;
  for await (const rest of source) void rest;
  const described = xzStreamBytes(tail);
  if (described !== total) throw new Error(`${total} bytes, where one stream of ${described} was expected`);
}

/** Bytes of the stream that ends here, by its index (tukaani.org/xz/xz-file-format.txt §2.1.2, §4). */
function xzStreamBytes(tail: Buffer): number {
  if (tail.length < XZ_EDGE_BYTES || tail.toString('latin1', tail.length - 2) !== 'YZ') return 0;
  const indexBytes = (tail.readUInt32LE(tail.length - 8) + 1) * 4;
  const index = tail.subarray(Math.max(0, tail.length - XZ_EDGE_BYTES - indexBytes), -XZ_EDGE_BYTES);
  if (index.length !== indexBytes || index[0] !== 0) return 0;
  let at = 1;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 9; shift++) {
      const byte = index[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    return value;
  };
  let blocks = 0;
  for (let left = number(); left > 0 && at < index.length; left--) {
    blocks += Math.ceil(number() / 4) * 4;
    number();
  }
  return XZ_EDGE_BYTES + blocks + indexBytes + XZ_EDGE_BYTES;
}

async function* unbz2(): AsyncGenerator<Uint8Array> {
  const decoder = unbzip2() as unknown as NodeJS.ReadWriteStream;
  const ready: Uint8Array[] = [];
  let failure: unknown;
  decoder.on('data', (bytes: Uint8Array) => ready.push(bytes));
  decoder.on('error', (error: unknown) => (failure ??= error));
  const take = function* (): Generator<Uint8Array> {
    yield* ready.splice(0);
    if (failure !== undefined) throw failure;
  };
  let any = false;
  for await (const chunk of input()) {
    any ||= chunk.byteLength > 0;
    // A slice at a time, so that not many blocks lie ready at once.
    for (let at = 0; at < chunk.byteLength; at += 16_384) {
      decoder.write(Buffer.from(chunk.subarray(at, at + 16_384)));
      yield* take();
    }
  }
  if (!any) throw new Error('no bytes');
  decoder.end();
  yield* take();
}

try {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (bytes > 0) await ask({ kind: 'output', bytes: Buffer.concat(pieces, bytes) });
    pieces = [];
    bytes = 0;
  };
  for await (const piece of workerData === 'xz' ? unxz() : unbz2()) {
    pieces.push(piece);
    bytes += piece.byteLength;
    if (bytes >= OUTPUT_BYTES) await flush();
  }
  await flush();
  post({ kind: 'done' });
} catch (error) {
  post({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
}
port.close();
