/** Hashes in every spelling that Nix reads: nix32, base 16, base 64, and SRI (`src/libutil/hash.cc`). */
import { createHash } from 'node:crypto';
import { ParseError } from '../parse-error.ts';
import { decodeNix32, encodeNix32, nix32Length } from './base32.ts';

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

/** A digest and the algorithm that made it; `bytes` is as long as the algorithm says. */
export interface NixHash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Buffer;
}

/** `sri` is `sha256-<base64>`; the others are `sha256:<digest>`. Signed texts are always nix32. */
export type HashSpelling = 'nix32' | 'base16' | 'base64' | 'sri';

const DIGEST_BYTES: Record<HashAlgorithm, number> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 };

export function parseHashAlgorithm(text: string): HashAlgorithm {
  if (!Object.hasOwn(DIGEST_BYTES, text))
    throw new ParseError('hash algorithm', text, 'md5, sha1, sha256 or sha512');
  return text as HashAlgorithm;
}

/** Parses `<algorithm>:<digest>` (nix32, base 16 or base 64, told apart by length) and SRI `<algorithm>-<base64>`. */
export function parseHash(text: string): NixHash {
  const [, name, separator, digest] = /^([a-z0-9]+)([:-])(.*)$/s.exec(text) ?? [];
  if (name === undefined || digest === undefined)
    throw new ParseError('hash', text, 'written <algorithm>:<digest>');
  const algorithm = parseHashAlgorithm(name);
  return separator === '-'
    ? { algorithm, bytes: decodeDigest(text, digest, algorithm, ['base64']) }
    : parseHashDigest(digest, algorithm);
}

/** Parses a digest that stands alone, as beside an `outputHashAlgo`. */
export function parseHashDigest(digest: string, algorithm: HashAlgorithm): NixHash {
  return { algorithm, bytes: decodeDigest(digest, digest, algorithm, ['nix32', 'base16', 'base64']) };
}

export function formatHash(hash: NixHash, spelling: HashSpelling = 'nix32'): string {
  return `${hash.algorithm}${spelling === 'sri' ? '-' : ':'}${formatHashDigest(hash, spelling)}`;
}

/** The digest without its algorithm. */
export function formatHashDigest(hash: NixHash, spelling: HashSpelling): string {
  switch (spelling) {
    case 'nix32':
      return encodeNix32(hash.bytes);
    case 'base16':
      return hash.bytes.toString('hex');
    case 'base64':
    case 'sri':
      return hash.bytes.toString('base64');
  }
}

export function equalHashes(a: NixHash, b: NixHash): boolean {
  return a.algorithm === b.algorithm && a.bytes.equals(b.bytes);
}

export function hashOf(algorithm: HashAlgorithm, content: string | Uint8Array): NixHash {
  return { algorithm, bytes: createHash(algorithm).update(content).digest() };
}

type Digest = Exclude<HashSpelling, 'sri'>;

const DIGESTS: Record<
  Digest,
  { length: (bytes: number) => number; decode: (digest: string) => Buffer | null }
> = {
  nix32: { length: nix32Length, decode: decodeNix32 },
  base16: {
    length: (bytes) => bytes * 2,
    decode: (digest) => (/^[0-9a-fA-F]*$/.test(digest) ? Buffer.from(digest, 'hex') : null),
  },
  base64: { length: (bytes) => Math.ceil(bytes / 3) * 4, decode: decodeBase64 },
};

/** Strict base 64 with padding, or null: Node would skip characters it does not know. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

function decodeDigest(text: string, digest: string, algorithm: HashAlgorithm, spellings: Digest[]): Buffer {
  const size = DIGEST_BYTES[algorithm];
  const spelling = spellings.find((candidate) => DIGESTS[candidate].length(size) === digest.length);
  const bytes = spelling && DIGESTS[spelling].decode(digest);
  if (!bytes)
    throw new ParseError('hash', text, `a digest of ${algorithm} (${size} bytes) in ${spellings.join(', ')}`);
  return bytes;
}
