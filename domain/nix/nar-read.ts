/** Reads a NAR as its bytes arrive, in chunks cut anywhere, and tells a visitor what is in it. */
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
import type { NarLimits } from './nar-format.ts';
import { createNarInput } from './nar-input.ts';
import type { NarInput } from './nar-input.ts';

/** A regular file; `offset` is where its content begins, in bytes from the start of the NAR. */
export interface NarFile {
  readonly executable: boolean;
  readonly size: number;
  readonly offset: number;
}

/**
 * Called in the order of the archive; `name` is null for the root.
 * Names and targets are bytes, as Nix does not require UTF-8; they are the visitor's to keep.
 * A content chunk is a view of what was written: copy it to keep it.
 */
export interface NarVisitor {
  readonly directoryStart?: (name: Buffer | null) => void;
  readonly directoryEnd?: () => void;
  readonly file?: (name: Buffer | null, file: NarFile) => void;
  readonly content?: (chunk: Uint8Array) => void;
  readonly fileEnd?: () => void;
  readonly symlink?: (name: Buffer | null, target: Buffer) => void;
}

export interface NarReader {
  /** @throws ParseError as soon as the bytes cannot be a NAR; the reader is of no use afterwards. */
  readonly write: (chunk: Uint8Array) => void;
  /** The size of the NAR in bytes. @throws ParseError when the archive is not complete. */
  readonly end: () => number;
}

/** Longer than any tag; a longer string in a tag's place is refused before it is gathered. */
const TAG_BYTES = 32;

/** More than the longest string with its length and padding, so that one bridge always completes a cut string. */
const BRIDGE_BYTES = 8192;

export function createNarReader(visitor: NarVisitor, limits: Partial<NarLimits> = {}): NarReader {
  const input = createNarInput();
  const all = { ...NAR_LIMITS, ...limits };
  const grammar = readArchive({ input, visitor, limits: all, objects: 0 });
  let written = 0;
  let leftover: Buffer = Buffer.alloc(0);
  let complete = false;
  let failure: unknown = null;

  const run = (bytes: Buffer): void => {
    input.feed(bytes);
    complete ||= grammar.next().done === true;
    leftover = input.rest();
    if (complete && leftover.length > 0) {
      refuse(input, leftover.subarray(0, 64).toString(), 'nothing, as the archive is complete');
    }
  };

  const read = (chunk: Uint8Array): void => {
    written += chunk.length;
    if (written > all.narBytes)
      throw new ParseError('NAR', `${written} bytes`, `at most ${all.narBytes} bytes`);
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (leftover.length > 0) {
      // Only the string that the last chunk cut is joined; the rest is read where it lies.
      run(Buffer.concat([leftover, bytes.subarray(0, BRIDGE_BYTES)]));
      if (bytes.length <= BRIDGE_BYTES) return;
      bytes = bytes.subarray(BRIDGE_BYTES - leftover.length);
    }
    run(bytes);
    leftover = Buffer.from(leftover);
  };

  const write = (chunk: Uint8Array): void => {
    // A grammar that threw has ended, and would look complete.
    if (failure !== null) throw failure;
    try {
      read(chunk);
    } catch (error) {
      failure = error;
      throw error;
    }
  };

  const end = (): number => {
    if (failure !== null) throw failure;
    if (!complete) throw new ParseError('NAR', `${written} bytes`, 'a complete archive');
    return written;
  };

  return { write, end };
}

interface Reading {
  readonly input: NarInput;
  readonly visitor: NarVisitor;
  readonly limits: NarLimits;
  objects: number;
}

/** A step of the grammar: yields when it needs more bytes, returns what it read. */
type Step<T> = Generator<undefined, T, undefined>;

function* readArchive(reading: Reading): Step<void> {
  yield* expectTag(reading, NAR_MAGIC);
  yield* readObject(reading, null, 0);
}

function* readObject(reading: Reading, name: Buffer | null, depth: number): Step<void> {
  checkDepth(depth, reading.limits);
  if (++reading.objects > reading.limits.objects)
    refuse(reading.input, `${reading.objects} objects`, `at most ${reading.limits.objects}`);
  yield* expectTag(reading, '(');
  yield* expectTag(reading, 'type');
  const type = yield* readTag(reading);
  if (type === 'regular') yield* readFile(reading, name);
  else if (type === 'directory') yield* readDirectory(reading, name, depth);
  else if (type === 'symlink') yield* readSymlink(reading, name);
  else refuse(reading.input, type, 'regular, directory or symlink');
}

function* readFile(reading: Reading, name: Buffer | null): Step<void> {
  const { input, visitor } = reading;
  let tag = yield* readTag(reading);
  const executable = tag === 'executable';
  if (executable) {
    yield* expectTag(reading, '');
    tag = yield* readTag(reading);
  }
  if (tag !== 'contents') refuse(input, tag, 'the tag contents');
  let size = input.takeSize();
  while (size === null) {
    yield;
    size = input.takeSize();
  }
  if (input.offset() + size > reading.limits.narBytes)
    refuse(input, `${size} bytes`, `a file within ${reading.limits.narBytes} bytes of NAR`);
  visitor.file?.(name, { executable, size, offset: input.offset() });
  for (let left = size; left > 0;) {
    const chunk = input.takeUpTo(left);
    if (chunk.length === 0) yield;
    else visitor.content?.(chunk);
    left -= chunk.length;
  }
  while (!input.takePadding(paddingOf(size))) yield;
  visitor.fileEnd?.();
  yield* expectTag(reading, ')');
}

function* readDirectory(reading: Reading, name: Buffer | null, depth: number): Step<void> {
  reading.visitor.directoryStart?.(name);
  let previous: Buffer | null = null;
  for (;;) {
    const tag = yield* readTag(reading);
    if (tag === ')') break;
    if (tag !== 'entry') refuse(reading.input, tag, 'the tag entry, or ) at the end of a directory');
    yield* expectTag(reading, '(');
    yield* expectTag(reading, 'name');
    const entry: Buffer = Buffer.from(yield* readString(reading, reading.limits.nameBytes));
    checkEntryName(entry, reading.limits);
    checkEntryOrder(previous, entry);
    previous = entry;
    yield* expectTag(reading, 'node');
    yield* readObject(reading, entry, depth + 1);
    yield* expectTag(reading, ')');
  }
  reading.visitor.directoryEnd?.();
}

function* readSymlink(reading: Reading, name: Buffer | null): Step<void> {
  yield* expectTag(reading, 'target');
  const target = Buffer.from(yield* readString(reading, reading.limits.targetBytes));
  checkTarget(target, reading.limits);
  reading.visitor.symlink?.(name, target);
  yield* expectTag(reading, ')');
}

function* expectTag(reading: Reading, expected: string): Step<void> {
  const tag = yield* readTag(reading);
  if (tag !== expected) refuse(reading.input, tag, `the tag ${JSON.stringify(expected)}`);
}

function* readTag(reading: Reading): Step<string> {
  return (yield* readString(reading, TAG_BYTES)).toString('latin1');
}

/** A view of the input; the padding behind it is checked and taken too. */
function* readString({ input }: Reading, limit: number): Step<Buffer> {
  let text = input.takeString(limit);
  while (text === null) {
    yield;
    text = input.takeString(limit);
  }
  return text;
}

function refuse(input: NarInput, value: string, expected: string): never {
  throw new ParseError('NAR', value, `${expected} (before byte ${input.offset()})`);
}
