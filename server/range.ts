/** Ranges of a request (RFC 9110 §14.2). */

import rangeParser from 'range-parser';

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The ranges of `bytes=…` over `size` bytes, overlapping ones as one; none, to be answered with the whole, for what is no range. */
export function parseRanges(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | 'unsatisfiable' {
  if (header === undefined || hasReversed(header)) return [];
  const ranges = rangeParser(size, withinSize(header, size), { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.type !== 'bytes') return [];
  return ranges.map(({ start, end }) => ({ start, end: end + 1 }));
}

/** A range that ends before it begins is invalid, and with it the header; the parser calls it unsatisfiable. */
function hasReversed(header: string): boolean {
  return [...header.matchAll(/(\d+)-(\d+)/g)].some(([, first, last]) => Number(last) < Number(first));
}

/** A suffix longer than all there is means all of it; the parser calls it unsatisfiable. */
function withinSize(header: string, size: number): string {
  return header.replaceAll(
    /([=,]\s*-)(\d+)/g,
    (_all, before: string, bytes: string) => before + Math.min(Number(bytes), size),
  );
}

/** As `parseRanges`, for who sends no more than one: several are answered with the whole. */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const ranges = parseRanges(header, size);
  if (ranges === 'unsatisfiable') return ranges;
  return ranges.length === 1 ? ranges[0] : undefined;
}
