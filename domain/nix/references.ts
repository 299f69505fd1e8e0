/** Finds which store paths a stream of bytes refers to, by their hash parts (`RefScanSink`, `src/libstore/references.cc`). */
import { ParseError } from '../parse-error.ts';
import { NIX32_ALPHABET } from './base32.ts';

export interface ReferenceScanner {
  /** Takes the next bytes of the stream, cut anywhere; the chunk is not kept. */
  readonly write: (chunk: Uint8Array) => void;
  /** The hash parts met so far. */
  readonly found: ReadonlySet<string>;
}

const HASH_LENGTH = 32;

/** Each byte's nix32 digit, or -1. */
const DIGITS = Int8Array.from({ length: 256 }, (_, byte) =>
  NIX32_ALPHABET.indexOf(String.fromCharCode(byte)),
);

/**
 * Scans for the 32-character hash parts given.
 * A window of 32 bytes is read from its end: a byte outside the alphabet there rules out every window that holds it, so
 * that most of a binary is skipped 32 bytes at a time.
 */
export function createReferenceScanner(hashParts: Iterable<string>): ReferenceScanner {
  const wanted = new Set(hashParts);
  const found = new Set<string>();
  const prefixes = new Uint8Array(32 ** 3);
  for (const hashPart of wanted) prefixes[prefixOf(checkHashPart(hashPart), 0)] = 1;
  let tail = Buffer.alloc(0);

  const search = (bytes: Buffer): void => {
    const last = bytes.length - HASH_LENGTH;
    let start = 0;
    while (start <= last) {
      const other = lastOther(bytes, start, start + HASH_LENGTH);
      if (other >= start) {
        start = other + 1;
        continue;
      }
      // Within a run of the alphabet, each further window needs only its last byte looked at.
      do {
        if (prefixes[prefixOf(bytes, start)] === 1) {
          const candidate = bytes.toString('latin1', start, start + HASH_LENGTH);
          if (wanted.delete(candidate)) found.add(candidate);
        }
        start += 1;
      } while (start <= last && DIGITS[bytes[start + HASH_LENGTH - 1]!]! >= 0);
      start += HASH_LENGTH;
    }
  };

  const write = (chunk: Uint8Array): void => {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const bridge = Buffer.concat([tail, bytes.subarray(0, HASH_LENGTH - 1)]);
    search(bridge);
    search(bytes);
    // A hash part may begin in the last 31 bytes and end in the next chunk.
    tail = Buffer.from((bytes.length < HASH_LENGTH - 1 ? bridge : bytes).subarray(-(HASH_LENGTH - 1)));
  };

  return { write, found };
}

/** The position of the last byte outside the alphabet in a range, or below the range. */
function lastOther(bytes: Buffer, from: number, to: number): number {
  let at = to - 1;
  while (at >= from && DIGITS[bytes[at]!]! >= 0) at -= 1;
  return at;
}

/** Three digits as one number, by which nearly all windows are ruled out without making a string. */
function prefixOf(bytes: Buffer, at: number): number {
  return (DIGITS[bytes[at]!]! << 10) | (DIGITS[bytes[at + 1]!]! << 5) | DIGITS[bytes[at + 2]!]!;
}

function checkHashPart(hashPart: string): Buffer {
  const bytes = Buffer.from(hashPart);
  if (bytes.length !== HASH_LENGTH || lastOther(bytes, 0, HASH_LENGTH) >= 0) {
    throw new ParseError('hash part', hashPart, `${HASH_LENGTH} characters of nix32`);
  }
  return bytes;
}
