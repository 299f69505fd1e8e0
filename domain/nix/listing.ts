/** Listings of NARs (`<hash>.ls`): what is where, and paths sought in them (`src/libstore/nar-accessor.cc`). */
import { ParseError } from '../parse-error.ts';
import { asCount, asObject, asString, isObject, parseJson, type JsonObject } from './json.ts';
import { type StorePath, splitStorePath } from './store-path.ts';

/** One object, of the shape that the text has: entries are read when they are looked at. */
export type ListingNode =
  | { readonly kind: 'directory'; readonly entries: JsonObject }
  | { readonly kind: 'symlink'; readonly target: string }
  | {
      readonly kind: 'regular';
      /** Bytes. */
      readonly size: number;
      readonly executable: boolean;
      /** Where its content begins in the NAR; absent in listings of an older Nix. */
      readonly narOffset: number | undefined;
    };

const FORMAT = 'listing';

/** @returns the root. */
export function parseListing(text: string): ListingNode {
  const json = asObject(FORMAT, parseJson(FORMAT, text));
  if (json['version'] !== 1) throw new ParseError(FORMAT, String(json['version']), 'version 1');
  return readNode(json['root']);
}

export function readNode(value: unknown): ListingNode {
  const json = asObject(FORMAT, value);
  const type = asString(FORMAT, json['type']);
  switch (type) {
    case 'directory':
      return { kind: 'directory', entries: asObject(FORMAT, json['entries']) };
    case 'symlink':
      return { kind: 'symlink', target: asString(FORMAT, json['target']) };
    case 'regular':
      return {
        kind: 'regular',
        size: asCount(FORMAT, json['size'] ?? 0),
        executable: json['executable'] === true,
        narOffset: json['narOffset'] === undefined ? undefined : asCount(FORMAT, json['narOffset']),
      };
    default:
      throw new ParseError(FORMAT, type, 'directory, symlink or regular');
  }
}

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * The object at a path, symbolic links followed as long as they stay within `storePath`; `undefined` where there is none.
 * @param segments between slashes, decoded.
 */
export function findInListing(
  root: ListingNode,
  segments: readonly string[],
  storePath: StorePath,
  storeDir: string,
): Exclude<ListingNode, { kind: 'symlink' }> | undefined {
  let left = [...segments];
  /** From the root to where we are. */
  let trail: ListingNode[] = [root];
  for (let links = 0; ;) {
    const here = trail.at(-1) ?? root;
    if (here.kind === 'symlink') {
      const steps = ++links > MOST_LINKS ? undefined : stepsOf(here.target, storePath, storeDir);
      if (steps === undefined) return undefined;
      trail = steps.fromRoot ? [root] : trail.slice(0, -1);
      // A root that is a link leads out of the path.
      if (trail.length === 0) return undefined;
      left = [...steps.segments, ...left];
      continue;
    }
    const next = left.shift();
    if (next === undefined) return here;
    if (next === '' || next === '.') continue;
    if (here.kind !== 'directory') return undefined;
    if (next === '..') {
      trail.pop();
      if (trail.length === 0) return undefined;
      continue;
    }
    if (!Object.hasOwn(here.entries, next)) return undefined;
    trail.push(readNode(here.entries[next]));
  }
}

/** An absolute target counts from the root where it names this very path, and leads out where it names anything else. */
function stepsOf(
  target: string,
  storePath: StorePath,
  storeDir: string,
): { fromRoot: boolean; segments: string[] } | undefined {
  if (!target.startsWith('/')) return { fromRoot: false, segments: target.split('/') };
  if (target !== storePath && !target.startsWith(`${storePath}/`)) return undefined;
  return { fromRoot: true, segments: splitStorePath(target, storeDir).rest.split('/') };
}

/** Names in a directory with their kinds, as they stand. */
export function listEntries(
  node: ListingNode & { kind: 'directory' },
): { name: string; kind: ListingNode['kind'] }[] {
  return Object.entries(node.entries)
    .filter(([, value]) => isObject(value))
    .map(([name, value]) => ({ name, kind: readNode(value).kind }));
}
