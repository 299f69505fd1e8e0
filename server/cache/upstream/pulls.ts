/** NARs that are fetched from upstreams: each once however many want it, given to all of them while it arrives. */

import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import { LRUCache } from 'lru-cache';
import { describeError } from '../../../runtime/logger.ts';
import type { Content } from '../source.ts';
import { startDownload, type Transfer } from './download.ts';
import { GrowingFile } from './growing-file.ts';
import { createLimit } from './limit.ts';

export interface WantedNar {
  /** Our URL: who wants the same is given the same. */
  readonly url: string;
  /** Of the file, where it is known. */
  readonly size: number | null;
  /** Where it may be had; the next is asked for where one does not give it. */
  readonly sources: () => AsyncIterable<string>;
  /** Looks at all bytes. @throws where they are not what was promised: readers are cut before their end then. */
  readonly verify: (bytes: AsyncIterable<Buffer>) => Promise<void>;
  /** Whether it is fetched to its end when nobody waits for it any more. */
  readonly isKept: boolean;
}

export interface PullOptions {
  /** A name on the cache's own disk. */
  readonly temporaryFile: () => string;
  readonly fetch: typeof fetch;
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
  readonly maxBytes: number;
  readonly idleMs?: number;
}

export interface Pulls extends AsyncDisposable {
  /** Resolves when bytes are about to come; `undefined` where no upstream gives them. */
  open(wanted: WantedNar): Promise<Content | undefined>;
}

const PULLS_AT_ONCE = 32;
/** A client whose connection was cut comes back within this, and goes on from the file. */
const KEPT_MS = 300_000;
const KEPT_BYTES = 4 * 1024 ** 3;
/** As long nobody reads what is only proxied. */
const ABANDONED_MS = 30_000;

/** One NAR on its way, or just arrived. */
interface Pull {
  readonly file: GrowingFile;
  readonly transfer: Transfer;
  /** Its end, verified. */
  readonly done: Promise<void>;
  readonly abort: AbortController;
  clients: number;
}

export function createPulls(options: PullOptions): Pulls {
  const { logger } = options;
  const running = new Map<string, Promise<Pull | undefined>>();
  const limit = createLimit(PULLS_AT_ONCE);
  const kept = new LRUCache<string, Pull>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ file }) => Math.max(1, file.size),
    ttl: KEPT_MS,
    ttlAutopurge: true,
    dispose: ({ file }) => void file[Symbol.asyncDispose](),
  });

  /** Resolves when the transfer has begun, and holds its place until it is over. */
  function begin(wanted: WantedNar): Promise<Pull | undefined> {
    const begun = Promise.withResolvers<Pull | undefined>();
    const run = async (): Promise<void> => {
      const pull = await startPull(options, wanted);
      begun.resolve(pull);
      if (pull === undefined) return;
      await pull.done;
      // Too large to be kept: it goes with its last reader.
      if (pull.file.size > KEPT_BYTES) await pull.file[Symbol.asyncDispose]();
      else kept.set(wanted.url, pull);
    };
    limit(run)
      .catch((error: unknown) => {
        logger.warn({ url: wanted.url }, `a NAR is not taken over: ${describeError(error)}`);
        // Where it had not begun.
        begun.resolve(undefined);
      })
      .finally(() => running.delete(wanted.url));
    return begun.promise;
  }

  return {
    open: async (wanted) => {
      const { url } = wanted;
      let pull = kept.get(url);
      if (pull === undefined) {
        let begun = running.get(url);
        if (begun === undefined) running.set(url, (begun = begin(wanted)));
        pull = await begun;
      }
      return pull === undefined ? undefined : contentOf(pull, wanted);
    },
    [Symbol.asyncDispose]: async () => {
      const pulls = await Promise.all(running.values());
      for (const pull of pulls) pull?.abort.abort(new Error('the server stops'));
      await Promise.allSettled(pulls.map(async (pull) => pull?.done));
      kept.clear();
    },
  };
}

async function startPull(options: PullOptions, wanted: WantedNar): Promise<Pull | undefined> {
  const path = options.temporaryFile();
  const file = await GrowingFile.create(path);
  // Without a name nothing of it stays, whatever happens to this process.
  await rm(path);
  const abort = new AbortController();
  try {
    const transfer = await startFromAny(options, wanted, file, abort.signal);
    if (transfer === undefined) {
      await file[Symbol.asyncDispose]();
      return undefined;
    }
    const done = finish(wanted, transfer, file, abort);
    done.catch(() => {});
    return { file, transfer, done, abort, clients: 0 };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function startFromAny(
  { fetch, maxBytes, idleMs, logger }: PullOptions,
  { sources, size, url: ours }: WantedNar,
  into: GrowingFile,
  signal: AbortSignal,
): Promise<Transfer | undefined> {
  for await (const url of sources()) {
    const given = { url, size, maxBytes, fetch, into, signal, ...(idleMs === undefined ? {} : { idleMs }) };
    try {
      return await startDownload(given);
    } catch (error) {
      logger.warn({ url: ours }, `an upstream does not give a NAR: ${describeError(error)}`);
    }
  }
  return undefined;
}

async function finish(
  { verify }: WantedNar,
  transfer: Transfer,
  file: GrowingFile,
  abort: AbortController,
): Promise<void> {
  const arrived = transfer.done.then(
    () => file.end(),
    (error: unknown) => {
      file.fail(error as Error);
      throw error;
    },
  );
  try {
    // Who verifies stops early where something is wrong: the rest is not fetched.
    await Promise.all([arrived, verify(file.follow())]);
    file.succeed();
  } catch (error) {
    file.fail(error as Error);
    abort.abort(error);
    await transfer.done.catch(() => {});
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** Of a size that nobody said the end is waited for. */
async function contentOf(pull: Pull, { url, isKept }: WantedNar): Promise<Content | undefined> {
  const { transfer, file } = pull;
  if (transfer.size === null && !(await isGood(pull))) return undefined;
  const size = transfer.size ?? file.size;
  const read = (start: number, end: number): Readable =>
    Readable.from(whileRead(pull, file.read(start, end), isKept), { objectMode: false });
  return { size, tag: url.slice('nar/'.length, 'nar/'.length + 52), body: { kind: 'stream', read } };
}

function isGood({ done }: Pull): Promise<boolean> {
  return done.then(
    () => true,
    () => false,
  );
}

async function* whileRead(
  pull: Pull,
  bytes: AsyncGenerator<Buffer>,
  isKept: boolean,
): AsyncGenerator<Buffer> {
  pull.clients += 1;
  try {
    yield* bytes;
  } finally {
    pull.clients -= 1;
    if (pull.clients === 0 && !isKept) abandonLater(pull);
  }
}

function abandonLater(pull: Pull): void {
  const check = (): void => {
    if (pull.clients === 0) pull.abort.abort(new Error('nobody waits for it any more'));
  };
  const timer = setTimeout(check, ABANDONED_MS).unref();
  void pull.done.catch(() => {}).then(() => clearTimeout(timer));
}
