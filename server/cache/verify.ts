/** Reads every stored byte again. Clients never look at FileHash, and see a damaged NAR only when they unpack it. */

import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { findIndexedPath } from '../../db/store-paths.ts';
import { listStoredPaths, type StoredPath, withdrawPath } from '../../db/stored-paths.ts';
import type { Verified } from '../../domain/api/paths.ts';
import { formatHash } from '../../domain/nix/hash.ts';
import { parseNarInfo } from '../../domain/nix/narinfo.ts';
import { UnavailableError } from '../errors.ts';
import type { CacheFolder } from './cache-folder.ts';
import { decompress, parseUploadCompression } from './decompress.ts';
import { type ExchangeDeps, exchangeNar } from './exchange-nar.ts';
import { DEFAULT_LEVEL, measureNar } from './measure-nar.ts';

export interface VerifyDeps extends ExchangeDeps {
  /** Caches to repair from; what they send is held against the NAR hash that we know, so that none need be trusted. */
  readonly upstreams: readonly string[];
}

const BATCH = 500;
const FETCH_MS = 600_000;

/** Paths in the order of their hash; others may publish and collect meanwhile. */
export async function verifyCache(deps: VerifyDeps): Promise<Verified> {
  const broken: Verified['broken'] = [];
  let [paths, bytes] = [0, 0];
  for (let after = ''; ;) {
    const batch = await listStoredPaths(deps.connection.db, after, BATCH);
    for (const one of batch) {
      paths++;
      bytes += one.fileSize;
      const problem = await problemOf(deps.folder, one);
      if (problem === undefined) continue;
      // Collected, or compressed anew, since it was listed.
      const now = await findIndexedPath(deps.connection.db, one.pathHash);
      if (now?.url !== one.url) continue;
      broken.push({ path: one.path, problem, action: await mend(deps, one) });
    }
    const last = batch.at(-1);
    if (last === undefined) return { paths, bytes, broken };
    after = last.pathHash;
  }
}

/** `undefined` where the file is what the index says, and unpacks to what was signed. */
async function problemOf(folder: CacheFolder, one: StoredPath): Promise<string | undefined> {
  const file = createHash('sha256');
  const nar = createHash('sha256');
  let [fileSize, narSize] = [0, 0];
  async function* read(): AsyncGenerator<Buffer> {
    for await (const chunk of folder.blobs.stream(one.url) as AsyncIterable<Buffer>) {
      file.update(chunk);
      fileSize += chunk.length;
      yield chunk;
    }
  }
  try {
    for await (const chunk of decompress(parseUploadCompression(one.compression), read(), one.narSize)) {
      nar.update(chunk);
      narSize += chunk.length;
    }
  } catch (error) {
    // A bucket that is away has not lost its files.
    if (error instanceof UnavailableError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no file';
    return error instanceof Error ? error.message : String(error);
  }
  const narHash = formatHash({ algorithm: 'sha256', bytes: nar.digest() });
  if (narSize !== one.narSize || narHash !== one.narHash)
    return `its NAR is ${narSize} bytes of ${narHash}, and was signed as ${one.narSize} bytes of ${one.narHash}`;
  const fileHash = formatHash({ algorithm: 'sha256', bytes: file.digest() });
  if (fileSize !== one.fileSize || fileHash !== one.fileHash)
    return `its file is ${fileSize} bytes of ${fileHash} instead of ${one.fileSize} bytes of ${one.fileHash}`;
  return undefined;
}

async function mend(deps: VerifyDeps, one: StoredPath): Promise<'repaired' | 'withdrawn'> {
  const { connection, folder } = deps;
  await quarantine(folder, one.url);
  for (const upstream of deps.upstreams)
    if (await repairFrom(deps, upstream, one).catch(() => false)) return 'repaired';
  await connection.transaction((tx) => withdrawPath(tx, one.pathHash));
  for (const kind of ['narinfo', 'ls']) await folder.remove(`${one.pathHash}.${kind}`);
  return 'withdrawn';
}

/** Out of the cache, for whoever wants to know what happened to the disk. */
async function quarantine(folder: CacheFolder, url: string): Promise<void> {
  const place = join(folder.path, '..', 'quarantine');
  await mkdir(place, { recursive: true });
  await folder.blobs.takeOut(url, join(place, basename(url)));
}

async function repairFrom(deps: VerifyDeps, upstream: string, one: StoredPath): Promise<boolean> {
  const { folder } = deps;
  const signal = AbortSignal.timeout(FETCH_MS);
  const found = await fetch(`${upstream}/${one.pathHash}.narinfo`, { signal });
  if (!found.ok) return false;
  const info = parseNarInfo(await found.text());
  if (formatHash(info.narHash) !== one.narHash) return false;
  const bytes = await fetch(new URL(info.url, `${upstream}/`), { signal });
  if (!bytes.ok || bytes.body === null) return false;
  const file = folder.temporaryFile();
  try {
    const measured = await measureNar({
      source: Readable.fromWeb(bytes.body) as AsyncIterable<Buffer>,
      compression: parseUploadCompression(info.compression),
      maxBytes: one.narSize,
      candidates: [],
      file,
      level: DEFAULT_LEVEL,
    });
    if (measured.narHash !== one.narHash || measured.narSize !== one.narSize) return false;
    return await exchangeNar(deps, one, { ...measured, file, retiresOld: false });
  } finally {
    await rm(file, { force: true });
  }
}
