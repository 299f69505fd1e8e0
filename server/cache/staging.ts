/** Uploads on their way: what has come of them is on disk, so that a client whose connection was cut goes on where it ended. */

import { createReadStream } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ConflictError } from '../errors.ts';

export interface StagedUpload {
  readonly file: string;
  /** Bytes that are there. */
  offset(): Promise<number>;
  /**
   * All bytes of the upload from its beginning: those of earlier tries from disk, then the body's, which are kept as they pass.
   * @throws ConflictError where the body begins behind what is there.
   */
  read(body: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer>;
  /** Keeps the body without reading the whole. Returns how many bytes are there now. */
  append(body: AsyncIterable<Buffer>, offset: number): Promise<number>;
  remove(): Promise<void>;
}

/** `upload` is a hash part in a publish; another upload of it ends this one. */
export function stagedUpload(staging: string, publishId: string, pathHash: string): StagedUpload {
  const file = join(staging, 'publish', `${publishId}.${pathHash}`);
  const offset = (): Promise<number> =>
    stat(file).then(
      ({ size }) => size,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 0;
        throw error;
      },
    );

  async function* keep(body: AsyncIterable<Buffer>, from: number): AsyncGenerator<Buffer> {
    const handle = await open(file, from === 0 ? 'w' : 'r+');
    try {
      // What a broken try wrote behind the place where this one goes on.
      await handle.truncate(from);
      let position = from;
      for await (const chunk of body) {
        for (let at = 0; at < chunk.length;)
          at += (await handle.write(chunk, at, chunk.length - at, position + at)).bytesWritten;
        position += chunk.length;
        yield chunk;
      }
    } finally {
      await handle.close();
    }
  }

  const requireContinuous = async (from: number): Promise<void> => {
    const have = await offset();
    if (from > have)
      throw new ConflictError(
        `the upload of ${pathHash} begins at byte ${from}, but only ${have} bytes are here: go on from there`,
      );
  };

  return {
    file,
    offset,
    read: async function* (body, from) {
      await requireContinuous(from);
      if (from > 0)
        yield* createReadStream(file, { end: from - 1, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
      yield* keep(body, from);
    },
    append: async (body, from) => {
      await requireContinuous(from);
      let end = from;
      for await (const chunk of keep(body, from)) end += chunk.length;
      return end;
    },
    remove: () => rm(file, { force: true }),
  };
}

/** Which uploads run in this process: a client that comes back is not made to wait for the connection that it lost. */
export interface RunningUploads {
  /** Ends an earlier upload of the same, then runs. */
  run<T>(key: string, body: Readable, work: () => Promise<T>): Promise<T>;
}

export function createRunningUploads(): RunningUploads {
  const running = new Map<string, { readonly body: Readable; readonly ended: Promise<unknown> }>();
  return {
    run: async (key, body, work) => {
      for (let earlier = running.get(key); earlier !== undefined; earlier = running.get(key)) {
        earlier.body.destroy(new Error('the same upload began again'));
        await earlier.ended;
      }
      const result = work();
      const entry = { body, ended: result.catch(() => {}) };
      running.set(key, entry);
      try {
        return await result;
      } finally {
        running.delete(key);
      }
    },
  };
}

/** Removes staged files of publishes that are over, and uploads of Nix's clients whose narinfo never came. */
export async function sweepStaging(
  staging: string,
  openPublishes: ReadonlySet<string>,
  olderThanMs: number,
  now: number,
): Promise<void> {
  for (const name of await readdir(join(staging, 'publish')))
    if (!openPublishes.has(name.split('.')[0] ?? ''))
      await rm(join(staging, 'publish', name), { force: true });
  for (const name of await readdir(join(staging, 'nar'))) {
    const file = join(staging, 'nar', name);
    const facts = await stat(file).catch(() => undefined);
    if (facts !== undefined && facts.mtimeMs < now - olderThanMs) await rm(file, { force: true });
  }
}
