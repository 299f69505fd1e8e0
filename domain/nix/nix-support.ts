/** Files by which an output tells a CI about itself: `nix-support/hydra-build-products`, `-metrics`, `-release-name` (reference/hydra.md §6). */
import { ParseError, quote } from '../parse-error.ts';
import { DEFAULT_STORE_DIR, splitStorePath } from './store-path.ts';

/** A file or directory to show beside a job. */
export interface BuildProduct {
  /** What it is, such as `file`, `doc`, `report`. */
  readonly type: string;
  readonly subtype: string;
  /** Absolute, within the store; whether it exists is for others to see. */
  readonly path: string;
  /** The last component of the path; empty for an output itself. */
  readonly name: string;
  /** The file to serve for a directory; empty when none is named. */
  readonly defaultPath: string;
}

export interface Metric {
  readonly name: string;
  readonly value: number;
  /** Empty when none is given. */
  readonly unit: string;
}

/** What a file holds; lines that are not understood are left out and named, because the build is not at fault for the rest. */
export interface Parsed<T> {
  readonly value: T;
  readonly warnings: readonly string[];
}

const PRODUCT = /^([A-Za-z0-9_-]+)\s+([A-Za-z0-9_-]+)\s+(?:"([^"]+)"|([^\s"]+))(?:\s+(\S+))?$/;
/** Hydra's pattern of a unit, and the slash of a rate: it keeps such a figure without its unit. */
const METRIC = /^([A-Za-z0-9._-]+)\s+(\S+)(?:\s+([A-Za-z0-9._%/-]+))?$/;
const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
const RELEASE_NAME = /^[A-Za-z0-9.@:_-]+$/;

/** Parses `type subtype path [default]` lines; a path with spaces is quoted. */
export function parseBuildProducts(text: string, storeDir = DEFAULT_STORE_DIR): Parsed<BuildProduct[]> {
  return parseLines(
    text,
    'a build product "type subtype path [default]" with a path in the store',
    (line) => {
      const [, type, subtype, quoted, plain, defaultPath = ''] = PRODUCT.exec(line) ?? [];
      const path = quoted ?? plain;
      if (type === undefined || subtype === undefined || path === undefined) return null;
      // What points out of its store object, by `..` or as a default, must never be served.
      if (path.split('/').includes('..') || /^\/|(^|\/)\.\.(\/|$)/.test(defaultPath)) return null;
      const { rest } = splitStorePath(path, storeDir);
      return { type, subtype, path, name: rest.slice(rest.lastIndexOf('/') + 1), defaultPath };
    },
  );
}

/** Parses `name value [unit]` lines; the value is a decimal number. */
export function parseMetrics(text: string): Parsed<Metric[]> {
  return parseLines(text, 'a metric "name value [unit]"', (line) => {
    const [, name, value, unit = ''] = METRIC.exec(line) ?? [];
    if (name === undefined || value === undefined || !NUMBER.test(value)) return null;
    return Number.isFinite(Number(value)) ? { name, value: Number(value), unit } : null;
  });
}

/** Parses the release name: one line of letters, digits and `. @ : _ -`; null where there is none. */
export function parseReleaseName(text: string): Parsed<string | null> {
  const name = text.trim();
  if (RELEASE_NAME.test(name)) return { value: name, warnings: [] };
  return {
    value: null,
    warnings: name === '' ? [] : [`${quote(name)} is not a release name of letters, digits and . @ : _ -`],
  };
}

function parseLines<T>(text: string, expected: string, parse: (line: string) => T | null): Parsed<T[]> {
  const value: T[] = [];
  const warnings: string[] = [];
  for (const line of text.split('\n').map((candidate) => candidate.trim())) {
    if (line === '') continue;
    const item = orNull(() => parse(line));
    if (item === null) warnings.push(`${quote(line)} is not ${expected}`);
    else value.push(item);
  }
  return { value, warnings };
}

function orNull<T>(parse: () => T | null): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ParseError) return null;
    throw error;
  }
}
