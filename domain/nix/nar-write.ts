/** Writes a NAR, byte for byte as `nix-store --dump`, from a tree whose files are read as they are reached. */
import { ParseError } from '../parse-error.ts';
import {
  NAR_LIMITS,
  NAR_MAGIC,
  checkDepth,
  checkEntryName,
  checkEntryOrder,
  checkTarget,
  paddingOf,
} from './nar-format.ts';

/** A tree to write; contents and entries are asked for when their turn comes. */
export type NarSource =
  | {
      readonly kind: 'regular';
      readonly executable: boolean;
      /** Bytes that `content` will give, exactly. */
      readonly size: number;
      /** All bytes from `from` on; that is 0 unless a part of the NAR is asked for. */
      readonly content: (from: number) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    }
  | { readonly kind: 'symlink'; readonly target: string | Uint8Array }
  | {
      readonly kind: 'directory';
      readonly entries: () => Promise<readonly NarEntry[]> | readonly NarEntry[];
    };

/** Entries may come in any order; texts are written as UTF-8, bytes as they are. */
export interface NarEntry {
  readonly name: string | Uint8Array;
  readonly source: NarSource;
}

/** Small pieces are gathered into blocks of this size; a larger piece of content passes as it is. */
const BLOCK_BYTES = 65_536;

/**
 * Yields the NAR's bytes.
 * @throws ParseError for a name or target that no NAR may hold.
 * @throws Error when a file gives another number of bytes than its size, as when it changes while it is read.
 */
export function writeNar(root: NarSource): AsyncGenerator<Uint8Array, void, void> {
  return writeNarFrom(root, 0);
}

/** As `writeNar`, from the byte `start` on: contents in front of it are not read. */
export async function* writeNarFrom(root: NarSource, start: number): AsyncGenerator<Uint8Array, void, void> {
  let position = 0;
  for await (const piece of writePieces(root, start)) {
    const from = position;
    position += sizeOf(piece);
    if (typeof piece === 'number' || position <= start) continue;
    yield from < start ? piece.subarray(start - from) : piece;
  }
}

/** Bytes, or the number of those that nobody wants. */
type Piece = Uint8Array | number;

const sizeOf = (piece: Piece): number => (typeof piece === 'number' ? piece : piece.length);

async function* writePieces(root: NarSource, start: number): AsyncGenerator<Piece, void, void> {
  const block = createBlock();
  block.add(formatString(NAR_MAGIC));
  const open: Iterator<PlacedEntry, undefined>[] = [];
  let source: NarSource | null = root;
  while (source !== null) {
    checkDepth(open.length, NAR_LIMITS);
    block.add(OPENINGS[source.kind]);
    if (source.kind === 'directory') {
      open.push(placeEntries(await source.entries()).values());
    } else {
      if (source.kind === 'symlink') block.add(formatTarget(source.target));
      else yield* writeFile(source, block, start);
      block.add(CLOSE);
      if (open.length > 0) block.add(CLOSE);
    }
    source = nextSource(open, block);
    if (block.size() >= BLOCK_BYTES) yield block.take();
  }
  yield block.take();
}

/** Steps to the next entry, closing the directories that have none left; null at the end of the tree. */
function nextSource(open: Iterator<PlacedEntry, undefined>[], block: Block): NarSource | null {
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const entry = directory.next().value;
    if (entry !== undefined) {
      block.add(ENTRY, formatString(entry.name), NODE);
      return entry.source;
    }
    open.pop();
    block.add(CLOSE);
    if (open.length > 0) block.add(CLOSE);
  }
  return null;
}

async function* writeFile(
  file: NarSource & { kind: 'regular' },
  block: Block,
  start: number,
): AsyncGenerator<Piece, void, void> {
  if (file.executable) block.add(EXECUTABLE);
  block.add(CONTENTS, formatSize(file.size));
  const skipped = Math.min(file.size, Math.max(0, start - block.offset()));
  if (skipped > 0) {
    yield block.take();
    yield block.pass(skipped);
  }
  // An empty file is opened all the same: one that has grown is noticed.
  if (skipped < file.size || file.size === 0) yield* writeContent(file, block, skipped);
  block.add(Buffer.alloc(paddingOf(file.size)));
}

async function* writeContent(
  file: NarSource & { kind: 'regular' },
  block: Block,
  from: number,
): AsyncGenerator<Piece, void, void> {
  let written = from;
  for await (const chunk of file.content(from)) {
    written += chunk.length;
    if (written > file.size) break;
    // Small content is copied into the block; content of a block's size goes out by itself, uncopied.
    if (chunk.length < BLOCK_BYTES) block.add(Buffer.from(chunk));
    else {
      if (block.size() > 0) yield block.take();
      block.pass(chunk.length);
      yield chunk;
    }
    if (block.size() >= BLOCK_BYTES) yield block.take();
  }
  if (written !== file.size)
    throw new Error(
      `a file of ${file.size} bytes gave ${written > file.size ? 'more' : written} while its NAR was written`,
    );
}

interface PlacedEntry {
  readonly name: Buffer;
  readonly source: NarSource;
}

function placeEntries(entries: readonly NarEntry[]): PlacedEntry[] {
  const placed = entries
    .map(({ name, source }) => ({ name: Buffer.from(name), source }))
    .toSorted((a, b) => Buffer.compare(a.name, b.name));
  placed.forEach(({ name }, i) => {
    checkEntryName(name, NAR_LIMITS);
    checkEntryOrder(placed[i - 1]?.name ?? null, name);
  });
  return placed;
}

interface Block {
  readonly add: (...pieces: Buffer[]) => void;
  readonly size: () => number;
  /** Bytes of the NAR up to the end of this block. */
  readonly offset: () => number;
  /** Counts bytes that do not go through the block, and returns their number. */
  readonly pass: (bytes: number) => number;
  readonly take: () => Buffer;
}

function createBlock(): Block {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let before = 0;
  const add = (...more: Buffer[]): void => {
    for (const piece of more) bytes += piece.length;
    pieces.push(...more);
  };
  const take = (): Buffer => {
    const block = Buffer.concat(pieces, bytes);
    before += bytes;
    pieces = [];
    bytes = 0;
    return block;
  };
  const pass = (passed: number): number => {
    before += passed;
    return passed;
  };
  return { add, size: () => bytes, offset: () => before + bytes, pass, take };
}

function formatSize(size: number): Buffer {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ParseError('NAR', size, 'a size in bytes below 2^53');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(size));
  return bytes;
}

function formatString(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([formatSize(bytes.length), bytes, Buffer.alloc(paddingOf(bytes.length))]);
}

function formatTarget(target: string | Uint8Array): Buffer {
  const bytes = Buffer.from(target);
  checkTarget(bytes, NAR_LIMITS);
  return formatString(bytes);
}

const formatTags = (...tags: string[]): Buffer => Buffer.concat(tags.map(formatString));

const OPENINGS: Record<NarSource['kind'], Buffer> = {
  regular: formatTags('(', 'type', 'regular'),
  symlink: formatTags('(', 'type', 'symlink', 'target'),
  directory: formatTags('(', 'type', 'directory'),
};
const CLOSE = formatTags(')');
const ENTRY = formatTags('entry', '(', 'name');
const NODE = formatTags('node');
const EXECUTABLE = formatTags('executable', '');
const CONTENTS = formatTags('contents');
