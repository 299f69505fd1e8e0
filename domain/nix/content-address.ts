/** Content addresses: the `CA` of a store object, and the method and hash of a fixed output (`src/libstore/content-address.cc`). */
import { ParseError } from '../parse-error.ts';
import { formatHash, formatHashDigest, parseHash, parseHashAlgorithm } from './hash.ts';
import type { HashAlgorithm, NixHash } from './hash.ts';
import { makeFixedOutputPath, makeTextPath } from './store-path.ts';
import type { References, StorePath } from './store-path.ts';

/** What is hashed: the file's bytes, its NAR (`recursive` until 2.20), a text, or a git object. */
export type IngestionMethod = 'flat' | 'nar' | 'text' | 'git';

export interface ContentAddress {
  readonly method: IngestionMethod;
  readonly hash: NixHash;
}

/** How ATerm and `fixed:` spell the method, before the algorithm. */
const PREFIXES: Record<IngestionMethod, string> = { flat: '', nar: 'r:', text: 'text:', git: 'git:' };

/** Parses `text:sha256:<nix32>`, `fixed:sha256:<nix32>`, `fixed:r:sha256:<nix32>` and `fixed:git:sha1:<nix32>`. */
export function parseContentAddress(text: string): ContentAddress {
  const [, kind, prefix, hash] = /^(text|fixed):((?:r|git):)?(.*)$/s.exec(text) ?? [];
  if (hash === undefined || (kind === 'text' && prefix !== undefined)) {
    throw new ParseError(
      'content address',
      text,
      'text:<hash>, fixed:<hash>, fixed:r:<hash> or fixed:git:<hash>',
    );
  }
  const method = kind === 'text' ? 'text' : prefix === 'r:' ? 'nar' : prefix === 'git:' ? 'git' : 'flat';
  return { method, hash: parseHash(hash) };
}

export function formatContentAddress({ method, hash }: ContentAddress): string {
  return method === 'text' ? `text:${formatHash(hash)}` : `fixed:${PREFIXES[method]}${formatHash(hash)}`;
}

/** The path that content must have; a claimed path with a content address is true when it equals this. */
export function contentAddressedPath(
  name: string,
  { method, hash }: ContentAddress,
  references: References,
  storeDir?: string,
): StorePath {
  const directory = storeDir === undefined ? {} : { storeDir };
  if (method !== 'text') return makeFixedOutputPath({ name, method, hash, references, ...directory });
  if (references.self) {
    throw new ParseError('text', formatHashDigest(hash, 'nix32'), 'free of a reference to itself');
  }
  return makeTextPath({ name, hash, references: references.others, ...directory });
}

/** Parses `sha256`, `r:sha256`, `text:sha256`, `git:sha1`: the `hashAlgo` of an output. */
export function parseMethodAlgorithm(text: string): { method: IngestionMethod; algorithm: HashAlgorithm } {
  const method =
    (['nar', 'text', 'git'] as const).find((candidate) => text.startsWith(PREFIXES[candidate])) ?? 'flat';
  return { method, algorithm: parseHashAlgorithm(text.slice(PREFIXES[method].length)) };
}

export function formatMethodAlgorithm(method: IngestionMethod, algorithm: HashAlgorithm): string {
  return `${PREFIXES[method]}${algorithm}`;
}

/** Parses the words of Nix's JSON from 2.20: `flat`, `nar` (also `recursive`), `text`, `git`. */
export function parseIngestionMethod(text: string): IngestionMethod {
  if (text === 'recursive') return 'nar';
  if (!Object.hasOwn(PREFIXES, text))
    throw new ParseError('ingestion method', text, 'flat, nar, text or git');
  return text as IngestionMethod;
}
