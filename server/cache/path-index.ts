/**
 * Which store paths there are, by their hash parts, in 21 bytes each: a miss is known without asking anybody.
 * Sorted words with a table of where each prefix begins, and an overlay for what changed since they were sorted.
 */

/** Of a hash part: 160 bits. */
const WORDS = 5;
const HASH_LENGTH = 32;
/** A prefix leads to its first entry: hashes are spread evenly, so that one or two share one. The table has 64 MiB at most. */
const LEAST_PREFIX_BITS = 10;
const MOST_PREFIX_BITS = 24;
/** The overlay takes some hundred bytes an entry: it is merged when it holds so many, and a sixteenth of the rest. */
const SMALLEST_MERGE = 4_096;
const MERGE_SHARE = 16;
/** Prefixes that are merged in one go: about a millisecond's work. */
const MERGE_STEP = 8_192;

/** Bits of views that show a path; 0 where it is there and no view shows it. */
export type ViewBits = number;

const GONE = -1;

export interface PathIndex {
  readonly size: number;
  /** `undefined` where there is no such path. `hash` is a hash part as `parseResource` lets it pass. */
  views(hash: string): ViewBits | undefined;
  /** Adds or changes one path; with `undefined` it is gone. */
  set(hash: string, views: ViewBits | undefined): void;
  /** Resolves when changes are merged, where that was begun. */
  merged(): Promise<void>;
}

export interface PathIndexBuilder {
  /** One path more; a hash must not come twice. @throws RangeError for what is no hash part. */
  add(hash: Uint8Array, offset: number, views: ViewBits): void;
  /** The index of all that was added; the builder is empty then. */
  build(): PathIndex;
}

/** Values of the letters of Nix's base32; 255 for all other bytes. Its letters ascend, so words sort as their text does. */
const LETTERS = Buffer.from('0123456789abcdfghijklmnpqrsvwxyz');
const VALUES = new Uint8Array(256).fill(255);
for (const [value, letter] of LETTERS.entries()) VALUES[letter] = value;

interface Sorted {
  readonly count: number;
  readonly words: Uint32Array;
  readonly views: Uint8Array;
  /** How far a first word is shifted to the right to give its prefix. */
  readonly shift: number;
  /** Where entries of a prefix begin; one more than there are prefixes, so that the next one tells the end. */
  readonly starts: Uint32Array;
}

