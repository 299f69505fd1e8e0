/**
 * ELF files: header, section and segment tables.
 *
 * Source: elf(5) and the System V ABI, "Object Files". Whatever the tables name is checked against the file's size when
 * it is read, never trusted; every list is as long as the table that is really there.
 */

import { ParseError } from '../parse-error.ts';
import { type ByteSource, isInside, readRange } from './byte-source.ts';
import { type Encoding, fieldsOf, textsOf } from './fields.ts';

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

export interface ElfFile extends Encoding {
  readonly source: ByteSource;
  readonly type: number;
  readonly machine: number;
  readonly osAbi: number;
  readonly abiVersion: number;
  /** `e_flags`, which each machine defines. */
  readonly flags: number;
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
}

export const ELF_TYPE = { relocatable: 1, executable: 2, shared: 3 } as const;
export const SECTION_TYPE = { null: 0, program: 1, strings: 3, noBits: 8, dynamicSymbols: 11 } as const;
export const SEGMENT_TYPE = { load: 1, dynamic: 2, interpreter: 3 } as const;

const FORMAT = 'ELF file';
const MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;
/** Programs built with one section a function have some 100,000. */
const MOST_SECTIONS = 4_000_000;

export function isElf(source: ByteSource): boolean {
  if (source.size < 16) return false;
  const start = source.read(0, 4);
  return MAGIC.every((byte, index) => start[index] === byte);
}

/** @throws ParseError where the file is not ELF, or its tables lie outside of it. */
export function parseElf(source: ByteSource): ElfFile {
  const ident = readRange(source, FORMAT, 0, 16);
  if (!MAGIC.every((byte, index) => ident[index] === byte))
    throw new ParseError(FORMAT, [...ident.subarray(0, 4)], 'the magic number of an ELF file [127,69,76,70]');
  const [wordClass = 0, order = 0] = [ident[4], ident[5]];
  if (wordClass !== 1 && wordClass !== 2)
    throw new ParseError(FORMAT, wordClass, 'a word class: 1 (32 bits) or 2 (64 bits)');
  if (order !== 1 && order !== 2)
    throw new ParseError(FORMAT, order, 'a byte order: 1 (little-endian) or 2 (big-endian)');
  const encoding: Encoding = { bits: wordClass === 2 ? 64 : 32, littleEndian: order === 1 };
  const wide = encoding.bits === 64;
  const header = fieldsOf(readRange(source, FORMAT, 0, wide ? 64 : 52), FORMAT, encoding);
  // From the word-sized fields on, the two classes differ: entry, phoff, shoff, then fixed sizes again.
  const after = wide ? 48 : 36;
  const basics = {
    ...encoding,
    source,
    type: header.u16(16),
    machine: header.u16(18),
    osAbi: ident[7] ?? 0,
    abiVersion: ident[8] ?? 0,
    flags: header.u32(after),
  };
  return {
    ...basics,
    segments: readSegments(source, encoding, {
      offset: header.word(wide ? 32 : 28),
      entrySize: header.u16(after + 6),
      count: header.u16(after + 8),
    }),
    sections: readSections(source, encoding, {
      offset: header.word(wide ? 40 : 32),
      entrySize: header.u16(after + 10),
      count: header.u16(after + 12),
      names: header.u16(after + 14),
    }),
  };
}

interface Table {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
}

function readSegments(source: ByteSource, encoding: Encoding, table: Table): ElfSegment[] {
  if (table.count === 0 || table.offset === 0) return [];
  const wide = encoding.bits === 64;
  checkEntrySize('program header', table.entrySize, wide ? 56 : 32);
  const all = fieldsOf(
    readRange(source, FORMAT, table.offset, table.count * table.entrySize),
    FORMAT,
    encoding,
  );
  return Array.from({ length: table.count }, (_, index) => {
    const at = index * table.entrySize;
    return {
      type: all.u32(at),
      offset: all.word(at + (wide ? 8 : 4)),
      address: all.word(at + (wide ? 16 : 8)),
      fileSize: all.word(at + (wide ? 32 : 16)),
    };
  });
}

function readSections(
  source: ByteSource,
  encoding: Encoding,
  table: Table & { readonly names: number },
): ElfSection[] {
  if (table.offset === 0) return [];
  checkEntrySize('section header', table.entrySize, encoding.bits === 64 ? 64 : 40);
  const first = readRange(source, FORMAT, table.offset, table.entrySize);
  const zeroth = readSection(first, 0, encoding);
  // More than 65,279 sections: the numbers stand in the first header instead (elf(5), e_shnum and e_shstrndx).
  const count = table.count === 0 ? zeroth.size : table.count;
  const namesIndex = table.names === 0xffff ? zeroth.link : table.names;
  if (count > MOST_SECTIONS)
    throw new ParseError(FORMAT, count, `a number of sections up to ${MOST_SECTIONS}`);
  const block = readRange(source, FORMAT, table.offset, count * table.entrySize);
  const raw = Array.from({ length: count }, (_, index) =>
    readSection(block, index * table.entrySize, encoding),
  );
  const names = raw[namesIndex];
  const texts =
    names === undefined || names.type === SECTION_TYPE.noBits
      ? new Uint8Array()
      : readRange(source, FORMAT, names.offset, names.size);
  const nameAt = textsOf(texts, FORMAT);
  return raw.map(({ nameOffset, ...section }) => ({
    ...section,
    name: texts.length === 0 ? '' : nameAt(nameOffset),
  }));
}

function readSection(
  block: Uint8Array,
  at: number,
  encoding: Encoding,
): Omit<ElfSection, 'name'> & { nameOffset: number } {
  const fields = fieldsOf(block, FORMAT, encoding);
  const wide = encoding.bits === 64;
  return {
    nameOffset: fields.u32(at),
    type: fields.u32(at + 4),
    flags: fields.word(at + 8),
    address: fields.word(at + (wide ? 16 : 12)),
    offset: fields.word(at + (wide ? 24 : 16)),
    size: fields.word(at + (wide ? 32 : 20)),
    link: fields.u32(at + (wide ? 40 : 24)),
    info: fields.u32(at + (wide ? 44 : 28)),
    entrySize: fields.word(at + (wide ? 56 : 36)),
  };
}

function checkEntrySize(what: string, size: number, least: number): void {
  if (size < least || size > 4096)
    throw new ParseError(FORMAT, size, `the size of a ${what}: ${least} bytes or a little more`);
}

/** A section's bytes; empty for one that holds none in the file. @throws ParseError where it leaves the file. */
export function readSectionBytes(elf: ElfFile, section: ElfSection): Uint8Array {
  if (section.type === SECTION_TYPE.noBits || section.type === SECTION_TYPE.null) return new Uint8Array();
  return readRange(elf.source, FORMAT, section.offset, section.size);
}

/**
 * Where an address of the running program lies in the file, and how many bytes follow it there; as the loader finds it,
 * by segments. `undefined` where no segment of the file holds it.
 */
export function locateAddress(
  elf: ElfFile,
  address: number,
): { readonly offset: number; readonly length: number } | undefined {
  for (const segment of elf.segments) {
    if (segment.type !== SEGMENT_TYPE.load) continue;
    const inside = address - segment.address;
    if (inside < 0 || inside >= segment.fileSize) continue;
    const offset = segment.offset + inside;
    const length = segment.fileSize - inside;
    return isInside(elf.source, offset, length) ? { offset, length } : undefined;
  }
  return undefined;
}
