/** Integers of a block in a file's byte order and word size. */

import { ParseError } from '../parse-error.ts';

export interface Encoding {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
}

export interface Fields {
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  u64(at: number): number;
  /** A signed word of the file's size, such as a dynamic tag. */
  tag(at: number): number;
  /** An unsigned word of the file's size; beyond 2^53 it is rounded, which only a kernel's addresses are. */
  word(at: number): number;
}

/** @throws ParseError from each reader where the field leaves the block. */
export function fieldsOf(block: Uint8Array, format: string, { bits, littleEndian }: Encoding): Fields {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const checked = (at: number, bytes: number): number => {
    if (at < 0 || at + bytes > view.byteLength)
      throw new ParseError(
        format,
        `a field of ${bytes} bytes at ${at}`,
        `inside its block of ${view.byteLength} bytes`,
      );
    return at;
  };
  const u32 = (at: number): number => view.getUint32(checked(at, 4), littleEndian);
  const u64 = (at: number): number => Number(view.getBigUint64(checked(at, 8), littleEndian));
  return {
    u8: (at) => view.getUint8(checked(at, 1)),
    u16: (at) => view.getUint16(checked(at, 2), littleEndian),
    u32,
    u64,
    tag: (at) =>
      bits === 64
        ? Number(view.getBigInt64(checked(at, 8), littleEndian))
        : view.getInt32(checked(at, 4), littleEndian),
    word: (at) => (bits === 64 ? u64(at) : u32(at)),
  };
}

/** Reads zero-terminated texts of a table by their offset. */
export type TextReader = (at: number) => string;

/**
 * Texts of a string table. Linkers let names share their ends, so a table's names may be longer than the table; a file
 * made to let a thousand names share a megabyte is refused before it costs time.
 *
 * @throws ParseError from the reader where a text does not end within the table, or all of them together are too long.
 */
export function textsOf(table: Uint8Array, format: string): TextReader {
  const known = new Map<number, string>();
  let budget = SHARED_ENDS * table.length;
  return (at) => {
    const before = known.get(at);
    if (before !== undefined) return before;
    const end = at >= 0 && at < table.length ? table.indexOf(0, at) : -1;
    if (end < 0)
      throw new ParseError(
        format,
        `a name at ${at}`,
        `a text that ends within its table of ${table.length} bytes`,
      );
    budget -= end - at;
    if (budget < 0)
      throw new ParseError(format, `names of a table of ${table.length} bytes`, 'of sane length');
    const text = latin1.decode(table.subarray(at, end));
    known.set(at, text);
    return text;
  };
}

/** How much longer than the table its names may be together; measured: 1.3 at most in libraries of the CUDA toolkit. */
const SHARED_ENDS = 32;
/** Names are bytes: what is not ASCII must not be lost or refused. */
const latin1 = new TextDecoder('latin1');
