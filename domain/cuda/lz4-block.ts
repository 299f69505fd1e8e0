/** The LZ4 block format, as NVIDIA's tools compressed device code in CUDA 11 and 12 and still do in the mode `speed`. */

import { ParseError } from '../parse-error.ts';

const FORMAT = 'LZ4 block';
const SHORTEST_MATCH = 4;

/**
 * Unpacks one block without a frame; `size` is the unpacked length, which the container names.
 * Source: github.com/lz4/lz4, doc/lz4_Block_format.md.
 * @throws ParseError where the block refers to what is not there, or is not `size` bytes long.
 */
export function unpackLz4Block(block: Uint8Array, size: number): Uint8Array {
  // A byte of input yields at most 255 bytes: a size beyond that is a lie, and not allocated.
  if (!(size >= 0 && size <= block.length * 255))
    throw new ParseError(FORMAT, size, `a size that a block of ${block.length} bytes can unpack to`);
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    for (let sum = 15; ;) {
      const byte = block[from++];
      if (byte === undefined) throw damaged(from, 'a length that ends');
      sum += byte;
      if (byte !== 255) return sum;
    }
  };
  while (from < block.length) {
    const token = block[from++] ?? 0;
    const literals = length(token >> 4);
    if (from + literals > block.length || to + literals > size)
      throw damaged(from, `room for ${literals} literal bytes`);
    output.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from >= block.length) break;
    const distance = (block[from] ?? 0) | ((block[from + 1] ?? 0) << 8);
    from += 2;
    const match = length(token & 15) + SHORTEST_MATCH;
    if (distance === 0 || distance > to || to + match > size)
      throw damaged(from, `a match of ${match} bytes at distance ${distance}`);
    copyMatch(output, to, distance, match);
    to += match;
  }
  if (to !== size) throw new ParseError(FORMAT, to, `the size that the container names, ${size}`);
  return output;
}

/** A match may overlap what it writes, by which it repeats. */
function copyMatch(output: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length) output.copyWithin(to, to - distance, to - distance + length);
  else for (let index = 0; index < length; index++) output[to + index] = output[to + index - distance] ?? 0;
}

function damaged(at: number, expected: string): ParseError {
  return new ParseError(FORMAT, `byte ${at}`, `followed by ${expected}`);
}
