/** Store paths: their grammar (`src/libstore/path.cc`) and the ways Nix computes them (`src/libstore/store-dir-config.cc`). */
import { ParseError } from '../parse-error.ts';
import { NIX32_ALPHABET, encodeNix32 } from './base32.ts';
import { sortBytes } from './byte-order.ts';
import { formatHash, hashOf } from './hash.ts';
import type { NixHash } from './hash.ts';

declare const storePathBrand: unique symbol;

/** The full text of a store path, `/nix/store/<32 characters>-<name>`, as `parseStorePath` accepted it. */
export type StorePath = string & { readonly [storePathBrand]: true };

export const DEFAULT_STORE_DIR = '/nix/store';

/** 20 bytes in nix32. */
const HASH_LENGTH = 32;
const HASH_PATTERN = new RegExp(`^[${NIX32_ALPHABET}]{${HASH_LENGTH}}$`);

/** 211 leaves room for the hash, `-`, and the suffixes of lock files within a file name's 255 bytes. */
const NAME_PATTERN = /^(?!\.{1,2}(-|$))[0-9A-Za-z+._?=-]{1,211}$/;

/** Parses a full store path; nothing may follow the name. */
export function parseStorePath(text: string, storeDir: string = DEFAULT_STORE_DIR): StorePath {
  if (!text.startsWith(`${storeDir}/`)) throw new ParseError('store path', text, `below ${storeDir}/`);
  checkBaseName(text.slice(storeDir.length + 1), text);
  return text as StorePath;
}

/** Parses what narinfo files carry: the last component, without the store directory. */
export function parseStorePathBaseName(baseName: string, storeDir: string = DEFAULT_STORE_DIR): StorePath {
  checkBaseName(baseName, baseName);
  return `${storeDir}/${baseName}` as StorePath;
}

/** Builds a store path from its 32-character hash part and its name. */
export function formatStorePath(hash: string, name: string, storeDir: string = DEFAULT_STORE_DIR): StorePath {
  return parseStorePathBaseName(`${hash}-${name}`, storeDir);
}

/** Splits a path within a store object, such as `/nix/store/…-gcc/bin/cc`, into the store path and the rest (`/bin/cc`, or empty). */
export function splitStorePath(
  text: string,
  storeDir: string = DEFAULT_STORE_DIR,
): { storePath: StorePath; rest: string } {
  const slash = text.startsWith(`${storeDir}/`) ? text.indexOf('/', storeDir.length + 1) : -1;
  const end = slash < 0 ? text.length : slash;
  return { storePath: parseStorePath(text.slice(0, end), storeDir), rest: text.slice(end) };
}

export function storePathBaseName(path: StorePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The 32 characters by which caches and the reference scanner know a path. */
export function storePathHash(path: StorePath): string {
  return storePathBaseName(path).slice(0, HASH_LENGTH);
}

export function storePathName(path: StorePath): string {
  return storePathBaseName(path).slice(HASH_LENGTH + 1);
}

export function isDerivationPath(path: StorePath): boolean {
  return path.endsWith('.drv');
}

/** Throws unless the text may be a store path's name: 1 to 211 characters of `[0-9A-Za-z+._?=-]`, not `.`, `..`, `.-…` or `..-…`. */
export function checkStorePathName(name: string): void {
  if (!NAME_PATTERN.test(name)) throw new ParseError('store path name', name, NAME_RULE);
}

/** What a path of a content's hash refers to; `self` when the object holds its own path. */
export interface References {
  readonly others: Iterable<StorePath>;
  readonly self: boolean;
}

const NO_REFERENCES: References = { others: [], self: false };

/** Digests a type, a hash and a name into a path: the root of every rule (`makeStorePath`). */
export function makeStorePath(
  type: string,
  hash: NixHash,
  name: string,
  storeDir: string = DEFAULT_STORE_DIR,
): StorePath {
  const preimage = `${type}:${formatHash(hash, 'base16')}:${storeDir}:${name}`;
  return formatStorePath(encodeNix32(foldBytes(hashOf('sha256', preimage).bytes)), name, storeDir);
}

export interface TextPathInput {
  readonly name: string;
  /** sha256 of the text itself. */
  readonly hash: NixHash;
  readonly references: Iterable<StorePath>;
  readonly storeDir?: string;
}

/** The path of a text: a `.drv` file, or what `builtins.toFile` wrote. */
export function makeTextPath({ name, hash, references, storeDir }: TextPathInput): StorePath {
  if (hash.algorithm !== 'sha256') throw new ParseError('text hash', formatHash(hash), 'made by sha256');
  return makeStorePath(withReferences('text', { others: references, self: false }), hash, name, storeDir);
}

export interface FixedOutputPathInput {
  readonly name: string;
  readonly method: 'flat' | 'nar' | 'git';
  /** Of the file (flat), of its NAR with self-references zeroed (nar), or of its git object. */
  readonly hash: NixHash;
  readonly references?: References;
  readonly storeDir?: string;
}

/** The path of content known by its hash: sources, fixed outputs, content-addressed outputs. Only sha256 of a NAR may have references. */
export function makeFixedOutputPath({
  name,
  method,
  hash,
  references = NO_REFERENCES,
  storeDir,
}: FixedOutputPathInput): StorePath {
  if (method === 'nar' && hash.algorithm === 'sha256') {
    return makeStorePath(withReferences('source', references), hash, name, storeDir);
  }
  if (references.self || [...references.others].length > 0) {
    throw new ParseError(
      'fixed output',
      name,
      `free of references, as its hash is ${method} ${hash.algorithm}`,
    );
  }
  const prefix = method === 'flat' ? '' : method === 'nar' ? 'r:' : 'git:';
  const content = hashOf('sha256', `fixed:out:${prefix}${formatHash(hash, 'base16')}:`);
  return makeStorePath('output:out', content, name, storeDir);
}

/** The name of a derivation's output: its own for `out`, else with the output's name added. */
export function outputPathName(derivationName: string, outputName: string): string {
  return outputName === 'out' ? derivationName : `${derivationName}-${outputName}`;
}

const NAME_RULE = 'a name of 1 to 211 characters of [0-9A-Za-z+._?=-], not ., .., .-… or ..-…';

function checkBaseName(baseName: string, text: string): void {
  if (!HASH_PATTERN.test(baseName.slice(0, HASH_LENGTH))) {
    throw new ParseError('store path', text, `a path whose hash part is ${HASH_LENGTH} characters of nix32`);
  }
  if (baseName[HASH_LENGTH] !== '-' || !NAME_PATTERN.test(baseName.slice(HASH_LENGTH + 1))) {
    throw new ParseError('store path', text, `a hash part, a dash and ${NAME_RULE}`);
  }
}

function withReferences(type: string, references: References): string {
  return [type, ...sortBytes(new Set(references.others)), ...(references.self ? ['self'] : [])].join(':');
}

/** Shortens a sha256 to 20 bytes by xor, as the hash part of a path has room for no more (`compressHash`). */
function foldBytes(bytes: Uint8Array): Buffer {
  const folded = Buffer.alloc(20);
  bytes.forEach((byte, i) => (folded[i % 20] = (folded[i % 20] ?? 0) ^ byte));
  return folded;
}
