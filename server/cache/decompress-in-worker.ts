/** xz and bzip2, whose decoders are synchronous: each stream has a thread of its own, which may be ended and has its own memory limit. */

import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ParseError } from '../../domain/parse-error.ts';
import type { FromWorker, ToWorker } from './decompress-worker.ts';

/** A block of bzip2 that repeats one byte becomes an array of 46 million numbers. */
const MEMORY_MB = 1024;

/** @throws ParseError for what the decoder refuses; an error of the source as it is. */
export async function* decompressInWorker(
  compression: 'xz' | 'bzip2',
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const worker = new Worker(new URL('./decompress-worker.ts', import.meta.url), {
    workerData: compression,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  const input = source[Symbol.asyncIterator]();
  const send = (message: ToWorker): void => worker.postMessage(message, []);
  try {
    for await (const [message] of on(worker, 'message', { close: ['exit'] }) as AsyncIterable<[FromWorker]>) {
      switch (message.kind) {
        case 'need': {
          const next = await input.next();
          send(next.done === true ? { kind: 'end' } : { kind: 'input', bytes: next.value });
          break;
        }
        case 'output':
          yield Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength);
          send({ kind: 'more' });
          break;
        case 'refused':
          throw new ParseError(
            `${compression} content`,
            message.reason,
            `bytes compressed by ${compression}`,
          );
        case 'done':
          return;
      }
    }
    throw new Error(`the thread that decompressed ${compression} ended`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
      throw new ParseError(
        `${compression} content`,
        'a block',
        `decompressed within ${MEMORY_MB} MB of memory`,
      );
    throw error;
  } finally {
    await worker.terminate();
    await input.return?.();
  }
}
