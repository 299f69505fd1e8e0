/** What reading and writing NARs share: the tags, the padding and the limits (manual, "Nix Archive format"; `src/libutil/archive.cc`). */
import { ParseError } from '../parse-error.ts';

export const NAR_MAGIC = 'nix-archive-1';

/** Strings are padded with zeros to a multiple of this. */
const ALIGNMENT = 8;

export function paddingOf(size: number): number {
  return (ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT;
}

export interface NarLimits {
  /** Directories that may enclose an object; Nix from 2.28.7 refuses an object inside 64. */
  readonly depth: number;
  /** Bytes of an entry's name (`NAME_MAX`). */
  readonly nameBytes: number;
  /** Bytes of a symlink's target (`PATH_MAX` with its zero). */
  readonly targetBytes: number;
  /** Objects in the whole archive. */
  readonly objects: number;
  /** Bytes of the whole archive. */
  readonly narBytes: number;
}

/** Nix's own limits, and for the rest more than any package has: ten million objects, 1 TiB. */
export const NAR_LIMITS: NarLimits = {
  depth: 64,
  nameBytes: 255,
  targetBytes: 4095,
  objects: 10_000_000,
  narBytes: 2 ** 40,
};

/** Throws unless the bytes may name an entry: not empty, `.` or `..`, without `/` and NUL. They need not be UTF-8. */
export function checkEntryName(name: Buffer, limits: NarLimits): void {
  const text = name.toString('latin1');
  if (text === '' || text === '.' || text === '..' || /[/\0]/.test(text) || name.length > limits.nameBytes) {
    throw new ParseError(
      'NAR',
      name.toString(),
      `an entry name: 1 to ${limits.nameBytes} bytes, not . or .., without / and NUL`,
    );
  }
}

/** Throws unless the bytes may be a symlink's target. */
export function checkTarget(target: Buffer, limits: NarLimits): void {
  if (target.length === 0 || target.length > limits.targetBytes || target.includes(0)) {
    throw new ParseError(
      'NAR',
      target.toString(),
      `a symlink target: 1 to ${limits.targetBytes} bytes without NUL`,
    );
  }
}

/** Throws unless the entry's name comes after the one before it, by bytes. */
export function checkEntryOrder(previous: Buffer | null, name: Buffer): void {
  if (previous !== null && Buffer.compare(previous, name) >= 0) {
    throw new ParseError(
      'NAR',
      name.toString(),
      `after ${JSON.stringify(previous.toString())}, the entry before it`,
    );
  }
}

/** Throws when an object stands inside too many directories. */
export function checkDepth(depth: number, limits: NarLimits): void {
  if (depth >= limits.depth)
    throw new ParseError('NAR', depth, `a nesting of fewer than ${limits.depth} directories`);
}
