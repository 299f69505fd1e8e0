/**
 * Zstandard that can be read from the middle: independent frames, and behind them the table of the seekable format
 * (facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md) in a frame that decoders skip.
 */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { formatHash } from '../../domain/nix/hash.ts';
import { decompress } from './decompress.ts';

/** Uncompressed bytes of a frame: a reader decompresses at most so much for nothing, and frames cost 1.5 % of size. */
export const FRAME_BYTES = 2 * 1024 * 1024;
/** Frames compressed at once, in the pool of threads: each core has one, and one waits. */
const PARALLEL_FRAMES = availableParallelism() + 1;

const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const FOOTER_BYTES = 9;
const ENTRY_BYTES = 8;

const compressFrame = promisify(zstdCompress);
const decompressFrame = promisify(zstdDecompress);

export interface SeekableFile {
  /** `sha256:<nix32>` of the file. */
  readonly fileHash: string;
  readonly fileSize: number;
  /** Uncompressed bytes. */
  readonly size: number;
}

export interface CompressOptions {
  readonly source: AsyncIterable<Buffer>;
  readonly file: string;
  /** 1 to 19. */
  readonly level: number;
}

/** Writes the source compressed into a new file, synced to disk; on an error the file is the caller's to remove. */
export async function compressSeekable({ source, file, level }: CompressOptions): Promise<SeekableFile> {
  const handle = await open(file, 'wx');
  try {
    const writer = createFrameWriter(handle, level);
    for await (const block of blocksOf(source, FRAME_BYTES)) await writer.add(block);
    const written = await writer.end();
    await handle.datasync();
    return written;
  } finally {
    await handle.close();
  }
}

/** Frames are compressed side by side and written in order; at most `PARALLEL_FRAMES` are in memory. */
function createFrameWriter(handle: FileHandle, level: number) {
  const digest = createHash('sha256');
  const frames: [compressed: number, uncompressed: number][] = [];
  const waiting: { readonly frame: Promise<Buffer>; readonly size: number }[] = [];
  let fileSize = 0;
  let size = 0;

  const append = async (bytes: Buffer): Promise<void> => {
    digest.update(bytes);
    for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
    fileSize += bytes.length;
  };
  const writeFirst = async (): Promise<void> => {
    const first = waiting.shift();
    if (first === undefined) return;
    const frame = await first.frame;
    await append(frame);
    frames.push([frame.length, first.size]);
  };
  return {
    add: async (block: Buffer): Promise<void> => {
      const frame = compressFrame(block, compressionOf(block.length, level));
      // An error is met where its frame is written.
      frame.catch(() => {});
      waiting.push({ frame, size: block.length });
      size += block.length;
      if (waiting.length >= PARALLEL_FRAMES) await writeFirst();
    },
    end: async (): Promise<SeekableFile> => {
      while (waiting.length > 0) await writeFirst();
      await append(formatSeekTable(frames));
      return { fileHash: formatHash({ algorithm: 'sha256', bytes: digest.digest() }), fileSize, size };
    },
  };
}

function compressionOf(size: number, level: number) {
  return {
    // The worst case in one piece: a call into the library for each frame.
    chunkSize: Math.max(64, size + (size >> 8) + 128),
    pledgedSrcSize: size,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  };
}

/** Cuts a stream into blocks of one size; the last is what remains, and an empty stream is one empty block. */
async function* blocksOf(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let gathered = 0;
  let any = false;
  for await (let chunk of source) {
    while (gathered + chunk.length >= bytes) {
      pieces.push(chunk.subarray(0, bytes - gathered));
      chunk = chunk.subarray(bytes - gathered);
      yield pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes);
      any = true;
      pieces = [];
      gathered = 0;
    }
    if (chunk.length > 0) pieces.push(chunk);
    gathered += chunk.length;
  }
  if (gathered > 0 || !any) yield Buffer.concat(pieces, gathered);
}

