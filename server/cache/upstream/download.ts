/** Fetches a file of an upstream into a growing file; a transfer that was cut is gone on with. */

import { describeError } from '../../../runtime/logger.ts';
import type { GrowingFile } from './growing-file.ts';

export interface DownloadOptions {
  readonly url: string;
  /** Of the file; `null` where nobody said it. */
  readonly size: number | null;
  /** One byte more is refused as it comes. */
  readonly maxBytes: number;
  readonly fetch: typeof fetch;
  readonly into: GrowingFile;
  readonly signal: AbortSignal;
  /** Without a byte. */
  readonly idleMs?: number;
}

/** The upstream has no such file (any more). */
export class GoneError extends Error {
  override readonly name = 'GoneError';
}

const IDLE_MS = 30_000;
/** From where a transfer was cut; each that brings something counts anew. */
const TRIES = 4;
const PAUSE_MS = 250;

export interface Transfer {
  /** As the upstream or its narinfo says it; `null` where neither does. */
  readonly size: number | null;
  /** Resolves when all bytes are in the file. */
  readonly done: Promise<void>;
}

/**
 * Resolves when the first bytes are about to come.
 * @throws GoneError where it is not there; Error where the upstream does not answer, or says another size.
 */
export async function startDownload(options: DownloadOptions): Promise<Transfer> {
  const first = await request(options, 0);
  const told = first.response.headers.get('content-encoding') === null ? lengthOf(first.response) : null;
  const { size, maxBytes, url } = options;
  const expected = size ?? told;
  if (told !== null && expected !== told) {
    first.abort();
    throw new Error(`${url} has ${told} bytes instead of ${size}`);
  }
  if (expected !== null && expected > maxBytes) {
    first.abort();
    throw new Error(`${url} has ${expected} bytes: at most ${maxBytes} are fetched`);
  }
  return { size: expected, done: receiveAll({ ...options, size: expected }, first) };
}

interface Part {
  readonly response: Response;
  /** Bytes at its beginning that are here already. */
  readonly skip: number;
  readonly abort: () => void;
  readonly restartClock: () => void;
}

async function receiveAll(options: DownloadOptions, first: Part): Promise<void> {
  const { into, size, signal } = options;
  let part: Part | undefined = first;
  for (let tries = TRIES; ;) {
    const before = into.size;
    try {
      part ??= await request(options, into.size);
      await receive(options, part);
      if (size === null || into.size === size) {
        part.abort();
        return;
      }
      throw new Error(`the transfer ended after ${into.size} of ${size} bytes`);
    } catch (error) {
      part?.abort();
      if (into.size > before) tries = TRIES;
      tries -= 1;
      if (tries <= 0 || signal.aborted || !mayGoOn(error, options)) throw error;
    }
    part = undefined;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Without a size nobody knows whether a cut transfer was all. */
function mayGoOn(error: unknown, { size }: DownloadOptions): boolean {
  return size !== null && !(error instanceof GoneError) && !(error instanceof TooLongError);
}

class TooLongError extends Error {
  override readonly name = 'TooLongError';
}

async function receive({ into, size, maxBytes, url }: DownloadOptions, part: Part): Promise<void> {
  let { skip } = part;
  for await (const chunk of part.response.body ?? []) {
    part.restartClock();
    const bytes = skip > 0 ? chunk.subarray(skip) : chunk;
    skip = Math.max(0, skip - chunk.length);
    const limit = Math.min(size ?? maxBytes, maxBytes);
    if (into.size + bytes.length > limit) throw new TooLongError(`${url} is longer than ${limit} bytes`);
    await into.append(bytes);
  }
}

async function request(
  { url, fetch, signal, idleMs = IDLE_MS }: DownloadOptions,
  from: number,
): Promise<Part> {
  const own = new AbortController();
  const clock = setTimeout(() => own.abort(new Error(`${url}: no byte for ${idleMs / 1000} s`)), idleMs);
  const abort = (): void => {
    clearTimeout(clock);
    own.abort(new Error(`${url} is not wanted any more`));
  };
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, own.signal]),
      // Its bytes as they are: a length that fits them, and ranges.
      headers: { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) },
    });
    return { response, skip: checkAnswer(response, url, from), abort, restartClock: () => clock.refresh() };
  } catch (error) {
    abort();
    throw error instanceof GoneError ? error : new Error(`${url}: ${describeError(error)}`, { cause: error });
  }
}

/** How many bytes at its beginning are here already. @throws GoneError, Error for what is no answer. */
function checkAnswer(response: Response, url: string, from: number): number {
  const { status, headers } = response;
  if (status === 200) return from;
  if (status === 206 && headers.get('content-range')?.startsWith(`bytes ${from}-`) === true) return 0;
  if ([403, 404, 410].includes(status)) throw new GoneError(`${url} answers ${status}`);
  throw new Error(`it answers ${status}`);
}

function lengthOf({ headers }: Response): number | null {
  const length = headers.get('content-length');
  return length === null ? null : Number(length);
}
