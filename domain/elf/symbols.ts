/** Dynamic symbols and their versions. Source: elf(5); for versions, the LSB's "Symbol Versioning". */

import { ParseError } from '../parse-error.ts';
import { readRange } from './byte-source.ts';
import type { DynamicObject } from './dynamic.ts';
import { type ElfFile, locateAddress, readSectionBytes, SECTION_TYPE } from './elf.ts';
import { fieldsOf } from './fields.ts';

export interface DynamicSymbols {
  readonly defined: ReadonlySet<string>;
  /** Needed from elsewhere; without weak ones, which may stay absent. */
  readonly undefined: readonly string[];
}

const FORMAT = 'ELF symbols';
const WEAK = 2;
const LOCAL = 0;

/** @returns `undefined` where no table says how many symbols there are. @throws ParseError */
export function readDynamicSymbols({ elf, tables }: DynamicObject): DynamicSymbols | undefined {
  const block = symbolBlock(elf, tables.symbols, tables.hash);
  if (block === undefined) return undefined;
  const fields = fieldsOf(block, FORMAT, elf);
  const wide = elf.bits === 64;
  const entrySize = wide ? 24 : 16;
  const defined = new Set<string>();
  const missing: string[] = [];
  // The first symbol is the null symbol.
  for (let at = entrySize; at + entrySize <= block.length; at += entrySize) {
    const name = tables.textAt(fields.u32(at));
    const binding = fields.u8(at + (wide ? 4 : 12)) >> 4;
    const section = fields.u16(at + (wide ? 6 : 14));
    if (name === '' || binding === LOCAL) continue;
    if (section !== 0) defined.add(name);
    else if (binding !== WEAK) missing.push(name);
  }
  return { defined, undefined: missing };
}

function symbolBlock(elf: ElfFile, address: number, hash: number): Uint8Array | undefined {
  const section = elf.sections.find((one) => one.type === SECTION_TYPE.dynamicSymbols);
  if (section !== undefined) return readSectionBytes(elf, section);
  const count = countByHash(elf, hash);
  const place = locateAddress(elf, address);
  if (count === undefined || place === undefined) return undefined;
  const size = count * (elf.bits === 64 ? 24 : 16);
  if (size > place.length)
    throw new ParseError(FORMAT, count, `a number of symbols that fits into ${place.length} bytes`);
  return readRange(elf.source, FORMAT, place.offset, size);
}

/** The old hash table's number of chains is the number of symbols. */
function countByHash(elf: ElfFile, address: number): number | undefined {
  const place = address === 0 ? undefined : locateAddress(elf, address);
  if (place === undefined || place.length < 8) return undefined;
  return fieldsOf(readRange(elf.source, FORMAT, place.offset, 8), FORMAT, elf).u32(4);
}

export interface VersionNeed {
  /** The library that must define them, as in NEEDED. */
  readonly library: string;
  readonly versions: readonly { readonly name: string; readonly weak: boolean }[];
}

/** @throws ParseError */
export function readVersionNeeds({ elf, tables }: DynamicObject): VersionNeed[] {
  const block = blockAt(elf, tables.versionNeeds);
  if (block === undefined) return [];
  const fields = fieldsOf(block, FORMAT, elf);
  const needs: VersionNeed[] = [];
  let budget = MOST_VERSIONS;
  for (let at = 0, index = 0; index < tables.versionNeedCount; index++) {
    const versions = [];
    for (let aux = at + fields.u32(at + 8), left = fields.u16(at + 2); left > 0; left--) {
      if (--budget < 0) throw new ParseError(FORMAT, 'version needs', `at most ${MOST_VERSIONS}`);
      versions.push({
        name: tables.textAt(fields.u32(aux + 8)),
        weak: (fields.u16(aux + 4) & WEAK_VERSION) !== 0,
      });
      const next = fields.u32(aux + 12);
      if (next === 0) break;
      aux += next;
    }
    if (--budget < 0) throw new ParseError(FORMAT, 'version needs', `at most ${MOST_VERSIONS}`);
    needs.push({ library: tables.textAt(fields.u32(at + 4)), versions });
    const next = fields.u32(at + 12);
    if (next === 0) break;
    at += next;
  }
  return needs;
}

/** The versions that a library defines; empty for one without versions. @throws ParseError */
export function readVersionDefinitions({ elf, tables }: DynamicObject): ReadonlySet<string> {
  const defined = new Set<string>();
  const block = blockAt(elf, tables.versionDefinitions);
  if (block === undefined) return defined;
  const fields = fieldsOf(block, FORMAT, elf);
  const limit = Math.min(tables.versionDefinitionCount, MOST_VERSIONS);
  for (let at = 0, index = 0; index < limit; index++) {
    defined.add(tables.textAt(fields.u32(at + fields.u32(at + 12))));
    const next = fields.u32(at + 16);
    if (next === 0) break;
    at += next;
  }
  return defined;
}

const WEAK_VERSION = 2;
/** glibc defines some 150; entries may overlap in a damaged table, so this bounds the work on it. */
const MOST_VERSIONS = 65_536;

function blockAt(elf: ElfFile, address: number): Uint8Array | undefined {
  const place = address === 0 ? undefined : locateAddress(elf, address);
  return place === undefined
    ? undefined
    : readRange(elf.source, FORMAT, place.offset, Math.min(place.length, MOST_VERSION_BYTES));
}

const MOST_VERSION_BYTES = 4 * 1024 * 1024;
