/** Compresses stored NARs anew, harder than there is time for while somebody waits for his upload. */

import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { listStoredPaths, type StoredPath } from '../../db/stored-paths.ts';
import type { Recompressed } from '../../domain/api/paths.ts';
import { UnavailableError } from '../errors.ts';
import { parseUploadCompression } from './decompress.ts';
import { type ExchangeDeps, exchangeNar } from './exchange-nar.ts';
import { measureNar } from './measure-nar.ts';

export type RecompressDeps = ExchangeDeps;

export interface RecompressOptions {
  /** Of zstd, 1 to 19. */
  readonly level: number;
  /** Hash part of the last path that is done; empty: from the beginning. */
  readonly after: string;
  /** How long to go on. A path that takes longer goes on by itself, and who asks again waits for it. */
  readonly seconds: number;
}

export type Recompress = (options: RecompressOptions) => Promise<Recompressed>;

/** Bytes of its file afterwards; `broken`: it does not hold what was signed, which is for `verify`. */
type Outcome = { readonly fileSize: number; readonly replaced: boolean } | 'broken';

const BATCH = 100;

export function createRecompress(deps: RecompressDeps): Recompress {
  // By path and level, until somebody was told: what nobody waits for any more is not done twice.
  const running = new Map<string, Promise<Outcome>>();

  function start(one: StoredPath, level: number): Promise<Outcome> {
    const key = `${one.pathHash}.${level}`;
    const known = running.get(key);
    if (known !== undefined) return known;
    const work = compressAnew(deps, one, level);
    running.set(key, work);
    // A failure is told once, and then tried again.
    work.catch(() => running.delete(key));
    return work;
  }

  return async ({ level, after, seconds }) => {
    const done = { paths: 0, replaced: 0, bytesBefore: 0, bytesAfter: 0, broken: [] as string[] };
    const stop = new AbortController();
    const time = pause(seconds * 1000, 'time' as const, { signal: stop.signal }).catch(() => 'time' as const);
    try {
      for (let last = after; ;) {
        const batch = await listStoredPaths(deps.connection.db, last, BATCH);
        if (batch.length === 0) return { ...done, next: null };
        for (const one of batch) {
          const outcome = await Promise.race([start(one, level), time]);
          // Who comes back is told how it ended.
          if (outcome === 'time') return { ...done, next: last };
          running.delete(`${one.pathHash}.${level}`);
          last = one.pathHash;
          done.paths += 1;
          done.bytesBefore += one.fileSize;
          done.bytesAfter += outcome === 'broken' ? one.fileSize : outcome.fileSize;
          if (outcome === 'broken') done.broken.push(one.path);
          else if (outcome.replaced) done.replaced += 1;
        }
      }
    } finally {
      stop.abort();
    }
  };
}

async function compressAnew(deps: RecompressDeps, one: StoredPath, level: number): Promise<Outcome> {
  const asItIs = { fileSize: one.fileSize, replaced: false };
  // An earlier narinfo names the compression: its URL could not lead to anything else.
  if (one.compression !== 'zstd') return asItIs;
  const { folder } = deps;
  const file = folder.temporaryFile();
  try {
    const measured = await measureNar({
      source: folder.blobs.stream(one.url) as AsyncIterable<Buffer>,
      compression: parseUploadCompression(one.compression),
      maxBytes: one.narSize,
      candidates: [],
      file,
      level,
    });
    if (measured.narHash !== one.narHash || measured.narSize !== one.narSize) return 'broken';
    if (measured.fileSize >= one.fileSize) return asItIs;
    const { fileHash, fileSize } = measured;
    const replaced = await exchangeNar(deps, one, { file, fileHash, fileSize, retiresOld: true });
    return replaced ? { fileSize, replaced } : asItIs;
  } catch (error) {
    // A bucket that is away has not lost its files, and a full disk is no fault of what it holds.
    if (error instanceof UnavailableError || isSystemError(error, (code) => code !== 'ENOENT')) throw error;
    return 'broken';
  } finally {
    await rm(file, { force: true });
  }
}

function isSystemError(error: unknown, is: (code: string) => boolean): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error && is(String(error.code));
}