export function createPathIndexBuilder(expected = 0): PathIndexBuilder {
  let words = new Uint32Array(Math.max(1, expected) * WORDS);
  let views = new Uint8Array(Math.max(1, expected));
  let count = 0;
  return {
    add: (hash, offset, bits) => {
      if (count === views.length) {
        words = grown(words, new Uint32Array(Math.ceil(count * 1.25 + 1) * WORDS));
        views = grown(views, new Uint8Array(Math.ceil(count * 1.25 + 1)));
      }
      readWords(hash, offset, words, count * WORDS);
      views[count] = bits;
      count++;
    },
    build: () => {
      const sorted = sortWords(words, views, count);
      words = new Uint32Array(WORDS);
      views = new Uint8Array(1);
      count = 0;
      return createIndex(sorted);
    },
  };
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Reads 32 letters as five words. @throws RangeError */
function readWords(text: Uint8Array, offset: number, target: Uint32Array, at: number): void {
  let word = 0;
  let free = 32;
  let index = at;
  for (let position = offset; position < offset + HASH_LENGTH; position++) {
    const value = VALUES[text[position] ?? 0] ?? 255;
    if (value === 255)
      throw new RangeError(
        `"${Buffer.from(text.subarray(offset, offset + HASH_LENGTH)).toString('latin1')}" is no hash part of a store path: 32 letters of Nix's base32`,
      );
    if (free > 5) {
      free -= 5;
      word |= value << free;
      continue;
    }
    target[index++] = word | (value >>> (5 - free));
    free += 27;
    word = free === 32 ? 0 : value << free;
  }
}

function shiftFor(count: number): number {
  const bits = Math.ceil(Math.log2(count + 1));
  return 32 - Math.min(MOST_PREFIX_BITS, Math.max(LEAST_PREFIX_BITS, bits));
}

/** Where each prefix begins, of entries in any order. */
function startsOf(words: Uint32Array, count: number, shift: number): Uint32Array {
  const prefixes = 2 ** (32 - shift);
  const starts = new Uint32Array(prefixes + 1);
  for (let entry = 0; entry < count; entry++) {
    const next = ((words[entry * WORDS] ?? 0) >>> shift) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let prefix = 0; prefix < prefixes; prefix++)
    starts[prefix + 1] = (starts[prefix + 1] ?? 0) + (starts[prefix] ?? 0);
  return starts;
}

/** A counting sort by prefix, then each prefix's few entries by insertion. */
function sortWords(words: Uint32Array, views: Uint8Array, count: number): Sorted {
  const shift = shiftFor(count);
  const starts = startsOf(words, count, shift);
  const ends = starts.slice(0, -1);
  const sorted: Sorted = {
    count,
    words: new Uint32Array(count * WORDS),
    views: new Uint8Array(count),
    shift,
    starts,
  };
  const one = new Uint32Array(WORDS);
  for (let entry = 0; entry < count; entry++) {
    for (let word = 0; word < WORDS; word++) one[word] = words[entry * WORDS + word] ?? 0;
    const prefix = (one[0] ?? 0) >>> shift;
    const end = ends[prefix] ?? 0;
    insert(sorted, starts[prefix] ?? 0, end, one, views[entry] ?? 0);
    ends[prefix] = end + 1;
  }
  return sorted;
}

/** Puts one entry in its place among those from `start` to `end`, which are sorted; there is room for it behind them. */
function insert(sorted: Sorted, start: number, end: number, one: Uint32Array, bits: ViewBits): void {
  let place = end;
  while (place > start && compare(sorted.words, place - 1, one) > 0) place--;
  if (place < end) {
    sorted.words.copyWithin((place + 1) * WORDS, place * WORDS, end * WORDS);
    sorted.views.copyWithin(place + 1, place, end);
  }
  for (let word = 0; word < WORDS; word++) sorted.words[place * WORDS + word] = one[word] ?? 0;
  sorted.views[place] = bits;
}

function compare(words: Uint32Array, entry: number, one: Uint32Array): number {
  for (let word = 0; word < WORDS; word++) {
    const difference = (words[entry * WORDS + word] ?? 0) - (one[word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Where the entry is, or where it would be as `-1 - place`. */
function locate({ words, shift, starts }: Sorted, one: Uint32Array): number {
  const prefix = (one[0] ?? 0) >>> shift;
  let low = starts[prefix] ?? 0;
  let high = (starts[prefix + 1] ?? 0) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compare(words, middle, one);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

function createIndex(first: Sorted): PathIndex {
  let sorted = first;
  let overlay = new Map<string, number>();
  /** What is being merged: it stays in front of `sorted` until that is done. */
  let frozen = new Map<string, number>();
  let merging: Promise<void> | undefined;
  let size = first.count;
  const letters = Buffer.alloc(HASH_LENGTH);
  const one = new Uint32Array(WORDS);

  function find(hash: string): ViewBits | undefined {
    const changed = (overlay.size > 0 ? overlay.get(hash) : undefined) ?? frozen.get(hash);
    if (changed !== undefined) return changed === GONE ? undefined : changed;
    letters.write(hash, 0, HASH_LENGTH, 'latin1');
    readWords(letters, 0, one, 0);
    const place = locate(sorted, one);
    return place < 0 ? undefined : sorted.views[place];
  }

  async function merge(): Promise<void> {
    frozen = overlay;
    overlay = new Map();
    try {
      sorted = await mergeInto(sorted, frozen);
    } finally {
      frozen = new Map();
      merging = undefined;
    }
  }

  return {
    get size() {
      return size;
    },
    views: find,
    set: (hash, bits) => {
      const before = find(hash);
      if (before === bits) return;
      if (before === undefined) size++;
      else if (bits === undefined) size--;
      overlay.set(hash, bits ?? GONE);
      if (merging === undefined && overlay.size > Math.max(SMALLEST_MERGE, sorted.count / MERGE_SHARE))
        merging = merge();
    },
    merged: () => merging ?? Promise.resolve(),
  };
}

/** A new one of both; others get their turn in between. */
async function mergeInto(base: Sorted, changes: ReadonlyMap<string, number>): Promise<Sorted> {
  const added = sortChanges(changes);
  const room = base.count + added.count;
  const words = new Uint32Array(room * WORDS);
  const views = new Uint8Array(room);
  const prefixes = base.starts.length - 1;
  let count = 0;
  for (let prefix = 0; prefix < prefixes; prefix++) {
    count = mergePrefix(base, added, prefix, { words, views, count });
    if (prefix % MERGE_STEP === MERGE_STEP - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const shift = shiftFor(count);
  return {
    count,
    words: words.subarray(0, count * WORDS),
    views: views.subarray(0, count),
    shift,
    starts: startsOf(words, count, shift),
  };
}

interface Changes {
  readonly count: number;
  /** Sorted; each entry's bits, or `GONE`. */
  readonly entries: readonly { readonly words: Uint32Array; readonly bits: number }[];
  next: number;
}

function sortChanges(changes: ReadonlyMap<string, number>): Changes {
  const entries = [...changes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([hash, bits]) => {
      const words = new Uint32Array(WORDS);
      readWords(Buffer.from(hash, 'latin1'), 0, words, 0);
      return { words, bits };
    });
  return { count: entries.length, entries, next: 0 };
}

/** Writes the entries of one prefix. Returns how many there are in all by then. */
function mergePrefix(
  base: Sorted,
  changes: Changes,
  prefix: number,
  target: { readonly words: Uint32Array; readonly views: Uint8Array; readonly count: number },
): number {
  let { count } = target;
  let from = base.starts[prefix] ?? 0;
  const end = base.starts[prefix + 1] ?? 0;
  const copyUntil = (until: number): void => {
    if (until > from) {
      target.words.set(base.words.subarray(from * WORDS, until * WORDS), count * WORDS);
      target.views.set(base.views.subarray(from, until), count);
      count += until - from;
    }
    from = until;
  };
  for (;;) {
    const change = changes.entries[changes.next];
    if (change === undefined || (change.words[0] ?? 0) >>> base.shift !== prefix) break;
    changes.next++;
    const place = locate(base, change.words);
    copyUntil(place < 0 ? -1 - place : place);
    if (place >= 0) from = place + 1;
    if (change.bits === GONE) continue;
    target.words.set(change.words, count * WORDS);
    target.views[count] = change.bits;
    count++;
  }
  copyUntil(end);
  return count;
}
