/** Nix's base 32: the spelling of hashes in store paths, narinfo files and fingerprints (`src/libutil/base-nix-32.cc`). */
import { ParseError } from '../parse-error.ts';

/** Digits and lower-case letters without e, o, u and t. */
export const NIX32_ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

const DIGITS = new Map(Array.from(NIX32_ALPHABET, (character, digit) => [character, digit]));

/** Characters that `byteLength` bytes take: five bits each. */
export function nix32Length(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5);
}

/** Encodes bytes; the first character holds the most significant five bits, counted from the end of the array. */
export function encodeNix32(bytes: Uint8Array): string {
  let text = '';
  for (let n = nix32Length(bytes.length) - 1; n >= 0; n--) {
    const byte = Math.floor((n * 5) / 8);
    const shift = (n * 5) % 8;
    const window = (bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8);
    text += NIX32_ALPHABET[(window >> shift) & 31];
  }
  return text;
}

/** Decodes what `encodeNix32` wrote; refuses other characters, impossible lengths and bits beyond the last byte. */
export function decodeNix32(text: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  if (nix32Length(bytes.length) !== text.length) {
    throw new ParseError('nix32', text, 'as long as whole bytes make it');
  }
  for (let n = 0; n < text.length; n++) {
    const digit = DIGITS.get(text.charAt(text.length - 1 - n));
    if (digit === undefined) throw new ParseError('nix32', text, `written in the alphabet ${NIX32_ALPHABET}`);
    const byte = Math.floor((n * 5) / 8);
    const bits = digit << ((n * 5) % 8);
    bytes[byte] = (bytes[byte] ?? 0) | (bits & 255);
    if (bits >> 8 === 0) continue;
    // Two texts for the same bytes would make two names for one path.
    if (byte + 1 >= bytes.length) throw new ParseError('nix32', text, 'free of bits beyond its last byte');
    bytes[byte + 1] = bits >> 8;
  }
  return bytes;
}
