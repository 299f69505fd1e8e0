/** Takes bytes off a stream by number. */

import { ParseError } from '../../domain/parse-error.ts';

export interface ByteReader {
  /** Exactly so many bytes. @throws ParseError where the stream ends before. */
  take(bytes: number): Promise<Buffer>;
  /** As `take`, in the pieces that come. */
  pieces(bytes: number): AsyncGenerator<Buffer>;
  atEnd(): Promise<boolean>;
}

/** `format` is what the bytes are, for messages. */
export function createByteReader(source: AsyncIterable<Buffer>, format: string): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let taken = 0;

  const atEnd = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return true;
      rest = next.value;
    }
    return false;
  };
  async function* pieces(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      if (await atEnd())
        throw new ParseError(format, `${taken} bytes`, `not cut off: ${left} bytes are missing`);
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      taken += piece.length;
      yield piece;
    }
  }
  return {
    atEnd,
    pieces,
    take: async (bytes) => {
      if (rest.length >= bytes) {
        const piece = rest.subarray(0, bytes);
        rest = rest.subarray(bytes);
        taken += bytes;
        return piece;
      }
      return Buffer.concat(await Array.fromAsync(pieces(bytes)));
    },
  };
}
