/** The frames of a Zstandard stream (RFC 8878 §3.1), found before anything is decompressed. Node's decoder stops behind the first. */

import { ParseError } from '../../domain/parse-error.ts';
import type { ByteReader } from './byte-reader.ts';

/** A decoder may need a window of so many bytes: 128 MiB, zstd's own limit without `--long=31`. */
const WINDOW_LOG_MAX = 27;
/** Skippable frames of a stream, together: a seek table of a terabyte takes less. */
const SKIPPABLE_BYTES = 16 * 1024 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
const BLOCK_BYTES = 128 * 1024;

export interface FrameLimits {
  /** Frames with content: each costs a decoder. */
  readonly frames: number;
}

/**
 * Yields each frame as an iterable of its bytes, to be read to its end before the next is asked for.
 * @throws ParseError for what is no frame (bytes behind the last one, too), or one that wants too large a window.
 */
export async function* zstdFrames(
  reader: ByteReader,
  limits: FrameLimits,
): AsyncGenerator<AsyncIterable<Buffer>> {
  let skipped = 0;
  let frames = 0;
  while (!(await reader.atEnd())) {
    const magic = await reader.take(4);
    const number = magic.readUInt32LE(0);
    if (number >>> 4 === 0x0184d2a5) {
      const size = (await reader.take(4)).readUInt32LE(0);
      skipped += size + 8;
      if (skipped > SKIPPABLE_BYTES)
        throw refuse(`${skipped} bytes to skip`, `at most ${SKIPPABLE_BYTES} bytes of skippable frames`);
      for await (const piece of reader.pieces(size)) void piece;
      continue;
    }
    if (number !== FRAME_MAGIC)
      throw refuse(magic.toString('hex'), frames === 0 ? 'a frame of zstd' : 'nothing behind its frames');
    if (++frames > limits.frames) throw refuse(`${frames} frames`, `at most ${limits.frames}`);
    yield readFrame(reader, magic);
  }
  if (frames === 0) throw refuse('no frame', 'at least one frame of zstd');
}

async function* readFrame(reader: ByteReader, magic: Buffer): AsyncGenerator<Buffer> {
  const { header, hasChecksum } = await readHeader(reader);
  yield Buffer.concat([magic, header]);
  for (let last = false; !last;) {
    const block = await reader.take(3);
    const value = block.readUIntLE(0, 3);
    last = (value & 1) === 1;
    const type = (value >> 1) & 3;
    const size = value >> 3;
    if (type === 3 || size > BLOCK_BYTES)
      throw refuse(
        `a block of type ${type} and ${size} bytes`,
        `blocks of types 0 to 2, up to ${BLOCK_BYTES}`,
      );
    yield block;
    // A block of one byte that repeats says how often.
    yield* reader.pieces(type === 1 ? 1 : size);
  }
  if (hasChecksum) yield await reader.take(4);
}

async function readHeader(reader: ByteReader): Promise<{ header: Buffer; hasChecksum: boolean }> {
  const descriptor = await reader.take(1);
  const flags = descriptor[0] ?? 0;
  const singleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeFlag = flags >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const rest = await reader.take((singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
  if ((flags & 8) !== 0) throw refuse(`descriptor ${flags}`, 'a frame without the reserved bit');
  const dictionary = rest.subarray(singleSegment ? 0 : 1, (singleSegment ? 0 : 1) + dictionaryBytes);
  if (dictionary.some((byte) => byte !== 0)) throw refuse(dictionary.toString('hex'), 'no dictionary');
  const window = singleSegment
    ? readContentSize(rest.subarray(rest.length - sizeBytes))
    : windowOf(rest[0] ?? 0);
  if (window > 2 ** WINDOW_LOG_MAX)
    throw refuse(`a window of ${window} bytes`, `at most 2^${WINDOW_LOG_MAX}`);
  return { header: Buffer.concat([descriptor, rest]), hasChecksum: (flags & 4) !== 0 };
}

function windowOf(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

/** A frame in one segment needs a window of its whole content. */
function readContentSize(bytes: Buffer): number {
  switch (bytes.length) {
    case 1:
      return bytes[0] ?? 0;
    case 2:
      return bytes.readUInt16LE(0) + 256;
    case 4:
      return bytes.readUInt32LE(0);
    default:
      return bytes.readUInt32LE(0) + bytes.readUInt32LE(4) * 2 ** 32;
  }
}

function refuse(value: string, expected: string): ParseError {
  return new ParseError('zstd content', value, expected);
}
