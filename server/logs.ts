/** Logs of attempts: appended while a build runs, compressed when it ended, never overwritten. */

import { EventEmitter } from 'node:events';
import { constants, createReadStream, createWriteStream, unwatchFile, watchFile } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, pipeline as connect, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createZstdCompress, createZstdDecompress, zstdCompress } from 'node:zlib';
import { ConflictError } from './errors.ts';

/** Up to this a log is compressed as a whole: streams cost more than the work. */
const WHOLE_BYTES = 256 * 1024;
const compressWhole = promisify(zstdCompress);

export interface LogStore {
  /**
   * Appends bytes that belong at `offset`; what is there already is skipped, so that a repeated request changes nothing.
   * Returns the log's size. @throws ConflictError with the size where bytes before `offset` are missing.
   */
  append(attemptId: number, offset: number, bytes: Buffer): Promise<number>;
  /** No more bytes will come: the log is compressed. Returns its size. */
  close(attemptId: number): Promise<number>;
  /** `undefined` where there is no log. */
  find(attemptId: number): Promise<{ readonly bytes: number; readonly closed: boolean } | undefined>;
  /** The log's bytes from `start` (inclusive) to `end` (exclusive). */
  read(attemptId: number, start: number, end: number): Readable;
  /** Calls `onChange` whenever the log grew or was closed, until the returned function is called. */
  watch(attemptId: number, onChange: () => void): () => void;
}

export interface LogStoreOptions {
  /** Other processes write to the same folder: what they do is looked for, since nobody tells. */
  readonly isShared?: boolean;
}

/** How often a log is looked at that another process may write to. */
const LOOK_MS = 500;

/** Opens the folder of logs: `<attempt>.log` while open, `<attempt>.log.zst` when closed. */
export async function openLogStore(
  folder: string,
  { isShared = false }: LogStoreOptions = {},
): Promise<LogStore> {
  await mkdir(folder, { recursive: true });
  const changes = new EventEmitter().setMaxListeners(0);
  const files = createLogFiles(folder);
  const inTurn = createTurns();

  return {
    append: inTurn(async (id, offset, bytes) => {
      const closed = await files.closedBytes(id);
      if (closed !== undefined) {
        if (offset + bytes.length <= closed) return closed;
        throw new ConflictError(`the log of attempt ${id} is closed at ${closed} bytes`);
      }
      const size = (await files.openBytes(id)) ?? 0;
      if (offset > size)
        throw new ConflictError(
          `the log of attempt ${id} has ${size} bytes: bytes from ${offset} on leave a gap`,
        );
      const fresh = bytes.subarray(size - offset);
      // Made even for no bytes: that is how a log begins.
      await writeAt(files.openFile(id), fresh, size);
      changes.emit(String(id));
      return size + fresh.length;
    }),

    close: inTurn(async (id) => {
      const closed = await files.closedBytes(id);
      if (closed !== undefined) return closed;
      const size = await files.openBytes(id);
      if (size === undefined) return 0;
      await files.compress(id, size);
      changes.emit(String(id));
      return size;
    }),

    find: async (id) => {
      const bytes = await files.openBytes(id);
      if (bytes !== undefined) return { bytes, closed: false };
      const closed = await files.closedBytes(id);
      return closed === undefined ? undefined : { bytes: closed, closed: true };
    },

    read: (id, start, end) => {
      if (start >= end) return Readable.from([]);
      return fallBack(createReadStream(files.openFile(id), { start, end: end - 1 }), () => [
        createReadStream(files.closedFile(id)),
        createZstdDecompress(),
        slice(start, end),
      ]);
    },

    watch: (id, onChange) => {
      const file = files.openFile(id);
      changes.on(String(id), onChange);
      if (isShared) watchFile(file, { interval: LOOK_MS, persistent: false }, onChange);
      return () => {
        changes.off(String(id), onChange);
        if (isShared) unwatchFile(file, onChange);
      };
    },
  };
}

/** By position, not at the end: when two processes get the same bytes at once, they are there once. */
async function writeAt(file: string, bytes: Buffer, position: number): Promise<void> {
  const handle = await open(file, constants.O_WRONLY | constants.O_CREAT);
  try {
    for (let written = 0; written < bytes.length;)
      written += (await handle.write(bytes, written, bytes.length - written, position + written))
        .bytesWritten;
  } finally {
    await handle.close();
  }
}

/**
 * Writes to one log follow one another: a builder that heard no answer repeats a request while the first may still be at work,
 * and each looks at the size before it writes.
 */
function createTurns() {
  const last = new Map<number, Promise<unknown>>();
  return <A extends unknown[], T>(write: (id: number, ...args: A) => Promise<T>) =>
    async (id: number, ...args: A): Promise<T> => {
      const before = last.get(id);
      const turn = (async () => {
        await before?.catch(() => {});
        return write(id, ...args);
      })();
      last.set(id, turn);
      try {
        return await turn;
      } finally {
        if (last.get(id) === turn) last.delete(id);
      }
    };
}

/** Where the two files of a log lie, and how many bytes of log they hold. */
function createLogFiles(folder: string) {
  /** What closed logs hold: else it takes decompressing them. */
  const closedSizes = new Map<number, number>();
  const openFile = (id: number): string => join(folder, `${id}.log`);
  const closedFile = (id: number): string => join(folder, `${id}.log.zst`);
  return {
    openFile,
    closedFile,
    openBytes: async (id: number): Promise<number | undefined> => (await statOrNothing(openFile(id)))?.size,

    closedBytes: async (id: number): Promise<number | undefined> => {
      if ((await statOrNothing(closedFile(id))) === undefined) return undefined;
      const known = closedSizes.get(id);
      if (known !== undefined) return known;
      let bytes = 0;
      for await (const chunk of createReadStream(closedFile(id)).pipe(createZstdDecompress()))
        bytes += (chunk as Buffer).length;
      closedSizes.set(id, bytes);
      return bytes;
    },

    /** Makes the closed file of the open one, which has `bytes` bytes: renamed into place, so that it is whole when it is there. */
    compress: async (id: number, bytes: number): Promise<void> => {
      const temporary = `${closedFile(id)}.${process.pid}.tmp`;
      if (bytes <= WHOLE_BYTES) await writeFile(temporary, await compressWhole(await readFile(openFile(id))));
      else await pipeline(createReadStream(openFile(id)), createZstdCompress(), createWriteStream(temporary));
      await rename(temporary, closedFile(id));
      await rm(openFile(id));
      closedSizes.set(id, bytes);
    },
  };
}

/** The log may be closed (and its open file removed) between two looks: then the closed one is read. */
function fallBack(
  first: Readable,
  second: () => readonly [NodeJS.ReadableStream, ...NodeJS.ReadWriteStream[]],
): Readable {
  const out = new PassThrough();
  // Connected, not only piped: an error ends the reader's stream, and a reader who leaves closes the files.
  first.once('open', () => connect(first, out, ended));
  first.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') connect([...second(), out], ended);
    else out.destroy(error);
  });
  return out;
}

/** Whoever reads hears of errors; nothing else is to be done. */
function ended(): void {}

function slice(start: number, end: number): Transform {
  let position = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const from = Math.max(0, start - position);
      const to = Math.min(chunk.length, end - position);
      position += chunk.length;
      done(null, from < to ? chunk.subarray(from, to) : undefined);
    },
  });
}

async function statOrNothing(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
