/** Derivations: the `.drv` file (ATerm, `src/libstore/derivations.cc`) read and written byte for byte, and what nixwarp asks of them. */
import { ParseError } from '../parse-error.ts';
import {
  createAtermReader,
  formatAtermList,
  formatAtermString,
  formatAtermStrings,
  formatAtermTuple,
} from './aterm.ts';
import type { AtermReader } from './aterm.ts';
import { compareBytes, sortBytes, sortEntries } from './byte-order.ts';
import { commonOutputKind, formatOutputFields, parseOutputFields } from './derivation-output.ts';
import type { DerivationKind, DerivationOutput } from './derivation-output.ts';
import { hashOf } from './hash.ts';
import { asStrings, isObject, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import {
  checkStorePathName,
  isDerivationPath,
  makeTextPath,
  parseStorePath,
  storePathName,
} from './store-path.ts';
import type { StorePath } from './store-path.ts';

/** One derivation; maps and sets are sorted by bytes, as in the file. */
export interface Derivation {
  /** The name without `.drv`; the file does not hold it, its path does. */
  readonly name: string;
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Each input derivation with the names of the outputs that are used. */
  readonly inputDerivations: ReadonlyMap<StorePath, readonly string[]>;
  readonly inputSources: readonly StorePath[];
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

const FORMAT = 'derivation';

/**
 * Parses the text of a `.drv` file; `name` comes from its path.
 * Only what Nix itself would write is accepted (sorted, without duplicates, minimal escapes), so that formatting gives the
 * same bytes. The form `DrvWithVersion("xp-dyn-drv",…)` of dynamic derivations is refused by name.
 */
export function parseDerivation(text: string, name: string, storeDir?: string): Derivation {
  checkStorePathName(`${name}.drv`);
  if (text.startsWith('DrvWithVersion(')) {
    throw new ParseError(
      FORMAT,
      text,
      'free of dynamic inputs: the experimental feature dynamic-derivations is not supported',
    );
  }
  const reader = createAtermReader(FORMAT, text);
  reader.expect('Derive(');
  const outputs = sortedMap(
    'outputs',
    reader.list(() => readOutput(reader, storeDir)),
  );
  reader.expect(',');
  const inputDerivations = sortedMap(
    'input derivations',
    reader.list(() => readInput(reader, storeDir)),
  );
  reader.expect(',');
  const sources = sorted('input sources', reader.list(reader.string));
  reader.expect(',');
  const system = reader.string();
  reader.expect(',');
  const builder = reader.string();
  reader.expect(',');
  const args = reader.list(reader.string);
  reader.expect(',');
  const env = sortedMap(
    'environment',
    reader.list(() => readPair(reader)),
  );
  reader.expect(')');
  reader.end();
  const inputSources = sources.map((path) => parseStorePath(path, storeDir));
  return checkDerivation({ name, outputs, inputDerivations, inputSources, system, builder, args, env });
}

/** Parses a `.drv` file found under `path`, from its bytes; refuses text that is not UTF-8. */
export function parseDerivationFile(path: StorePath, bytes: Uint8Array, storeDir?: string): Derivation {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ParseError(FORMAT, path, 'written in UTF-8');
  }
  return parseDerivation(text, derivationName(path), storeDir);
}

/** The name of a derivation by its path. */
export function derivationName(path: StorePath): string {
  if (!isDerivationPath(path)) throw new ParseError('derivation path', path, 'a path that ends in .drv');
  return storePathName(path).slice(0, -'.drv'.length);
}

export function formatDerivation(derivation: Derivation): string {
  return formatDerivationWith(derivation, derivation.inputDerivations, false);
}

/** As `formatDerivation`, with other inputs and, masked, without the output paths: the text that is hashed to find those paths. */
export function formatDerivationWith(
  derivation: Derivation,
  inputs: ReadonlyMap<string, readonly string[]>,
  maskOutputs: boolean,
): string {
  const { outputs, env } = derivation;
  const outputTerms = sortEntries(outputs).map(([name, output]) => {
    const { path, hashAlgorithm, hash } = formatOutputFields(output);
    return formatAtermTuple([name, maskOutputs ? '' : path, hashAlgorithm, hash]);
  });
  const inputTerms = sortEntries(inputs).map(
    ([path, names]) => `(${formatAtermString(path)},${formatAtermStrings(sortBytes(names))})`,
  );
  const envTerms = sortEntries(env).map(([key, value]) =>
    formatAtermTuple([key, maskOutputs && outputs.has(key) ? '' : value]),
  );
  const fields = [
    formatAtermList(outputTerms),
    formatAtermList(inputTerms),
    formatAtermStrings(sortBytes(derivation.inputSources)),
    formatAtermString(derivation.system),
    formatAtermString(derivation.builder),
    formatAtermStrings(derivation.args),
    formatAtermList(envTerms),
  ];
  return `Derive(${fields.join(',')})`;
}

/** The path that this derivation's file must have: a claimed `.drv` path is true when it equals this. */
export function computeDerivationPath(derivation: Derivation, storeDir?: string): StorePath {
  return makeTextPath({
    name: `${derivation.name}.drv`,
    hash: hashOf('sha256', formatDerivation(derivation)),
    references: derivationReferences(derivation),
    ...(storeDir === undefined ? {} : { storeDir }),
  });
}

/** What the `.drv` file refers to: its sources and its input derivations, sorted; outputs are no references. */
export function derivationReferences(derivation: Derivation): StorePath[] {
  return sortBytes(new Set([...derivation.inputSources, ...derivation.inputDerivations.keys()]));
}

/** The kind of all outputs, which a parsed derivation shares among them. */
export function derivationKind(derivation: Derivation): DerivationKind {
  return commonOutputKind(derivation.outputs);
}

export function isFixedOutput(derivation: Derivation): boolean {
  return derivationKind(derivation) === 'fixed';
}

/** True where output paths are known only after the build (floating or impure); fixed outputs are asked by `isFixedOutput`. */
export function isContentAddressed(derivation: Derivation): boolean {
  const kind = derivationKind(derivation);
  return kind === 'floating' || kind === 'impure';
}

/** True where each output's path is known before anything is built. */
export function hasKnownOutputPaths(derivation: Derivation): boolean {
  const kind = derivationKind(derivation);
  return kind === 'input-addressed' || kind === 'fixed';
}

/** The attributes of a derivation with `__structuredAttrs`, or null for one that has an environment. */
export function structuredAttributes(derivation: Derivation): JsonObject | null {
  const text = derivation.env.get('__json');
  if (text === undefined) return null;
  const attributes = parseJson('structured attributes', text);
  if (!isObject(attributes)) throw new ParseError('structured attributes', text, 'an object');
  return attributes;
}

/** An attribute that is a text, wherever it is kept: a structured attribute, else an environment variable. */
export function derivationEnv(derivation: Derivation, key: string): string | undefined {
  const attributes = structuredAttributes(derivation);
  if (attributes === null || !Object.hasOwn(attributes, key)) return derivation.env.get(key);
  const value = attributes[key];
  return typeof value === 'string' ? value : undefined;
}

/** The features a builder must have, in the order written; structured attributes hold a list, an environment words. */
export function requiredSystemFeatures(derivation: Derivation): string[] {
  const key = 'requiredSystemFeatures';
  const attributes = structuredAttributes(derivation);
  if (attributes !== null) return Object.hasOwn(attributes, key) ? asStrings(key, attributes[key]) : [];
  return (derivation.env.get(key) ?? '').split(/[ \t\r\n]+/).filter((feature) => feature !== '');
}

/** Checks what every way of reading a derivation must hold; returns its argument. */
export function checkDerivation(derivation: Derivation): Derivation {
  commonOutputKind(derivation.outputs);
  for (const name of derivation.outputs.keys()) checkStorePathName(name);
  for (const path of derivation.inputDerivations.keys()) derivationName(path);
  return derivation;
}

function readOutput(reader: AtermReader, storeDir: string | undefined): [string, DerivationOutput] {
  const name = readAfter(reader, '(');
  const path = readAfter(reader, ',');
  const hashAlgorithm = readAfter(reader, ',');
  const hash = readAfter(reader, ',');
  reader.expect(')');
  return [name, parseOutputFields({ path, hashAlgorithm, hash }, storeDir)];
}

function readInput(reader: AtermReader, storeDir: string | undefined): [StorePath, string[]] {
  const path = parseStorePath(readAfter(reader, '('), storeDir);
  reader.expect(',');
  const outputs = sorted('input outputs', reader.list(reader.string));
  reader.expect(')');
  return [path, outputs];
}

function readPair(reader: AtermReader): [string, string] {
  const key = readAfter(reader, '(');
  const value = readAfter(reader, ',');
  reader.expect(')');
  return [key, value];
}

function readAfter(reader: AtermReader, literal: string): string {
  reader.expect(literal);
  return reader.string();
}

function sorted(what: string, texts: string[]): string[] {
  texts.forEach((text, i) => {
    const previous = texts[i - 1];
    if (previous !== undefined && compareBytes(previous, text) >= 0) {
      throw new ParseError(FORMAT, text, `in its place: ${what} are sorted by bytes and occur once`);
    }
  });
  return texts;
}

function sortedMap<Key extends string, Value>(
  what: string,
  entries: [Key, Value][],
): ReadonlyMap<Key, Value> {
  sorted(
    what,
    entries.map(([key]) => key),
  );
  return new Map(entries);
}
