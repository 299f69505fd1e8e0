/** Zip archives, such as Python wheels: the list of members, and one member's bytes. Source: PKWARE's APPNOTE.TXT 6.3. */

import { inflateRawSync } from 'node:zlib';
import { type ByteSource, readRange } from './elf/byte-source.ts';
import { fieldsOf } from './elf/fields.ts';
import { ParseError } from './parse-error.ts';

export interface ZipMember {
  readonly name: string;
  readonly size: number;
  readonly packedSize: number;
  /** 0 stored, 8 deflated; others are listed and cannot be read. */
  readonly method: number;
  /** Of the member's own header. */
  readonly offset: number;
}

const FORMAT = 'zip archive';
const ENCODING = { bits: 64, littleEndian: true } as const;
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const ESCAPE = 0xffffffff;

export function isZip(source: ByteSource): boolean {
  return source.size >= END_BYTES && fieldsOf(source.read(0, 4), FORMAT, ENCODING).u32(0) === LOCAL;
}

/** Members in the order of the directory. @throws ParseError */
export function listZip(source: ByteSource): ZipMember[] {
  const directory = findDirectory(source);
  const block = readRange(source, FORMAT, directory.offset, directory.size);
  const fields = fieldsOf(block, FORMAT, ENCODING);
  const members: ZipMember[] = [];
  for (let at = 0; at < block.length;) {
    if (fields.u32(at) !== CENTRAL)
      throw new ParseError(FORMAT, fields.u32(at), `an entry of its directory at ${at}`);
    const [nameLength, extraLength] = [fields.u16(at + 28), fields.u16(at + 30)];
    const extraAt = at + 46 + nameLength;
    const next = extraAt + extraLength + fields.u16(at + 32);
    if (next > block.length) throw new ParseError(FORMAT, next, 'within its directory');
    const sizes = [fields.u32(at + 24), fields.u32(at + 20), fields.u32(at + 42)] as const;
    const [size, packedSize, offset] = widen(sizes, block.subarray(extraAt, extraAt + extraLength));
    members.push({
      name: new TextDecoder().decode(block.subarray(at + 46, extraAt)),
      method: fields.u16(at + 10),
      size,
      packedSize,
      offset,
    });
    at = next;
  }
  return members;
}

function findDirectory(source: ByteSource): { offset: number; size: number } {
  const length = Math.min(source.size, END_BYTES + LONGEST_COMMENT);
  const start = source.size - length;
  const tail = readRange(source, FORMAT, start, length);
  const fields = fieldsOf(tail, FORMAT, ENCODING);
  for (let at = length - END_BYTES; at >= 0; at--) {
    // A comment may hold the mark of an end: at the real one the comment ends with the file.
    if (fields.u32(at) !== END || fields.u16(at + 20) !== length - at - END_BYTES) continue;
    const [size, offset] = [fields.u32(at + 12), fields.u32(at + 16)];
    if (at < 20 || fields.u32(at - 20) !== ZIP64_LOCATOR) return { size, offset };
    const end = fieldsOf(readRange(source, FORMAT, fields.u64(at - 12), 56), FORMAT, ENCODING);
    if (end.u32(0) !== ZIP64_END) throw new ParseError(FORMAT, end.u32(0), 'the end of a large archive');
    return { size: end.u64(40), offset: end.u64(48) };
  }
  throw new ParseError(
    FORMAT,
    `${source.size} bytes`,
    'ended by a directory: it is cut off or no zip archive',
  );
}

/** Numbers that do not fit into 32 bits stand in the extra field 1, in this order. */
function widen(
  numbers: readonly [number, number, number],
  extra: Uint8Array,
): readonly [number, number, number] {
  if (!numbers.includes(ESCAPE)) return numbers;
  const fields = fieldsOf(extra, FORMAT, ENCODING);
  for (let at = 0; at + 4 <= extra.length; at += 4 + fields.u16(at + 2)) {
    if (fields.u16(at) !== 1) continue;
    let from = at + 4;
    const wide = (number: number): number => {
      if (number !== ESCAPE) return number;
      from += 8;
      return fields.u64(from - 8);
    };
    return [wide(numbers[0]), wide(numbers[1]), wide(numbers[2])];
  }
  return numbers;
}

/** A member's bytes, unpacked in memory. @throws ParseError where it is damaged, or packed in another way. */
export function readZipMember(
  source: ByteSource,
  { name, size, packedSize, method, offset }: ZipMember,
): Uint8Array {
  const header = fieldsOf(readRange(source, FORMAT, offset, 30), FORMAT, ENCODING);
  if (header.u32(0) !== LOCAL) throw new ParseError(FORMAT, header.u32(0), `the header of ${name}`);
  const start = offset + 30 + header.u16(26) + header.u16(28);
  const packed = readRange(source, FORMAT, start, packedSize);
  if (method === 0) return packed;
  if (method !== 8) throw new ParseError(FORMAT, method, `the packing of ${name}: 0 (none) or 8 (deflate)`);
  try {
    const unpacked = inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
    if (unpacked.length === size) return unpacked;
  } catch (error) {
    throw new ParseError(
      FORMAT,
      error instanceof Error ? error.message : String(error),
      `what is said of ${name}`,
    );
  }
  throw new ParseError(FORMAT, name, `a member of ${size} bytes`);
}
