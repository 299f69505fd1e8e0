/** The words of Nix's wire protocols: 64-bit little-endian integers, and strings padded to eight bytes (src/libutil/serialise.hh). */

import type { Readable } from 'node:stream';

/** Integers, strings and lists of strings as bytes. */
export function wireBytes(...words: readonly (number | string | readonly string[])[]): Buffer {
  return Buffer.concat(words.flatMap(wordBytes));
}

function wordBytes(word: number | string | readonly string[]): Buffer[] {
  if (typeof word === 'number') return [integerBytes(word)];
  if (typeof word === 'string') {
    const bytes = Buffer.from(word);
    return [integerBytes(bytes.length), bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)];
  }
  return [integerBytes(word.length), ...word.flatMap(wordBytes)];
}

function integerBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export interface WireReader {
  integer(): Promise<number>;
  string(): Promise<string>;
  strings(): Promise<string[]>;
}

/** Longer than any path, hash or signature: a longer one means that the conversation is out of step. */
const MAX_STRING_BYTES = 1024 * 1024;

/** Reads words from a stream; `whyEnded` says why when it ends before they came. */
export function createWireReader(stream: Readable, whyEnded: () => string): WireReader {
  let chunks: Buffer[] = [];
  let available = 0;
  let ended = false;
  let wake = (): void => {};
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    available += chunk.length;
    wake();
  });
  for (const event of ['end', 'error', 'close'])
    stream.once(event, () => {
      ended = true;
      wake();
    });

  async function take(size: number): Promise<Buffer> {
    while (available < size) {
      if (ended) throw new Error(whyEnded());
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    chunks = all.length === size ? [] : [all.subarray(size)];
    available -= size;
    return all.subarray(0, size);
  }

  const reader: WireReader = {
    integer: async () => Number((await take(8)).readBigUInt64LE()),
    string: async () => {
      const size = await reader.integer();
      if (size > MAX_STRING_BYTES)
        throw new Error(`a string of ${size} bytes in Nix's answer: the conversation is out of step`);
      return (await take(size + ((8 - (size % 8)) % 8))).toString('utf8', 0, size);
    },
    strings: async () => {
      const strings: string[] = [];
      for (let left = await reader.integer(); left > 0; left--) strings.push(await reader.string());
      return strings;
    },
  };
  return reader;
}
