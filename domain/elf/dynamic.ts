/** What the loader reads of an ELF file: its dynamic section. Source: elf(5), ld.so(8), the gABI's "Dynamic Section". */

import { ParseError } from '../parse-error.ts';
import { isInside, readRange } from './byte-source.ts';
import { type ElfFile, locateAddress, SEGMENT_TYPE } from './elf.ts';
import { fieldsOf, type TextReader, textsOf } from './fields.ts';

export interface DynamicObject {
  readonly elf: ElfFile;
  /** Of programs: the loader's path. */
  readonly interpreter: string | undefined;
  readonly soname: string | undefined;
  readonly needed: readonly string[];
  /** As written, with `$ORIGIN`; empty where there is RUNPATH, which glibc lets win (elf/dl-load.c, decompose_rpath). */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
  /** `DF_1_NODEFLIB`: the default folders are not searched. */
  readonly noDefaultFolders: boolean;
  readonly tables: DynamicTables;
}

/** Tables as addresses, each 0 where there is none. */
export interface DynamicTables {
  readonly textAt: TextReader;
  readonly symbols: number;
  readonly hash: number;
  readonly versionSymbols: number;
  readonly versionNeeds: number;
  readonly versionNeedCount: number;
  readonly versionDefinitions: number;
  readonly versionDefinitionCount: number;
}

const FORMAT = 'ELF dynamic section';
const TAG = {
  null: 0,
  needed: 1,
  hash: 4,
  strings: 5,
  symbols: 6,
  stringsSize: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  versionSymbols: 0x6ffffff0,
  flags1: 0x6ffffffb,
  versionDefinitions: 0x6ffffffc,
  versionDefinitionCount: 0x6ffffffd,
  versionNeeds: 0x6ffffffe,
  versionNeedCount: 0x6fffffff,
} as const;
const NO_DEFAULT_LIBRARIES = 0x800;
const LONGEST_PATH = 4096;

/** @returns `undefined` for what has no dynamic section: static programs, object files, cubins. @throws ParseError */
export function parseDynamic(elf: ElfFile): DynamicObject | undefined {
  const segment = elf.segments.find((one) => one.type === SEGMENT_TYPE.dynamic);
  if (segment === undefined || segment.fileSize === 0) return undefined;
  const entries = readEntries(elf, segment.offset, segment.fileSize);
  const single = (tag: number): number => entries.find((entry) => entry.tag === tag)?.value ?? 0;
  const textAt = textsOf(stringTable(elf, single(TAG.strings), single(TAG.stringsSize)), FORMAT);
  const texts = (tag: number): string[] =>
    entries.filter((entry) => entry.tag === tag).map((entry) => textAt(entry.value));
  const runpath = texts(TAG.runpath)[0];
  return {
    elf,
    interpreter: interpreterOf(elf),
    soname: texts(TAG.soname)[0],
    needed: texts(TAG.needed),
    rpath: runpath === undefined ? splitPath(texts(TAG.rpath)[0]) : [],
    runpath: splitPath(runpath),
    noDefaultFolders: (single(TAG.flags1) & NO_DEFAULT_LIBRARIES) !== 0,
    tables: {
      textAt,
      symbols: single(TAG.symbols),
      hash: single(TAG.hash),
      versionSymbols: single(TAG.versionSymbols),
      versionNeeds: single(TAG.versionNeeds),
      versionNeedCount: single(TAG.versionNeedCount),
      versionDefinitions: single(TAG.versionDefinitions),
      versionDefinitionCount: single(TAG.versionDefinitionCount),
    },
  };
}

function readEntries(elf: ElfFile, offset: number, size: number): { tag: number; value: number }[] {
  const block = readRange(elf.source, FORMAT, offset, size);
  const fields = fieldsOf(block, FORMAT, elf);
  const word = elf.bits / 8;
  const entries = [];
  for (let at = 0; at + 2 * word <= block.length; at += 2 * word) {
    const tag = fields.tag(at);
    if (tag === TAG.null) break;
    entries.push({ tag, value: fields.word(at + word) });
  }
  return entries;
}

function stringTable(elf: ElfFile, address: number, size: number): Uint8Array {
  const place = locateAddress(elf, address);
  if (place === undefined || !isInside(elf.source, place.offset, size) || size > place.length) {
    if (address === 0 && size === 0) return new Uint8Array();
    throw new ParseError(FORMAT, `strings of ${size} bytes at address ${address}`, 'inside a loaded segment');
  }
  return elf.source.read(place.offset, size);
}

function interpreterOf(elf: ElfFile): string | undefined {
  const segment = elf.segments.find((one) => one.type === SEGMENT_TYPE.interpreter);
  if (segment === undefined) return undefined;
  if (segment.fileSize > LONGEST_PATH)
    throw new ParseError(FORMAT, segment.fileSize, `the length of a loader's path, up to ${LONGEST_PATH}`);
  return textsOf(readRange(elf.source, FORMAT, segment.offset, segment.fileSize), FORMAT)(0);
}

/** An empty element means the working directory (ld.so(8)); it stays, so that whoever reads it can complain. */
function splitPath(path: string | undefined): string[] {
  return path === undefined || path === '' ? [] : path.split(':');
}
