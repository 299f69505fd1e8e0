/** Rotation of keys: what was published gets the signatures of all keys of now, and loses those of one that is given up. */

import type { Connection } from '../../db/database.ts';
import { findIndexedPath } from '../../db/store-paths.ts';
import { dropSignatures, insertSignatures, listStoredPaths } from '../../db/stored-paths.ts';
import type { Signed } from '../../domain/api/paths.ts';
import { parseHash } from '../../domain/nix/hash.ts';
import { fingerprint, formatSignature, type SecretKey, signFingerprint } from '../../domain/nix/signature.ts';
import { parseStorePath } from '../../domain/nix/store-path.ts';
import { ConflictError } from '../errors.ts';
import type { CacheFolder } from './cache-folder.ts';
import { renderNarInfo } from './render-narinfo.ts';

export interface SignDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly secretKeys: readonly SecretKey[];
  readonly storeDir: string;
}

const BATCH = 500;

/** @throws ConflictError for dropping a key that still signs: its signatures would come back with the next path. */
export async function signAll(deps: SignDeps, drop: string | undefined): Promise<Signed> {
  const { connection, secretKeys } = deps;
  if (secretKeys.some((key) => key.name === drop))
    throw new ConflictError(`${drop} still signs: take it out of NIXWARP_CACHE_SECRET_KEY first`);
  let [signed, dropped] = [0, 0];
  for (let after = ''; ;) {
    const batch = await listStoredPaths(connection.db, after, BATCH);
    for (const { pathHash } of batch) signed += await signOne(deps, pathHash);
    const last = batch.at(-1);
    if (last === undefined) break;
    after = last.pathHash;
  }
  while (drop !== undefined) {
    const hashes = await connection.transaction((tx) => dropSignatures(tx, drop, BATCH));
    for (const hash of hashes) await render(deps, hash);
    if (hashes.length === 0) break;
    dropped += hashes.length;
  }
  return { signed, dropped };
}

async function signOne(deps: SignDeps, pathHash: string): Promise<number> {
  const { connection, secretKeys, storeDir } = deps;
  const row = await findIndexedPath(connection.db, pathHash);
  // Without the name of a reference there is nothing to sign.
  if (row === undefined) return 0;
  const has = new Set(row.signatures.map((one) => one.keyName));
  const text = fingerprint({
    path: parseStorePath(row.path, storeDir),
    narHash: parseHash(row.narHash),
    narSize: row.narSize,
    references: row.references.map((reference) => parseStorePath(reference, storeDir)),
  });
  const made = secretKeys
    .filter((key) => !has.has(key.name))
    .map((key) => ({ pathHash, keyName: key.name, signature: formatSignature(signFingerprint(text, key)) }));
  const signed = await connection.transaction((tx) => insertSignatures(tx, made));
  if (signed > 0) await render(deps, pathHash);
  return signed;
}

async function render({ connection, folder, storeDir }: SignDeps, pathHash: string): Promise<void> {
  const row = await findIndexedPath(connection.db, pathHash);
  if (row !== undefined) await folder.write(`${pathHash}.narinfo`, renderNarInfo(row, storeDir), false);
}
