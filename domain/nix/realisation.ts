/**
 * Realisations: which path an output of a content-addressed derivation has become. Two generations:
 * `realisations/sha256:<derivation hash>!<output>.doi` (2.4 to 2.34) and `build-trace-v2/<drv>/<output>.doi` (from 2.35),
 * each with the text that is signed (`src/libstore/realisation.cc`; binary-cache.md §2.6).
 */
import { ParseError } from '../parse-error.ts';
import { sortBytes } from './byte-order.ts';
import { asArray, asObject, asString, isObject, parseJson } from './json.ts';
import { parseStorePathBaseName, storePathBaseName } from './store-path.ts';
import type { StorePath } from './store-path.ts';

export interface Realisation {
  readonly outPath: StorePath;
  /** `<key name>:<base 64>`. */
  readonly signatures: readonly string[];
  /** By id (`sha256:<hex>!<output>`): the realisations that this one was built with. Only the older generation has them, and fills them until 2.31. */
  readonly dependencies: ReadonlyMap<string, StorePath>;
}

const FORMAT = 'realisation';

/** Parses the older generation's file. @param id `sha256:<hex>!<output>`, which the text must repeat. */
export function parseRealisation(text: string, id: string, storeDir?: string): Realisation {
  const json = asObject(FORMAT, parseJson(FORMAT, text));
  const found = asString(FORMAT, json['id']);
  if (found !== id) throw new ParseError(FORMAT, found, `of ${id}`);
  const dependencies = json['dependentRealisations'] ?? {};
  return {
    ...parseValue(json, storeDir),
    dependencies: new Map(
      Object.entries(asObject(FORMAT, dependencies)).map(([other, path]) => [
        other,
        parseStorePathBaseName(asString(FORMAT, path), storeDir),
      ]),
    ),
  };
}

export function formatRealisation(id: string, { signatures, ...unsigned }: Realisation): string {
  return JSON.stringify({ ...legacyObject(id, unsigned), signatures: sortBytes(new Set(signatures)) });
}

/** The text that the older generation's signatures are over. */
export function realisationFingerprint(id: string, realisation: Omit<Realisation, 'signatures'>): string {
  return JSON.stringify(legacyObject(id, realisation));
}

/** Keys in the order that Nix's library writes: by name. */
function legacyObject(id: string, { outPath, dependencies }: Omit<Realisation, 'signatures'>) {
  const ids = sortBytes([...dependencies.keys()]);
  return {
    dependentRealisations: Object.fromEntries(
      ids.map((other) => [other, storePathBaseName(dependencies.get(other) as StorePath)]),
    ),
    id,
    outPath: storePathBaseName(outPath),
  };
}

/** Parses the newer generation's file, whose name is the key. */
export function parseBuildTrace(text: string, storeDir?: string): Realisation {
  return { ...parseValue(asObject(FORMAT, parseJson(FORMAT, text)), storeDir), dependencies: new Map() };
}

export function formatBuildTrace({ outPath, signatures }: Omit<Realisation, 'dependencies'>): string {
  return JSON.stringify({
    outPath: storePathBaseName(outPath),
    signatures: sortBytes(new Set(signatures)),
  });
}

/** What names a realisation of the newer generation. */
export interface BuildTraceKey {
  readonly drvPath: StorePath;
  readonly output: string;
}

/** The text that the newer generation's signatures are over. */
export function buildTraceFingerprint({ drvPath, output }: BuildTraceKey, outPath: StorePath): string {
  return JSON.stringify({
    key: { drvPath: storePathBaseName(drvPath), outputName: output },
    value: { outPath: storePathBaseName(outPath) },
  });
}

function parseValue(
  json: Readonly<Record<string, unknown>>,
  storeDir: string | undefined,
): Omit<Realisation, 'dependencies'> {
  return {
    outPath: parseStorePathBaseName(asString(FORMAT, json['outPath']), storeDir),
    signatures: asArray(FORMAT, json['signatures'] ?? []).map(readSignature),
  };
}

/** A text, or from 2.35 on also an object. */
function readSignature(json: unknown): string {
  const text = isObject(json)
    ? `${asString(FORMAT, json['keyName'])}:${asString(FORMAT, json['sig'])}`
    : asString(FORMAT, json);
  if (!/^[^:\s]+:[^\s:]+$/.test(text)) throw new ParseError(FORMAT, text, 'a signature <key name>:<base 64>');
  return text;
}
