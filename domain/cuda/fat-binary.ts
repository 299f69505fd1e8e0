/**
 * NVIDIA's fat binaries: containers of device code for several architectures, in `.nv_fatbin` and `__nv_relfatbin` of
 * programs and libraries, or as a file (`nvcc -fatbin`).
 *
 * NVIDIA does not document the format. This follows the public header `fatbinary_section.h`, github.com/n-eiling/
 * cuda-fatbin-decompression, and what `fatbinary` 11.8 to 13.5 write, field by field against `cuobjdump`; little-endian.
 *
 * Container: magic u32, version u16, header size u16, payload size u64; then entries, one after the other.
 * Entry: kind u16, version u16, header size u32, payload size u64, compressed size u32, options offset u32, minor u16,
 * major u16, architecture u32, name offset and length u32, flags u64, key u64, unpacked size u64.
 */

import { zstdDecompressSync } from 'node:zlib';
import { type Architecture, isArchitecture } from '../ci/architecture.ts';
import { type ByteSource, readRange } from '../elf/byte-source.ts';
import { type Fields, fieldsOf } from '../elf/fields.ts';
import { ParseError } from '../parse-error.ts';
import { unpackLz4Block } from './lz4-block.ts';

/** `ptx` is compiled by the driver when loaded; `lto-ir` only by a linker, so the driver alone does nothing with it. */
export type ImageKind = 'cubin' | 'ptx' | 'lto-ir' | 'unknown';
export type Compression = 'none' | 'lz4' | 'zstd';

