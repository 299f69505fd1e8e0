/** What clients ask of a binary cache, by the grammar of its paths (reference: binary-cache.md §2.1, §6). */

const HASH = '[0-9abcdfghijklmnpqrsvwxyz]{32}';
const NAME = '[0-9A-Za-z+._?=-]';

export type ResourceKind =
  | 'nix-cache-info'
  | 'narinfo'
  | 'listing'
  | 'nar'
  | 'log'
  | 'realisation'
  | 'build-trace'
  | 'debuginfo';

/** One thing of a cache. Its key is its path in a `file://` cache: safe to join to a folder, as its grammar was checked. */
export interface Resource {
  readonly kind: ResourceKind;
  readonly key: string;
  /** Hash part of the store path that it describes; of `nar`, `realisation` and `debuginfo` the key does not tell. */
  readonly pathHash: string | null;
}

const GRAMMAR: readonly [kind: ResourceKind, pattern: RegExp][] = [
  ['narinfo', new RegExp(`^(${HASH})\\.narinfo$`)],
  // 52 characters have room for four bits more than a sha256: the first is 0 or 1.
  ['nar', /^nar\/[01][0-9abcdfghijklmnpqrsvwxyz]{51}\.nar(\.(zst|xz|bz2|gz|br|lz4|lzip))?$/],
  ['listing', new RegExp(`^(${HASH})\\.ls$`)],
  ['log', new RegExp(`^log/(${HASH})-${NAME}{1,207}\\.drv$`)],
  ['realisation', new RegExp(`^realisations/sha256:[0-9a-f]{64}!${NAME}+\\.doi$`)],
  ['build-trace', new RegExp(`^build-trace-v2/(${HASH})-${NAME}{1,207}\\.drv/${NAME}+\\.doi$`)],
  ['debuginfo', /^debuginfo\/[0-9a-f]{40}(\.debug)?$/],
  ['nix-cache-info', /^nix-cache-info$/],
];

/** `undefined` for what no cache has: a path without a slash in front, decoded once. */
export function parseResource(path: string): Resource | undefined {
  for (const [kind, pattern] of GRAMMAR) {
    const match = pattern.exec(path);
    if (match === null) continue;
    // Names may contain "..", but none of the patterns allows a whole segment of it with a slash around.
    if (path.split('/').includes('..')) return undefined;
    return { kind, key: path, pathHash: match[1] ?? null };
  }
  return undefined;
}
