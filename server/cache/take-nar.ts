/** Takes one NAR into the cache's folder: measured, compared with its claim, compressed, signed. Nothing is visible yet. */

import { rm } from 'node:fs/promises';
import type { IndexedPath } from '../../db/store-paths.ts';
import { parseContentAddress } from '../../domain/nix/content-address.ts';
import { equalHashes, formatHash, parseHash } from '../../domain/nix/hash.ts';
import {
  fingerprint,
  formatSignature,
  parseSignature,
  type PublicKey,
  type SecretKey,
  signFingerprint,
  verifyFingerprint,
} from '../../domain/nix/signature.ts';
import { storePathHash } from '../../domain/nix/store-path.ts';
import { ParseError } from '../../domain/parse-error.ts';
import type { CacheFolder } from './cache-folder.ts';
import type { CheckedClaim } from './claims.ts';
import type { UploadCompression } from './decompress.ts';
import { compareWithClaim, DEFAULT_LEVEL, type MeasuredNar, measureNar } from './measure-nar.ts';
import type { DebugFile } from './nar-listing.ts';

export interface TakeDeps {
  readonly folder: CacheFolder;
  readonly secretKey: SecretKey;
  /** They sign as well: a key that is to come, or one that is given up. */
  readonly moreKeys?: readonly SecretKey[];
  /** Of whom signatures are kept beside ours. */
  readonly trustedKeys?: readonly PublicKey[];
  /** Of zstd; 3 where none is given. */
  readonly level?: number;
}

/** A verified path with its file still under a temporary name. */
export interface TakenNar {
  readonly row: IndexedPath;
  /** Puts the file where its URL says; once, however often it is called. */
  readonly place: () => Promise<void>;
  /** Writes listing and debug files: once it is certain that these are the path's bytes. */
  readonly describe: () => Promise<void>;
  /** Removes a file that was not placed. */
  readonly discard: () => Promise<void>;
}

export interface NarSource {
  readonly bytes: AsyncIterable<Buffer>;
  readonly compression: UploadCompression;
}

/**
 * @param candidates hash parts to look for besides those of the claim: what is found and was not claimed is refused.
 * @throws ParseError where the bytes are not what was claimed; nothing stays then.
 */
export async function takeNar(
  deps: TakeDeps,
  claim: CheckedClaim,
  { bytes, compression }: NarSource,
  candidates: Iterable<string>,
): Promise<TakenNar> {
  const pathHash = storePathHash(claim.path);
  const file = deps.folder.temporaryFile();
  const discard = (): Promise<void> => rm(file, { force: true });
  try {
    const referenceHashes = claim.references.map(storePathHash);
    const measured = await measureNar({
      source: bytes,
      compression,
      maxBytes: claim.narSize,
      candidates: new Set([pathHash, ...referenceHashes, ...candidates]),
      file,
      level: deps.level ?? DEFAULT_LEVEL,
      contentAddress: claim.ca === null ? undefined : { ca: parseContentAddress(claim.ca), pathHash },
    });
    compareWithClaim({ ...claim, referenceHashes, isContentAddressed: claim.ca !== null }, measured);
    compareContentAddress(claim, measured);
    const row = newIndexedPath(deps, claim, measured);
    await deps.folder.prepare(file, row.url);
    const describe = async (): Promise<void> => {
      if (measured.listing !== null) await deps.folder.write(`${pathHash}.ls`, measured.listing, false);
      for (const one of measured.debugFiles) await writeDebugInfo(deps.folder, row.url, one);
    };
    let placed = false;
    const place = async (): Promise<void> => {
      // A transaction may be run again.
      if (!placed) await deps.folder.place(file, row.url);
      placed = true;
    };
    return { row, place, describe, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

function compareContentAddress({ path, ca }: CheckedClaim, { contentHash }: MeasuredNar): void {
  if (ca === null || contentHash === null) return;
  if (!equalHashes(parseContentAddress(ca).hash, contentHash))
    throw new ParseError(`NAR of ${path}`, formatHash(contentHash), `of the content address ${ca}`);
}

/** Of two packages with one build id the first stays, as with Nix. */
async function writeDebugInfo(
  folder: CacheFolder,
  url: string,
  { buildId, member }: DebugFile,
): Promise<void> {
  const key = `debuginfo/${buildId}.debug`;
  if (!(await folder.exists(key)))
    await folder.write(key, JSON.stringify({ archive: `../${url}`, member }), false);
}

export function newIndexedPath(
  deps: Pick<TakeDeps, 'secretKey' | 'moreKeys' | 'trustedKeys'>,
  claim: CheckedClaim,
  measured: Pick<MeasuredNar, 'fileHash' | 'fileSize'>,
): IndexedPath {
  const text = fingerprintOf(claim);
  const own = [deps.secretKey, ...(deps.moreKeys ?? [])].map((key) => signFingerprint(text, key));
  const ownNames = new Set(own.map((one) => one.keyName));
  return {
    pathHash: storePathHash(claim.path),
    path: claim.path,
    narHash: claim.narHash,
    narSize: claim.narSize,
    url: `nar/${measured.fileHash.slice('sha256:'.length)}.nar.zst`,
    compression: 'zstd',
    fileHash: measured.fileHash,
    fileSize: measured.fileSize,
    deriver: claim.deriver,
    ca: claim.ca,
    references: claim.references,
    signatures: [
      ...own.map((one) => ({ keyName: one.keyName, signature: formatSignature(one) })),
      ...keptSignatures(deps, claim).filter(({ keyName }) => !ownNames.has(keyName)),
    ],
  };
}

/** Those that a trusted key has made. Nobody could tell the others from noise, which would take the place of true ones. */
export function keptSignatures(
  { trustedKeys = [] }: Pick<TakeDeps, 'trustedKeys'>,
  claim: CheckedClaim,
): IndexedPath['signatures'] {
  const text = fingerprintOf(claim);
  const kept = new Map<string, string>();
  for (const signature of claim.signatures) {
    const parsed = parseSignature(signature);
    if (verifyFingerprint(text, parsed, trustedKeys)) kept.set(parsed.keyName, signature);
  }
  return [...kept].map(([keyName, signature]) => ({ keyName, signature }));
}

function fingerprintOf({ path, narHash, narSize, references }: CheckedClaim): string {
  return fingerprint({ path, narHash: parseHash(narHash), narSize, references });
}
