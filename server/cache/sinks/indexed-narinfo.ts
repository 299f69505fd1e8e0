/** NARs and narinfos of Nix's clients: the file waits for its narinfo, the narinfo is held against the file. */

import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { findStoredNar, listPendingPaths, lockPending } from '../../../db/pending-paths.ts';
import {
  addSignatures,
  findIndexedPath,
  type IndexedPath,
  listInputClosureHashes,
  recordProvenance,
} from '../../../db/store-paths.ts';
import { recordNotReproducible } from '../../../db/not-reproducible.ts';
import { formatHash } from '../../../domain/nix/hash.ts';
import { type NarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { ConflictError } from '../../errors.ts';
import { claimOfNarInfo, type CheckedClaim } from '../claims.ts';
import { parseUploadCompression } from '../decompress.ts';
import { hashFile } from '../hash-file.ts';
import type { IngestDeps } from '../ingest.ts';
import { finish, publishWhenClosed } from '../publish-paths.ts';
import { parseResource, type Resource } from '../resource.ts';
import type { Taken } from '../sink.ts';
import { keptSignatures, type NarSource, takeNar } from '../take-nar.ts';

/** Kept beside the cache until a narinfo says what it is; named by its own hash, as Nix names it. */
export async function takeNarFile({ folder }: IngestDeps, { key }: Resource, body: Readable): Promise<Taken> {
  const name = key.slice('nar/'.length);
  const file = await folder.receive(body);
  try {
    const { hash, bytes } = await hashFile(file);
    if (hash !== `sha256:${name.slice(0, 52)}`)
      throw new ParseError(key, `${hash} of ${bytes} bytes`, 'bytes whose sha256 is the name');
    await folder.place(file, `staging/nar/${name}`);
    return 'created';
  } finally {
    await rm(file, { force: true });
  }
}

/** @throws ParseError where it is not true, ConflictError where the NAR is missing or the path is published with other bytes. */
export async function takeNarInfo(
  deps: IngestDeps,
  { key, pathHash }: Resource,
  body: Readable,
): Promise<Taken> {
  const info = parseNarInfo(await text(body), deps.storeDir);
  if (storePathHash(info.path) !== pathHash)
    throw new ParseError(key, info.path, `a path whose hash part is ${pathHash}`);
  const claim = claimOfNarInfo(info, deps.storeDir);
  const published = await findIndexedPath(deps.connection.db, pathHash);
  if (published !== undefined) return addToPublished(deps, published, claim);
  const [pending] = await listPendingPaths(deps.connection.db, new Map([[pathHash, claim]]));
  const source = pending === undefined ? await sourceOf(deps, info) : storedSource(deps, pending);
  const candidates = claim.deriver === null ? [] : await inputsOf(deps, claim.deriver);
  const taken = await takeNar(deps, claim, source, candidates);
  let differing: readonly string[];
  try {
    differing = await publishWhenClosed(deps, taken);
  } finally {
    await taken.discard();
  }
  // Another was first, a moment ago.
  if (differing.length > 0) return refuseOther(deps, claim);
  await rm(stagedFile(deps, info.url), { force: true });
  return 'created';
}

const inputsOf = ({ connection }: IngestDeps, deriver: NonNullable<CheckedClaim['deriver']>) =>
  listInputClosureHashes(connection.db, storePathHash(deriver));

/** Only signatures can be added to what clients have seen. */
async function addToPublished(deps: IngestDeps, published: IndexedPath, claim: CheckedClaim): Promise<Taken> {
  const { pathHash } = published;
  if (published.path !== claim.path)
    throw new ConflictError(
      `${published.path} has this hash part already; ${claim.path} cannot have it, too`,
    );
  if (published.narHash !== claim.narHash) {
    const { db } = deps.connection;
    await recordProvenance(db, { pathHash, attemptId: null, narHash: claim.narHash, accepted: false });
    return refuseOther(deps, claim);
  }
  const same =
    published.narSize === claim.narSize &&
    published.references.toSorted().join(' ') === claim.references.toSorted().join(' ');
  if (!same)
    throw new ConflictError(
      `${claim.path} is published with ${published.narSize} bytes and the references ${published.references.join(' ')}: only signatures can be added`,
    );
  const kept = keptSignatures(deps, claim);
  const isNew = await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    if (!(await addSignatures(tx, pathHash, kept))) return false;
    const row = await findIndexedPath(tx, pathHash);
    // Before the commit: who hears of it reads the file anew. A true signature that is seen too early does no harm.
    if (row !== undefined) await finish(deps, { visible: [row], contested: [] });
    return true;
  });
  return isNew ? 'replaced' : 'kept';
}

async function refuseOther(deps: IngestDeps, { path, narHash }: CheckedClaim): Promise<never> {
  const message = `${path} is published with another NAR than ${narHash}: published bytes never change`;
  await recordNotReproducible(deps.connection.db, storePathHash(path), message);
  throw new ConflictError(`${message}; that these differ is recorded as a finding`);
}

function stagedFile({ folder }: IngestDeps, url: string): string {
  return join(folder.staging, url);
}

/** The file that was uploaded under the narinfo's URL; or one of another path with the same NAR, whose upload was used up. */
async function sourceOf(deps: IngestDeps, info: NarInfo): Promise<NarSource> {
  if (parseResource(info.url)?.kind !== 'nar')
    throw new ParseError(
      `URL of ${info.path}`,
      info.url,
      'nar/<sha256 of the file>.nar, with the suffix of its compression',
    );
  const compression = parseUploadCompression(info.compression);
  const file = stagedFile(deps, info.url);
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined) {
    const stored = await findStoredNar(deps.connection.db, formatHash(info.narHash), info.narSize);
    if (stored !== undefined) return storedSource(deps, stored);
    throw new ConflictError(`${info.path}: there is no ${info.url} yet: upload it before its narinfo`);
  }
  const fileHash = `sha256:${info.url.slice('nar/'.length, 'nar/'.length + 52)}`;
  if (info.fileHash !== null && formatHash(info.fileHash) !== fileHash)
    throw new ParseError(
      `FileHash of ${info.path}`,
      formatHash(info.fileHash),
      `${fileHash}, that of ${info.url}`,
    );
  if (info.fileSize !== null && info.fileSize !== facts.size)
    throw new ParseError(`FileSize of ${info.path}`, info.fileSize, `${facts.size}, that of ${info.url}`);
  // Opened now: the narinfo of another path with the same NAR may remove it while it is read.
  const handle = await open(file);
  return {
    bytes: handle.createReadStream({ highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>,
    compression,
  };
}

function storedSource(
  { folder }: IngestDeps,
  { url, compression }: { readonly url: string; readonly compression: string },
): NarSource {
  const bytes = folder.blobs.stream(url) as AsyncIterable<Buffer>;
  return { bytes, compression: parseUploadCompression(compression) };
}
