/** Bytes that are read piece by piece: a file, a member of an archive, or an array. */

import { ParseError } from '../parse-error.ts';

/** Random access; `read` is synchronous, so that a parser is one plain function whatever lies behind. */
export interface ByteSource {
  readonly size: number;
  /** Exactly `length` bytes from `offset` on. Callers ask for no more than `size`: see `readRange`. */
  read(offset: number, length: number): Uint8Array;
}

/** The bytes of a range that a format names. @throws ParseError where the range leaves the source. */
export function readRange(source: ByteSource, format: string, offset: number, length: number): Uint8Array {
  if (!isInside(source, offset, length))
    throw new ParseError(
      format,
      `${length} bytes at ${offset}`,
      `a range of a file of ${source.size} bytes: it is cut off or damaged`,
    );
  return source.read(offset, length);
}

export function isInside(source: ByteSource, offset: number, length: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= source.size
  );
}

export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A part of a source as a source. @throws ParseError where it leaves the source. */
export function sliceSource(source: ByteSource, format: string, offset: number, length: number): ByteSource {
  readRange(source, format, offset, 0);
  if (!isInside(source, offset, length)) readRange(source, format, offset, length);
  return { size: length, read: (at, bytes) => source.read(offset + at, bytes) };
}
