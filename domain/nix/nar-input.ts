/** The bytes of a NAR that are at hand while it is read, and the strings, sizes and padding taken from them. */
import { ParseError } from '../parse-error.ts';
import { paddingOf } from './nar-format.ts';

/** The bytes at hand; what takes from them returns null (or nothing) when they end too early, and then takes nothing. */
export interface NarInput {
  readonly feed: (bytes: Buffer) => void;
  readonly rest: () => Buffer;
  readonly offset: () => number;
  readonly takeString: (limit: number) => Buffer | null;
  readonly takeSize: () => number | null;
  readonly takeUpTo: (size: number) => Buffer;
  readonly takePadding: (size: number) => boolean;
}

export function createNarInput(): NarInput {
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let before = 0;

  const feed = (next: Buffer): void => {
    before += at;
    bytes = next;
    at = 0;
  };
  const offset = (): number => before + at;
  const sizeAt = (): number => {
    const size = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
    if (!Number.isSafeInteger(size))
      throw new ParseError('NAR', `${size} bytes`, `a size below 2^53 (at byte ${offset()})`);
    return size;
  };
  const checkZeros = (from: number, size: number): void => {
    for (let i = from; i < from + size; i++) {
      if (bytes[i] !== 0)
        throw new ParseError(
          'NAR',
          bytes.toString('hex', from, from + size),
          `zeros (padding after byte ${before + from})`,
        );
    }
  };

  const takeString = (limit: number): Buffer | null => {
    if (bytes.length - at < 8) return null;
    const size = sizeAt();
    if (size > limit)
      throw new ParseError('NAR', `${size} bytes`, `a string of at most ${limit} (at byte ${offset()})`);
    const end = at + 8 + size;
    const padding = paddingOf(size);
    if (bytes.length < end + padding) return null;
    checkZeros(end, padding);
    const text = bytes.subarray(at + 8, end);
    at = end + padding;
    return text;
  };
  const takeSize = (): number | null => {
    if (bytes.length - at < 8) return null;
    const size = sizeAt();
    at += 8;
    return size;
  };
  const takeUpTo = (size: number): Buffer => {
    const chunk = bytes.subarray(at, Math.min(bytes.length, at + size));
    at += chunk.length;
    return chunk;
  };
  const takePadding = (size: number): boolean => {
    if (bytes.length - at < size) return false;
    checkZeros(at, size);
    at += size;
    return true;
  };
  return { feed, rest: () => bytes.subarray(at), offset, takeString, takeSize, takeUpTo, takePadding };
}