function formatSeekTable(frames: readonly (readonly [number, number])[]): Buffer {
  const content = frames.length * ENTRY_BYTES + FOOTER_BYTES;
  const table = Buffer.alloc(8 + content);
  table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  table.writeUInt32LE(content, 4);
  frames.forEach(([compressed, uncompressed], index) => {
    table.writeUInt32LE(compressed, 8 + index * ENTRY_BYTES);
    table.writeUInt32LE(uncompressed, 12 + index * ENTRY_BYTES);
  });
  table.writeUInt32LE(frames.length, table.length - FOOTER_BYTES);
  table.writeUInt32LE(SEEKABLE_MAGIC, table.length - 4);
  return table;
}

/** Where a frame lies in the file and in the content, in bytes. */
export interface SeekFrame {
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The frames of a file; `undefined` where it has no table, or one that does not fit it. */
export async function readSeekTable(handle: FileHandle): Promise<readonly SeekFrame[] | undefined> {
  const { size } = await handle.stat();
  if (size < 8 + FOOTER_BYTES) return undefined;
  const footer = await readExactly(handle, size - FOOTER_BYTES, FOOTER_BYTES);
  if (footer.readUInt32LE(5) !== SEEKABLE_MAGIC || (footer[4] ?? 0) & 0x7c) return undefined;
  const count = footer.readUInt32LE(0);
  // Bit 7 of the descriptor: each entry carries a checksum, too.
  const entryBytes = (footer[4] ?? 0) & 0x80 ? ENTRY_BYTES + 4 : ENTRY_BYTES;
  const content = count * entryBytes + FOOTER_BYTES;
  if (content + 8 > size) return undefined;
  const table = await readExactly(handle, size - content - 8, content + 8);
  if (table.readUInt32LE(0) !== SKIPPABLE_MAGIC || table.readUInt32LE(4) !== content) return undefined;
  const frames: SeekFrame[] = [];
  let fileOffset = 0;
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const fileBytes = table.readUInt32LE(8 + index * entryBytes);
    const bytes = table.readUInt32LE(12 + index * entryBytes);
    frames.push({ fileOffset, fileBytes, offset, bytes });
    fileOffset += fileBytes;
    offset += bytes;
  }
  return fileOffset === size - content - 8 ? frames : undefined;
}

/**
 * Bytes `start` to `end` (exclusive) of the uncompressed content. A file without a table is decompressed from its beginning.
 * @throws Error where the content is shorter, or damaged.
 */
export async function* readSeekable(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    const frames = await readSeekTable(handle);
    if (frames === undefined) yield* readFromStart(handle, start, end);
    else yield* readFrames(handle, frames, start, end);
  } finally {
    await handle.close();
  }
}

async function* readFrames(
  handle: FileHandle,
  frames: readonly SeekFrame[],
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  const last = frames.at(-1);
  const size = last === undefined ? 0 : last.offset + last.bytes;
  if (end > size) throw new Error(`bytes ${start} to ${end} of a content of ${size}`);
  for (const frame of frames.slice(firstFrame(frames, start))) {
    if (frame.offset >= end) return;
    if (frame.offset + frame.bytes <= start) continue;
    const compressed = await readExactly(handle, frame.fileOffset, frame.fileBytes);
    const content = await decompressFrame(compressed, {
      chunkSize: Math.max(64, frame.bytes),
      maxOutputLength: Math.max(1, frame.bytes),
    });
    if (content.length !== frame.bytes)
      throw new Error(`a frame of ${content.length} bytes instead of ${frame.bytes}: the file is damaged`);
    yield content.subarray(Math.max(0, start - frame.offset), Math.min(frame.bytes, end - frame.offset));
  }
}

/** The last frame that begins at or before `start`, by halving. */
function firstFrame(frames: readonly SeekFrame[], start: number): number {
  let low = 0;
  let high = frames.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((frames[middle]?.offset ?? 0) <= start) low = middle;
    else high = middle;
  }
  return low;
}

async function* readFromStart(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  const file = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 });
  let at = 0;
  for await (const chunk of decompress('zstd', file, Number.MAX_SAFE_INTEGER)) {
    const from = Math.max(0, start - at);
    const to = Math.min(chunk.length, end - at);
    if (from < to) yield chunk.subarray(from, to);
    at += chunk.length;
    if (at >= end) return;
  }
  if (at < end) throw new Error(`bytes ${start} to ${end} of a content of ${at}`);
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await handle.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw new Error(`a file of ${position + at} bytes: it became shorter`);
    at += bytesRead;
  }
  return bytes;
}
