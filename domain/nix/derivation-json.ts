/** Derivations as JSON: `nix show-derivation` (2.8) and `nix derivation show` (from 2.13; versions 3 and 4 of the format). */
import { ParseError } from '../parse-error.ts';
import { compareBytes, sortBytes } from './byte-order.ts';
import {
  contentAddressedPath,
  formatMethodAlgorithm,
  parseIngestionMethod,
  parseMethodAlgorithm,
} from './content-address.ts';
import type { IngestionMethod } from './content-address.ts';
import { checkDerivation, derivationName } from './derivation.ts';
import type { Derivation } from './derivation.ts';
import { parseOutputFields } from './derivation-output.ts';
import type { DerivationOutput } from './derivation-output.ts';
import { parseHash, parseHashDigest } from './hash.ts';
import type { HashAlgorithm, NixHash } from './hash.ts';
import { asObject, asString, asStrings, isObject, optional, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { DEFAULT_STORE_DIR, outputPathName, parseStorePath, parseStorePathBaseName } from './store-path.ts';
import type { StorePath } from './store-path.ts';

const FORMAT = 'derivation JSON';

/**
 * Parses the whole output of the command: derivations by their path.
 * Read from text, not from a parsed value, because structured attributes must keep each number as it was written.
 */
export function parseDerivationsJson(text: string, storeDir = DEFAULT_STORE_DIR): Map<StorePath, Derivation> {
  const top = asObject(FORMAT, parseJson(FORMAT, text, keepNumberText));
  const derivations = isObject(top['derivations']) ? top['derivations'] : top;
  return new Map(
    Object.entries(derivations).map(([key, value]) => {
      const path = parsePath(key, storeDir);
      return [path, readDerivation(path, asObject(FORMAT, value), storeDir)];
    }),
  );
}

function readDerivation(path: StorePath, json: JsonObject, storeDir: string): Derivation {
  const name = derivationName(path);
  const inputs = isObject(json['inputs'])
    ? json['inputs']
    : { drvs: json['inputDrvs'], srcs: json['inputSrcs'] };
  return checkDerivation({
    name,
    outputs: sortedMap(json['outputs'], (output, key) => [key, readOutput(name, key, output, storeDir)]),
    inputDerivations: sortedMap(inputs['drvs'], (used, key) => [
      parsePath(key, storeDir),
      readUsedOutputs(used),
    ]),
    inputSources: sortBytes(asStrings(FORMAT, inputs['srcs']).map((source) => parsePath(source, storeDir))),
    system: asString(FORMAT, json['system']),
    builder: asString(FORMAT, json['builder']),
    args: asStrings(FORMAT, json['args']),
    env: readEnv(json),
  });
}

function readOutput(name: string, outputName: string, value: unknown, storeDir: string): DerivationOutput {
  const json = asObject(FORMAT, value);
  const hashAlgo = optional(json['hashAlgo'], (text) => asString(FORMAT, text));
  const hashText = optional(json['hash'], (text) => asString(FORMAT, text));
  const path = optional(json['path'], (text) => parsePath(asString(FORMAT, text), storeDir));
  if (hashText === null) {
    const hashAlgorithm = hashAlgo === null ? '' : methodAlgorithm(json, hashAlgo);
    return parseOutputFields(
      { path: path ?? '', hashAlgorithm, hash: json['impure'] === true ? 'impure' : '' },
      storeDir,
    );
  }
  const { method, hash } = readFixed(json, hashAlgo, hashText);
  const fixedPath = contentAddressedPath(
    outputPathName(name, outputName),
    { method, hash },
    { others: [], self: false },
    storeDir,
  );
  if (path !== null && path !== fixedPath)
    throw new ParseError(FORMAT, path, `${fixedPath}, which follows from the hash`);
  return { kind: 'fixed', path: fixedPath, method, hash };
}

/** Version 4 writes the hash as SRI; earlier versions write its digest beside `hashAlgo`, which until 2.20 held the method too. */
function readFixed(
  json: JsonObject,
  hashAlgo: string | null,
  text: string,
): { method: IngestionMethod; hash: NixHash } {
  if (hashAlgo === null)
    return { method: parseIngestionMethod(asString(FORMAT, json['method'])), hash: parseHash(text) };
  const { method, algorithm } = splitMethodAlgorithm(json, hashAlgo);
  return { method, hash: parseHashDigest(text, algorithm) };
}

function splitMethodAlgorithm(
  json: JsonObject,
  hashAlgo: string,
): { method: IngestionMethod; algorithm: HashAlgorithm } {
  const split = parseMethodAlgorithm(hashAlgo);
  const method = optional(json['method'], (text) => parseIngestionMethod(asString(FORMAT, text)));
  return { method: method ?? split.method, algorithm: split.algorithm };
}

function methodAlgorithm(json: JsonObject, hashAlgo: string): string {
  const { method, algorithm } = splitMethodAlgorithm(json, hashAlgo);
  return formatMethodAlgorithm(method, algorithm);
}

/** A list of outputs until 2.16; later an object beside `dynamicOutputs`, which must be empty. */
function readUsedOutputs(value: unknown): string[] {
  if (!isObject(value)) return sortBytes(asStrings(FORMAT, value));
  const dynamic = optional(value['dynamicOutputs'], (outputs) => asObject(FORMAT, outputs));
  if (dynamic !== null && Object.keys(dynamic).length > 0) {
    throw new ParseError(
      FORMAT,
      Object.keys(dynamic),
      'free of dynamic inputs: the experimental feature dynamic-derivations is not supported',
    );
  }
  return sortBytes(asStrings(FORMAT, value['outputs']));
}

/** Since 2.33 structured attributes stand beside the environment; the `.drv` file keeps them in it as `__json`. */
function readEnv(json: JsonObject): ReadonlyMap<string, string> {
  const env = Object.entries(asObject(FORMAT, json['env'])).map(([key, value]): [string, string] => [
    asString(FORMAT, key),
    asString(FORMAT, value),
  ]);
  const attributes = optional(json['structuredAttrs'], (value) => asObject(FORMAT, value));
  if (attributes !== null) env.push(['__json', formatSortedJson(attributes, 0)]);
  return new Map(env.toSorted(([a], [b]) => compareBytes(a, b)));
}

function sortedMap<Key extends string, Value>(
  value: unknown,
  read: (value: unknown, key: string) => [Key, Value],
): ReadonlyMap<Key, Value> {
  const entries = Object.entries(asObject(FORMAT, value)).map(([key, item]) => read(item, key));
  return new Map(entries.toSorted(([a], [b]) => compareBytes(a, b)));
}

/** Version 3 and later write base names, earlier ones full paths. */
function parsePath(text: string, storeDir: string): StorePath {
  return text.startsWith('/') ? parseStorePath(text, storeDir) : parseStorePathBaseName(text, storeDir);
}

/** A number that JavaScript would write differently: `1.0`, or more digits than a double holds. */
interface NumberText {
  readonly [numberText]: string;
}
const numberText = Symbol('number as written');

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source
    ? { [numberText]: source }
    : value;
}

/** More than any package nests its attributes; below it recursion is safe. */
const NESTING_LIMIT = 500;

/** Writes JSON as Nix does: compact, keys sorted by bytes, numbers as they were. */
function formatSortedJson(value: unknown, depth: number): string {
  if (depth > NESTING_LIMIT)
    throw new ParseError(FORMAT, 'structuredAttrs', `nested at most ${NESTING_LIMIT} deep`);
  if (Array.isArray(value)) return `[${value.map((item) => formatSortedJson(item, depth + 1)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  if (numberText in value) return (value as unknown as NumberText)[numberText];
  const keys = sortBytes(Object.keys(value));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${formatSortedJson(value[key], depth + 1)}`).join(',')}}`;
}
