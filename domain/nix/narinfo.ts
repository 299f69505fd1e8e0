/** narinfo: what a binary cache says about one path (`src/libstore/nar-info.cc`). */
import { ParseError } from '../parse-error.ts';
import { sortBytes } from './byte-order.ts';
import { formatContentAddress, parseContentAddress } from './content-address.ts';
import type { ContentAddress } from './content-address.ts';
import { formatHash, parseHash } from './hash.ts';
import type { NixHash } from './hash.ts';
import { parseStorePath, parseStorePathBaseName, storePathBaseName } from './store-path.ts';
import type { StorePath } from './store-path.ts';

/** Every compression that Nix can read; clients know `zstd` from 2.4. */
export const COMPRESSIONS = [
  'none',
  'br',
  'bzip2',
  'compress',
  'grzip',
  'gzip',
  'lrzip',
  'lz4',
  'lzip',
  'lzma',
  'lzop',
  'xz',
  'zstd',
] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export interface NarInfo {
  readonly path: StorePath;
  /** Where the NAR lies: relative to the cache, or absolute. Unsigned, as are compression, file hash, deriver and ca. */
  readonly url: string;
  readonly compression: Compression;
  /** sha256 of the compressed file; Nix reads a narinfo without it, but some mirrors do not. */
  readonly fileHash: NixHash | null;
  /** Bytes of the compressed file. */
  readonly fileSize: number | null;
  readonly narHash: NixHash;
  /** Bytes of the NAR; never 0. */
  readonly narSize: number;
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | null;
  /** `<key name>:<base 64>`, read by `parseSignature` where one is verified. */
  readonly signatures: readonly string[];
  readonly ca: ContentAddress | null;
}

const FORMAT = 'narinfo';

/** Every field but `Sig`, which repeats. */
const FIELDS: ReadonlySet<string> = new Set(
  'StorePath URL Compression FileHash FileSize NarHash NarSize References Deriver CA'.split(' '),
);

/**
 * Parses a narinfo. Refuses what Nix refuses (CRLF, a missing last newline, `References:` without its space) and what
 * Nix reads as something else than it says: a field given twice. Unknown fields are ignored, as Nix does.
 */
export function parseNarInfo(text: string, storeDir?: string): NarInfo {
  const { fields, signatures } = readFields(text);
  const required = (key: string): string =>
    fields.get(key) ?? refuse(text, `a narinfo with the field ${key}`);
  const present = <T>(key: string, parse: (value: string) => T, absent = ''): T | null => {
    const value = fields.get(key);
    return value === undefined || value === '' || value === absent ? null : parse(value);
  };
  const parsePath = (baseName: string): StorePath => parseStorePathBaseName(baseName, storeDir);
  return {
    path: parseStorePath(required('StorePath'), storeDir),
    url: parseUrl(required('URL')),
    // Written by nobody today, but the default since the first caches.
    compression: present('Compression', parseCompression) ?? 'bzip2',
    fileHash: present('FileHash', parseSha256),
    fileSize: present('FileSize', parseSize),
    narHash: parseSha256(required('NarHash')),
    narSize: parseSize(required('NarSize')),
    references: (present('References', (value) => value.split(' ')) ?? [])
      .filter((name) => name !== '')
      .map(parsePath),
    deriver: present('Deriver', parsePath, 'unknown-deriver'),
    signatures,
    ca: present('CA', parseContentAddress),
  };
}

/** Formats a narinfo in Nix's order, with references and signatures sorted; an empty list keeps the space after `References:`. */
export function formatNarInfo(info: NarInfo): string {
  const lines = [`StorePath: ${info.path}`, `URL: ${parseUrl(info.url)}`, `Compression: ${info.compression}`];
  if (info.fileHash) lines.push(`FileHash: ${formatHash(info.fileHash)}`);
  if (info.fileSize !== null) lines.push(`FileSize: ${info.fileSize}`);
  lines.push(`NarHash: ${formatHash(info.narHash)}`, `NarSize: ${info.narSize}`);
  lines.push(`References: ${sortBytes(info.references.map(storePathBaseName)).join(' ')}`);
  if (info.deriver) lines.push(`Deriver: ${storePathBaseName(info.deriver)}`);
  for (const signature of sortBytes(new Set(info.signatures)))
    lines.push(`Sig: ${parseSignatureText(signature)}`);
  if (info.ca) lines.push(`CA: ${formatContentAddress(info.ca)}`);
  return `${lines.join('\n')}\n`;
}

function readFields(text: string): { fields: ReadonlyMap<string, string>; signatures: string[] } {
  const lines = text.split('\n');
  if (lines.pop() !== '') refuse(text, 'a narinfo that ends with a newline');
  const fields = new Map<string, string>();
  const signatures: string[] = [];
  for (const line of lines) {
    // Nix skips exactly one character after the colon; without the space it would swallow the next line.
    const [, key, value] = /^([^:\r]+): ([^\r]*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined)
      return refuse(line, 'a line "Key: value" without a carriage return');
    if (key === 'Sig') signatures.push(parseSignatureText(value));
    else if (!FIELDS.has(key)) continue;
    else if (fields.has(key)) refuse(line, 'a field given once');
    else fields.set(key, value);
  }
  return { fields, signatures };
}

function parseUrl(url: string): string {
  // Control characters would end the line or the request that asks for it.
  return /^[\u0021-\u007e\u0080-\u{10ffff}]+$/u.test(url)
    ? url
    : refuse(url, 'a URL without spaces and controls');
}

function parseCompression(text: string): Compression {
  return COMPRESSIONS.find((name) => name === text) ?? refuse(text, `one of ${COMPRESSIONS.join(', ')}`);
}

function parseSha256(text: string): NixHash {
  const hash = parseHash(text);
  return hash.algorithm === 'sha256' ? hash : refuse(text, 'a sha256, as clients assert');
}

function parseSize(text: string): number {
  const size = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(size) && size > 0 ? size : refuse(text, 'a size in bytes from 1 to 2^53 - 1');
}

function parseSignatureText(text: string): string {
  return /^[^:\s]+:[^\s:]+$/.test(text) ? text : refuse(text, 'a signature <key name>:<base 64>');
}

function refuse(value: string, expected: string): never {
  throw new ParseError(FORMAT, value, expected);
}
