/** What Nix knows about valid store paths: `nix path-info --json` of every version, and the registration text of `nix-store --dump-db`. */
import { ParseError } from '../parse-error.ts';
import { parseContentAddress, parseIngestionMethod } from './content-address.ts';
import type { ContentAddress } from './content-address.ts';
import { parseHash, parseHashDigest } from './hash.ts';
import type { NixHash } from './hash.ts';
import { asArray, asCount, asObject, asString, asStrings, isObject, optional, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { DEFAULT_STORE_DIR, parseStorePath, parseStorePathBaseName } from './store-path.ts';
import type { StorePath } from './store-path.ts';

export interface PathInfo {
  readonly path: StorePath;
  readonly narHash: NixHash;
  /** Bytes of the NAR. */
  readonly narSize: number;
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | null;
  /** `<key name>:<base 64>` as stored; read by `parseSignature` where one is verified. */
  readonly signatures: readonly string[];
  readonly ca: ContentAddress | null;
  /** True where this store built the path itself. */
  readonly ultimate: boolean;
}

/** Nix's answer: what is known, and the asked paths that are not valid. */
export interface PathInfos {
  readonly valid: readonly PathInfo[];
  readonly missing: readonly StorePath[];
}

const FORMAT = 'path info';

/**
 * Parses the JSON of `nix path-info --json`: an array (until 2.18), an object by path (from 2.19, `--json-format 1`),
 * or an object by base name below `info` (from 2.33, `--json-format 2`).
 */
export function parsePathInfoJson(text: string, storeDir = DEFAULT_STORE_DIR): PathInfos {
  const valid: PathInfo[] = [];
  const missing: StorePath[] = [];
  for (const [pathText, value] of listEntries(parseJson(FORMAT, text))) {
    const path = parseEitherPath(pathText, storeDir);
    const json = value === null ? null : asObject(FORMAT, value);
    if (json === null || json['valid'] === false) missing.push(path);
    else valid.push(readPathInfo(path, json, storeDir));
  }
  return { valid, missing };
}

function listEntries(json: unknown): [string, unknown][] {
  if (Array.isArray(json))
    return json.map((item) => [asString(FORMAT, asObject(FORMAT, item)['path']), item]);
  const top = asObject(FORMAT, json);
  return Object.entries(isObject(top['info']) ? top['info'] : top);
}

function readPathInfo(path: StorePath, json: JsonObject, storeDir: string): PathInfo {
  const parsePath = (value: unknown): StorePath => parseEitherPath(asString(FORMAT, value), storeDir);
  return {
    path,
    narHash: parseHash(asString(FORMAT, json['narHash'])),
    narSize: asCount(FORMAT, json['narSize']),
    references: asArray(FORMAT, json['references']).map(parsePath),
    deriver: optional(json['deriver'], parsePath),
    signatures: optional(json['signatures'], (value) => asStrings(FORMAT, value)) ?? [],
    ca: optional(json['ca'], readContentAddress),
    ultimate: json['ultimate'] === true,
  };
}

/** A text until `--json-format 2`, which writes an object. */
function readContentAddress(value: unknown): ContentAddress {
  if (!isObject(value)) return parseContentAddress(asString(FORMAT, value));
  return {
    method: parseIngestionMethod(asString(FORMAT, value['method'])),
    hash: parseHash(asString(FORMAT, value['hash'])),
  };
}

function parseEitherPath(text: string, storeDir: string): StorePath {
  return text.startsWith('/') ? parseStorePath(text, storeDir) : parseStorePathBaseName(text, storeDir);
}

/**
 * Parses the registration text: for each path its name, its NAR hash in base 16, its NAR size, its deriver or an empty
 * line, the number of references, and one line a reference (`decodeValidPathInfo`, `src/libstore/path-info.cc`).
 * Signatures and content addresses are not in it.
 */
export function parseRegistration(text: string, storeDir = DEFAULT_STORE_DIR): PathInfo[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new ParseError('registration', text.slice(-80), 'ended by a newline');
  const infos: PathInfo[] = [];
  let at = 0;
  const line = (): string =>
    lines[at++] ?? refuse(text.slice(-80), 'a registration that ends after its references');
  const count = (): number => {
    const digits = line();
    if (!/^(0|[1-9][0-9]{0,15})$/.test(digits)) refuse(digits, 'a whole number');
    return asCount('registration', Number(digits));
  };
  while (at < lines.length) {
    const path = parseStorePath(line(), storeDir);
    const narHash = parseHashDigest(line(), 'sha256');
    const narSize = count();
    const deriver = line();
    const references = Array.from({ length: Math.min(count(), lines.length) }, () =>
      parseStorePath(line(), storeDir),
    );
    infos.push({
      path,
      narHash,
      narSize,
      references,
      deriver: deriver === '' ? null : parseStorePath(deriver, storeDir),
      signatures: [],
      ca: null,
      ultimate: false,
    });
  }
  return infos;
}

function refuse(value: string, expected: string): never {
  throw new ParseError('registration', value, expected);
}
