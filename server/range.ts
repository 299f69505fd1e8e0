/** `Range` of a request (RFC 9110 §14.2). */

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** One range of `bytes=…` over `size` bytes; `undefined`, to be answered with the whole, for none and for what is no single valid one. */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : 'unsatisfiable';
}
