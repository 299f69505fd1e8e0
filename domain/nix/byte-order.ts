/** The order in which Nix sorts everything: by the bytes of the UTF-8 text, which is not JavaScript's order. */

/** Orders texts by their UTF-8 bytes; for `sort` and for checking that an input is sorted. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

export function sortBytes<Text extends string>(texts: Iterable<Text>): Text[] {
  return [...texts].toSorted(compareBytes);
}

/** A map's entries, sorted by key. */
export function sortEntries<Key extends string, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] {
  return [...map].toSorted(([a], [b]) => compareBytes(a, b));
}

/** UTF-16 puts surrogates (code points from U+10000) below U+E000–U+FFFF; UTF-8 puts them above. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
