/** What is said of a path before its bytes were seen: by a builder, by `nixwarp push`, or by a narinfo that Nix uploads. */

import type { Claim } from '../../domain/api/ingest.ts';
import {
  type ContentAddress,
  contentAddressedPath,
  formatContentAddress,
  parseContentAddress,
} from '../../domain/nix/content-address.ts';
import { formatHash, parseHash } from '../../domain/nix/hash.ts';
import type { NarInfo } from '../../domain/nix/narinfo.ts';
import { parseSignature } from '../../domain/nix/signature.ts';
import { parseStorePath, type StorePath, storePathHash, storePathName } from '../../domain/nix/store-path.ts';
import { ParseError } from '../../domain/parse-error.ts';

/** Parsed, and free of contradictions; its fields travel as JSON. */
export interface CheckedClaim {
  readonly path: StorePath;
  /** `sha256:<nix32>`. */
  readonly narHash: string;
  readonly narSize: number;
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | null;
  readonly ca: string | null;
  /** `<key name>:<base 64>`. */
  readonly signatures: readonly string[];
}

/** Bytes of the NAR of an empty folder. */
const SMALLEST_NAR = 96;
const LARGEST_NAR = 2 ** 40;
const MOST_REFERENCES = 100_000;

/** @throws ParseError for what no path can be. */
export function checkClaim(claim: Claim, storeDir: string): CheckedClaim {
  const hash = parseHash(claim.narHash);
  if (hash.algorithm !== 'sha256') throw new ParseError('narHash', claim.narHash, 'a sha256 hash');
  return checkConsistent(
    {
      path: parseStorePath(claim.path, storeDir),
      narHash: formatHash(hash),
      narSize: claim.narSize,
      references: claim.references.map((reference) => parseStorePath(reference, storeDir)),
      deriver: claim.deriver === null ? null : parseStorePath(claim.deriver, storeDir),
      ca: claim.ca === null ? null : formatContentAddress(parseContentAddress(claim.ca)),
      signatures: (claim.signatures ?? []).map(checkSignature),
    },
    storeDir,
  );
}

/** @throws ParseError for what no path can be. */
export function claimOfNarInfo(info: NarInfo, storeDir: string): CheckedClaim {
  return checkConsistent(
    {
      path: info.path,
      narHash: formatHash(info.narHash),
      narSize: info.narSize,
      references: info.references,
      deriver: info.deriver,
      ca: info.ca === null ? null : formatContentAddress(info.ca),
      signatures: info.signatures.map(checkSignature),
    },
    storeDir,
  );
}

function checkSignature(text: string): string {
  parseSignature(text);
  return text;
}

function checkConsistent(claim: CheckedClaim, storeDir: string): CheckedClaim {
  const { path, narSize, references, deriver, ca } = claim;
  if (narSize < SMALLEST_NAR || narSize > LARGEST_NAR)
    throw new ParseError(`NarSize of ${path}`, narSize, `between ${SMALLEST_NAR} and ${LARGEST_NAR} bytes`);
  if (references.length > MOST_REFERENCES)
    throw new ParseError(`references of ${path}`, references.length, `at most ${MOST_REFERENCES}`);
  const names = new Map<string, StorePath>();
  for (const reference of references) {
    const other = names.get(storePathHash(reference));
    if (other !== undefined && other !== reference)
      throw new ParseError(`references of ${path}`, reference, `with another hash part than ${other}`);
    if (reference !== path && storePathHash(reference) === storePathHash(path))
      throw new ParseError(`references of ${path}`, reference, 'with another hash part than the path itself');
    names.set(storePathHash(reference), reference);
  }
  if (deriver !== null && !storePathName(deriver).endsWith('.drv'))
    throw new ParseError(`Deriver of ${path}`, deriver, 'a derivation (….drv)');
  if (ca !== null) checkContentAddress(claim, parseContentAddress(ca), storeDir);
  return { ...claim, references: [...names.values()] };
}

/** A content address determines the path: clients need no signature then, so it has to be true. */
function checkContentAddress({ path, references }: CheckedClaim, ca: ContentAddress, storeDir: string): void {
  const expected = contentAddressedPath(
    storePathName(path),
    ca,
    { others: references.filter((reference) => reference !== path), self: references.includes(path) },
    storeDir,
  );
  if (expected !== path)
    throw new ParseError(
      `CA of ${path}`,
      formatContentAddress(ca),
      `the one of this path: it makes ${expected}`,
    );
}
