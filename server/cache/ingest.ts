/** Ingest: takes closures into the cache, after computing again all that is claimed of them. */

import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { holdPaths } from '../../db/collection.ts';
import type { Database } from '../../db/database.ts';
import { listPendingPaths, lockPending } from '../../db/pending-paths.ts';
import {
  findPublish,
  findPublishClaim,
  insertPublish,
  listPublishClaims,
  recordCommit,
} from '../../db/publishes.ts';
import {
  listInputClosureHashes,
  listStorePaths,
  recordProvenance,
  renewStorePaths,
} from '../../db/store-paths.ts';
import type { Committed, Declare, Declared } from '../../domain/api/ingest.ts';
import { sortClosure } from '../../domain/nix/closure.ts';
import { storePathHash } from '../../domain/nix/store-path.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { ConflictError, isDiskFull, NotFoundError } from '../errors.ts';
import { checkClaim, type CheckedClaim } from './claims.ts';
import type { UploadCompression } from './decompress.ts';
import { finish, keepForCommit, type PublishDeps, publishPending, publishTaken } from './publish-paths.ts';
import { createRunningUploads, stagedUpload } from './staging.ts';
import { type TakeDeps, type TakenNar, takeNar } from './take-nar.ts';

export interface IngestDeps extends PublishDeps, TakeDeps {
  readonly now: () => number;
}

export interface Upload {
  readonly publishId: string;
  readonly pathHash: string;
  /** Where in the upload the body begins, in bytes. */
  readonly offset: number;
  /** Whether the upload ends with the body. */
  readonly isLast: boolean;
  readonly compression: UploadCompression;
  readonly body: Readable;
}

export interface Ingest {
  /** Takes note of claims, and says which bytes are wanted; where none are, all is published at once. */
  declare(declaration: Declare): Promise<Declared>;
  /** How many bytes of an upload are here. @throws NotFoundError for a claim that is not known. */
  offset(publishId: string, pathHash: string): Promise<number>;
  /**
   * Takes the NAR of one claimed path, or a part of it. Returns how many bytes of it are here.
   * @throws ParseError where the bytes are not what was claimed; ConflictError where some are missing before them.
   */
  receive(upload: Upload): Promise<number>;
  /** Makes the closure visible, all at once. Repeated, it gives the same answer. @throws ConflictError where bytes are missing. */
  commit(publishId: string): Promise<Committed>;
}

/** Longer than any upload between two of its requests. */
const PUBLISH_SECONDS = 24 * 3600;
/** Up to this a NAR is sent again as a whole: writing it down first would cost more than that. */
const RESUMED_BYTES = 4 * 1024 * 1024;

export function createIngest(deps: IngestDeps): Ingest {
  const running = createRunningUploads();
  return {
    declare: (declaration) => declare(deps, declaration),
    offset: async (publishId, pathHash) => {
      await requireClaim(deps, publishId, pathHash);
      return stagedUpload(deps.folder.staging, publishId, pathHash).offset();
    },
    receive: (upload) =>
      running.run(`${upload.publishId}.${upload.pathHash}`, upload.body, () => receive(deps, upload)),
    commit: (publishId) => commit(deps, publishId),
  };
}

async function declare(deps: IngestDeps, { attemptId, claims, inline = {} }: Declare): Promise<Declared> {
  const { db } = deps.connection;
  const byHash = new Map(
    claims
      .map((claim) => checkClaim(claim, deps.storeDir))
      .map((claim) => [storePathHash(claim.path), claim]),
  );
  await holdPaths(db, [...byHash.keys()]);
  const present = await listStorePaths(db, [...byHash.keys()]);
  const differing = present.filter((row) => byHash.get(row.pathHash)?.narHash !== row.narHash);
  for (const { pathHash } of differing) {
    const narHash = byHash.get(pathHash)?.narHash ?? '';
    await recordProvenance(db, { pathHash, attemptId, narHash, accepted: false });
  }
  await renewStorePaths(
    db,
    present.map((row) => row.pathHash),
  );
  const wanted = new Map(byHash);
  for (const { pathHash } of present) wanted.delete(pathHash);
  const differingPaths = differing.map((row) => row.path);
  const publishId = randomUUID();
  if (wanted.size === 0) return { publishId, missing: [], differing: differingPaths, committed: true };

  const pending = new Set((await listPendingPaths(db, wanted)).map((row) => row.pathHash));
  const lacking = inReferenceOrder(wanted).filter((hash) => !pending.has(hash));
  const taken = await takeInline(deps, wanted, inline, lacking);
  if (taken.length === lacking.length && pending.size === 0) {
    const more = await settle(taken, () => publishTaken(deps, taken, attemptId));
    return { publishId, missing: [], differing: [...differingPaths, ...more], committed: true };
  }
  await settle(taken, () => keepForCommit(deps, taken));
  await deps.connection.transaction((tx) =>
    insertPublish(tx, { id: publishId, attemptId, seconds: PUBLISH_SECONDS, claims: wanted }),
  );
  const inlined = new Set(taken.map((one) => one.row.pathHash));
  const missing = lacking.filter((hash) => !inlined.has(hash)).map((pathHash) => ({ pathHash, offset: 0 }));
  return { publishId, missing, differing: differingPaths, committed: false };
}

