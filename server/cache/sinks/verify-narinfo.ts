/** Whether a narinfo is true: against the NAR that lies in the folder, and against what was published before. */

import { join } from 'node:path';
import { contentAddressedPath, formatContentAddress } from '../../../domain/nix/content-address.ts';
import { equalHashes, formatHash, parseHash } from '../../../domain/nix/hash.ts';
import type { NarInfo } from '../../../domain/nix/narinfo.ts';
import { storePathHash, storePathName } from '../../../domain/nix/store-path.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { ConflictError } from '../../errors.ts';
import { parseUploadCompression } from '../decompress.ts';
import { compareWithClaim, inspectNar, type MeasuredNar } from '../measure-nar.ts';
import { parseResource } from '../resource.ts';

export interface NarInfoFacts {
  readonly folder: string;
  readonly storeDir: string;
  /** Whether the folder has a file, by its key. */
  readonly exists: (key: string) => Promise<boolean>;
}

/**
 * The narinfo with file hash and size as they are, and the listing of its NAR (`null` where there can be none).
 * @throws ParseError where it is not true, ConflictError where its NAR or a reference is not there yet.
 */
export async function verifyNarInfo(
  info: NarInfo,
  { folder, storeDir, exists }: NarInfoFacts,
): Promise<{ narInfo: NarInfo; listing: string | null }> {
  if (parseResource(info.url)?.kind !== 'nar')
    throw new ParseError(
      `URL of ${info.path}`,
      info.url,
      'nar/<sha256 of the file>.nar, with the suffix of its compression',
    );
  const compression = parseUploadCompression(info.compression);
  if (!(await exists(info.url)))
    throw new ConflictError(`${info.path}: there is no ${info.url} yet: upload it before its narinfo`);
  await requireReferences(info, exists);
  const pathHash = storePathHash(info.path);
  const referenceHashes = info.references.map(storePathHash);
  const measured = await inspectNar({
    file: join(folder, info.url),
    compression,
    maxBytes: info.narSize,
    candidates: new Set([pathHash, ...referenceHashes]),
    contentAddress: info.ca === null ? undefined : { ca: info.ca, pathHash },
  });
  compareWithClaim(
    {
      path: info.path,
      narHash: formatHash(info.narHash),
      narSize: info.narSize,
      referenceHashes,
      isContentAddressed: info.ca !== null,
    },
    measured,
  );
  requireSameFile(info, measured);
  requireContentAddress(info, measured, storeDir);
  const { fileSize, listing } = measured;
  return { narInfo: { ...info, fileHash: parseHash(measured.fileHash), fileSize }, listing };
}

async function requireReferences(info: NarInfo, exists: NarInfoFacts['exists']): Promise<void> {
  for (const reference of info.references)
    if (reference !== info.path && !(await exists(`${storePathHash(reference)}.narinfo`)))
      throw new ConflictError(
        `${info.path} refers to ${reference}, which the cache does not have yet: upload references first`,
      );
}

function requireSameFile({ path, url, fileHash, fileSize }: NarInfo, measured: MeasuredNar): void {
  if (fileHash !== null && formatHash(fileHash) !== measured.fileHash)
    throw new ParseError(`FileHash of ${path}`, formatHash(fileHash), `${measured.fileHash}, that of ${url}`);
  if (fileSize !== null && fileSize !== measured.fileSize)
    throw new ParseError(`FileSize of ${path}`, fileSize, `${measured.fileSize}, that of ${url}`);
}

function requireContentAddress(
  { path, ca, references }: NarInfo,
  measured: MeasuredNar,
  storeDir: string,
): void {
  if (ca === null || measured.contentHash === null) return;
  if (!equalHashes(ca.hash, measured.contentHash))
    throw new ParseError(
      `CA of ${path}`,
      formatContentAddress(ca),
      `one over ${formatHash(measured.contentHash)}`,
    );
  const others = references.filter((reference) => reference !== path);
  const self = others.length < references.length;
  const computed = contentAddressedPath(storePathName(path), ca, { others, self }, storeDir);
  if (computed !== path)
    throw new ParseError(`CA of ${path}`, formatContentAddress(ca), `the address of ${computed}`);
}

/**
 * What is published, with the other's signatures added; `undefined` where it has them all.
 * @throws ConflictError where the other is about another content: what clients have seen does not change.
 */
export function mergeNarInfo(published: NarInfo, other: NarInfo): NarInfo | undefined {
  const differs =
    published.path !== other.path
      ? `of ${published.path}, not ${other.path}`
      : !equalHashes(published.narHash, other.narHash) || published.narSize !== other.narSize
        ? `a NAR of ${formatHash(published.narHash)}, not ${formatHash(other.narHash)}`
        : published.references.toSorted().join(' ') !== other.references.toSorted().join(' ')
          ? `other references (${published.references.join(' ')})`
          : undefined;
  if (differs !== undefined)
    throw new ConflictError(
      `${published.path} is published already, with ${differs}; signatures may be added to it`,
    );
  const signatures = new Set([...published.signatures, ...other.signatures]);
  return signatures.size === published.signatures.length
    ? undefined
    : { ...published, signatures: [...signatures] };
}