export interface DeviceImage {
  readonly kind: ImageKind;
  /** What it was compiled for; of PTX, `sm_90` means `compute_90`. */
  readonly architecture: Architecture;
  /** PTX's instruction set version, such as `8.5`. */
  readonly ptxVersion: string | undefined;
  readonly compression: Compression;
  /** In the file. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly payload: Payload;
}

/** Where an image's bytes are: `part` says which of the unpacked bytes, where several images are packed as one. */
export interface Payload {
  readonly source: ByteSource;
  readonly offset: number;
  readonly bytes: number;
  readonly compression: Compression;
  readonly unpackedBytes: number;
  /** As LTO-IR is, by NVIDIA: only its tools read it. */
  readonly encrypted: boolean;
  readonly part?: { readonly offset: number; readonly bytes: number };
}

/** One container: the images of one module, of which the driver takes the best and loads it alone. */
export interface FatBinary {
  readonly offset: number;
  readonly images: readonly DeviceImage[];
}

const FORMAT = 'CUDA fat binary';
const MAGIC = 0xba55ed50;
const MAGIC_BYTES = Uint8Array.of(0x50, 0xed, 0x55, 0xba);
const CONTAINER_BYTES = 16;
const ENTRY_BYTES = 64;
const KINDS: Readonly<Record<number, ImageKind>> = { 1: 'ptx', 2: 'cubin', 8: 'lto-ir' };
/** `fatbinary --concat`: several images in one compressed payload, their headers behind the entry's own. */
const CONCATENATED = 0x100;
const FLAG = {
  lz4: 0x2000,
  zstd: 0x8000,
  architectureSpecific: 0x100000,
  familySpecific: 0x200000,
  encrypted: 0x10000,
} as const;
/** An options text may be long; a header beyond this is damage. */
const LONGEST_HEADER = 16 * 1024 * 1024;
const LARGEST_IMAGE = 2 ** 31;
const ENCODING = { bits: 64, littleEndian: true } as const;

export function isFatBinary(source: ByteSource): boolean {
  if (source.size < CONTAINER_BYTES) return false;
  const start = source.read(0, 4);
  return MAGIC_BYTES.every((byte, index) => start[index] === byte);
}

/**
 * All containers of a section or file, which may have padding between them; no payload is read.
 * @throws ParseError
 */
export function parseFatBinaries(source: ByteSource): FatBinary[] {
  const binaries: FatBinary[] = [];
  let at = 0;
  while (at + CONTAINER_BYTES <= source.size) {
    const header = fieldsOf(source.read(at, CONTAINER_BYTES), FORMAT, ENCODING);
    if (header.u32(0) !== MAGIC) {
      const next = findMagic(source, at + 4);
      if (next === undefined) break;
      at = next;
      continue;
    }
    const headerSize = header.u16(6);
    if (header.u16(4) !== 1 || headerSize < CONTAINER_BYTES)
      throw new ParseError(
        FORMAT,
        `version ${header.u16(4)} with a header of ${headerSize} bytes`,
        'version 1, with one of 16 bytes or more',
      );
    const end = at + headerSize + header.u64(8);
    if (end > source.size)
      throw new ParseError(
        FORMAT,
        `a container of ${header.u64(8)} bytes at ${at}`,
        `within its ${source.size} bytes`,
      );
    binaries.push({ offset: at, images: parseEntries(source, at + headerSize, end) });
    at = end;
  }
  return binaries;
}

/** Containers begin at multiples of four at least. */
export function findMagic(source: ByteSource, from: number): number | undefined {
  for (let at = from; at < source.size; at += SEARCH_BYTES) {
    const length = Math.min(SEARCH_BYTES + 3, source.size - at);
    const read = source.read(at, length);
    const block = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (let found = block.indexOf(MAGIC_BYTES); found >= 0; found = block.indexOf(MAGIC_BYTES, found + 1))
      if ((at + found) % 4 === 0) return at + found;
  }
  return undefined;
}

const SEARCH_BYTES = 1024 * 1024;

function parseEntries(source: ByteSource, start: number, end: number): DeviceImage[] {
  const images: DeviceImage[] = [];
  for (let at = start; at < end;) {
    const basics = fieldsOf(readRange(source, FORMAT, at, ENTRY_BYTES), FORMAT, ENCODING);
    const headerSize = basics.u32(4);
    const bytes = basics.u64(8);
    const next = at + headerSize + bytes;
    if (headerSize < ENTRY_BYTES || headerSize > LONGEST_HEADER || next > end)
      throw new ParseError(
        FORMAT,
        `an entry with a header of ${headerSize} and ${bytes} bytes at ${at}`,
        'within its container',
      );
    const payload = payloadOf(source, at + headerSize, basics);
    if (basics.u16(0) === CONCATENATED)
      images.push(...parseConcatenated(readRange(source, FORMAT, at, headerSize), payload));
    else images.push(imageOf(basics, payload));
    at = next;
  }
  return images;
}

function payloadOf(source: ByteSource, offset: number, header: Fields): Payload {
  const flags = header.u64(40);
  const bytes = header.u64(8);
  const compression = compressionOf(flags);
  const encrypted = (flags & FLAG.encrypted) !== 0;
  if (compression === 'none') return { source, offset, bytes, compression, encrypted, unpackedBytes: bytes };
  const compressed = header.u32(16);
  if (compressed > bytes)
    throw new ParseError(FORMAT, compressed, `a compressed size within its payload of ${bytes} bytes`);
  return { source, offset, bytes: compressed, compression, encrypted, unpackedBytes: header.u64(56) };
}

function compressionOf(flags: number): Compression {
  if ((flags & FLAG.zstd) !== 0) return 'zstd';
  return (flags & FLAG.lz4) === 0 ? 'none' : 'lz4';
}

/** Behind the entry's header: their number, the bytes that follow with these two, then a header for each image. */
function parseConcatenated(header: Uint8Array, payload: Payload): DeviceImage[] {
  const table = fieldsOf(header.subarray(ENTRY_BYTES), FORMAT, ENCODING);
  const count = table.u32(0);
  if (ENTRY_BYTES + 8 + count * ENTRY_BYTES > header.length)
    throw new ParseError(FORMAT, count, `a number of images that a header of ${header.length} bytes holds`);
  return Array.from({ length: count }, (_, index) => {
    const start = ENTRY_BYTES + 8 + index * ENTRY_BYTES;
    const entry = fieldsOf(header.subarray(start, start + ENTRY_BYTES), FORMAT, ENCODING);
    const part = { offset: entry.u32(4), bytes: entry.u64(8) };
    if (part.offset + part.bytes > payload.unpackedBytes)
      throw new ParseError(FORMAT, part, `within the ${payload.unpackedBytes} bytes of its payload`);
    return imageOf(entry, { ...payload, part });
  });
}

function imageOf(header: Fields, payload: Payload): DeviceImage {
  const kind = KINDS[header.u16(0)] ?? 'unknown';
  const flags = header.u64(40);
  const number = header.u32(28);
  const suffix =
    (flags & FLAG.architectureSpecific) !== 0 ? 'a' : (flags & FLAG.familySpecific) !== 0 ? 'f' : '';
  const architecture = `sm_${number}${suffix}`;
  if (!isArchitecture(architecture)) throw new ParseError(FORMAT, architecture, 'an architecture');
  return {
    kind,
    architecture,
    ptxVersion: kind === 'ptx' ? `${header.u16(26)}.${header.u16(24)}` : undefined,
    compression: payload.compression,
    bytes: payload.bytes,
    unpackedBytes: payload.part?.bytes ?? payload.unpackedBytes,
    payload,
  };
}

/** An image's bytes, unpacked: an ELF file, or PTX text. @throws ParseError where it is damaged. */
export function readImage({ payload }: DeviceImage): Uint8Array {
  const { source, offset, bytes, compression, encrypted, unpackedBytes, part } = payload;
  if (encrypted) throw new ParseError(FORMAT, 'an encrypted image', "readable by others than NVIDIA's tools");
  if (unpackedBytes > LARGEST_IMAGE)
    throw new ParseError(FORMAT, unpackedBytes, `the size of an image, up to ${LARGEST_IMAGE} bytes`);
  const packed = readRange(source, FORMAT, offset, bytes);
  const whole = unpack(packed, compression, unpackedBytes);
  return part === undefined ? whole : whole.subarray(part.offset, part.offset + part.bytes);
}

function unpack(packed: Uint8Array, compression: Compression, size: number): Uint8Array {
  switch (compression) {
    case 'none':
      return packed;
    case 'lz4':
      return unpackLz4Block(packed, size);
    case 'zstd':
      return unpackZstd(packed, size);
  }
}

function unpackZstd(packed: Uint8Array, size: number): Uint8Array {
  let unpacked: Buffer;
  try {
    unpacked = zstdDecompressSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new ParseError(
      FORMAT,
      error instanceof Error ? error.message : String(error),
      'what zstd says of a whole image',
    );
  }
  if (unpacked.length !== size)
    throw new ParseError(FORMAT, unpacked.length, `the unpacked size that the header names, ${size}`);
  return unpacked;
}