/** References before what refers to them, whatever order they came in. */
function inReferenceOrder(claims: ReadonlyMap<string, CheckedClaim>): string[] {
  return sortClosure([...claims.keys()], (hash) =>
    (claims.get(hash)?.references ?? []).map(storePathHash).filter((other) => claims.has(other)),
  );
}

async function takeInline(
  deps: IngestDeps,
  claims: ReadonlyMap<string, CheckedClaim>,
  inline: Readonly<Record<string, string>>,
  lacking: readonly string[],
): Promise<readonly TakenNar[]> {
  const taken: TakenNar[] = [];
  try {
    for (const hash of lacking) {
      const claim = claims.get(hash);
      const nar = Object.hasOwn(inline, hash) ? inline[hash] : undefined;
      if (claim === undefined || nar === undefined) continue;
      const bytes = Readable.from([Buffer.from(nar, 'base64')]);
      taken.push(await takeNar(deps, claim, { bytes, compression: 'none' }, await candidatesOf(deps, claim)));
    }
  } catch (error) {
    for (const one of taken) await one.discard();
    throw error;
  }
  return taken;
}

/** Runs what places the files; those that it did not place are removed. */
async function settle<T>(taken: readonly TakenNar[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const one of taken) await one.discard();
  }
}

/** What the derivation could refer to is looked for too: a reference that was left out of the claim would break clients. */
function candidatesOf({ connection }: IngestDeps, { deriver }: CheckedClaim): Promise<readonly string[]> {
  return deriver === null
    ? Promise.resolve([])
    : listInputClosureHashes(connection.db, storePathHash(deriver));
}

async function requireClaim(deps: IngestDeps, publishId: string, pathHash: string) {
  const found = await findPublishClaim(deps.connection.db, publishId, pathHash);
  if (found === undefined)
    throw new NotFoundError(
      `publish ${publishId} has no open claim for ${pathHash}: declare it (again), then upload`,
    );
  return { attemptId: found.attemptId, claim: found.claim as CheckedClaim };
}

async function receive(deps: IngestDeps, upload: Upload): Promise<number> {
  const { publishId, pathHash, offset, isLast, compression, body } = upload;
  const { claim } = await requireClaim(deps, publishId, pathHash);
  const staged = stagedUpload(deps.folder.staging, publishId, pathHash);
  // A body that is not read to its end is left to the server: destroyed, it would take the answer's connection with it.
  const input = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  if (!isLast) return staged.append(input, offset);
  const isShort = offset === 0 && claim.narSize <= RESUMED_BYTES;
  const bytes = isShort ? input : staged.read(input, offset);
  try {
    const taken = await takeNar(deps, claim, { bytes, compression }, await candidatesOf(deps, claim));
    await settle([taken], () => keepForCommit(deps, [taken]));
  } catch (error) {
    // What broke off is gone on with. Bytes that are wrong stay wrong, and a full disk needs the room.
    if (error instanceof ParseError || isDiskFull(error)) await staged.remove();
    throw error;
  }
  const size = await staged.offset();
  await staged.remove();
  return size === 0 ? claim.narSize : size;
}

async function commit(deps: IngestDeps, publishId: string): Promise<Committed> {
  const done = await deps.connection.transaction(async (tx) => {
    await lockPending(tx);
    const publish = await findPublish(tx, publishId, { forCommit: true });
    if (publish === undefined)
      throw new NotFoundError(`there is no open publish ${publishId}: declare the closure (again)`);
    if (publish.committed !== null) return { answer: publish.committed as Committed };
    const rows = await rowsToCommit(tx, publishId);
    const published = await publishPending(tx, rows, publish.attemptId);
    const answer: Committed = { published: rows.length, differing: [...published.differing] };
    await recordCommit(tx, publishId, answer);
    return { answer, published };
  });
  if (done.published !== undefined) await finish(deps, done.published);
  return done.answer;
}

/** What was claimed and is not visible yet. Another may have published the same path meanwhile. */
async function rowsToCommit(tx: Database, publishId: string) {
  const claims = (await listPublishClaims(tx, publishId)) as Map<string, CheckedClaim>;
  const rows = await listPendingPaths(tx, claims);
  const have = new Set(rows.map((row) => row.pathHash));
  const others = [...claims.keys()].filter((hash) => !have.has(hash));
  const visible = new Set((await listStorePaths(tx, others)).map((row) => row.pathHash));
  const missing = others.filter((hash) => !visible.has(hash));
  if (missing.length > 0)
    throw new ConflictError(
      `${missing.length} of ${claims.size} paths of publish ${publishId} are missing, such as ${claims.get(missing[0] ?? '')?.path}: upload them, then commit`,
    );
  return rows;
}
