import assert from 'node:assert/strict';
import { test } from '../../support/test.ts';
import * as fc from 'fast-check';
import { NIX32_ALPHABET, decodeNix32, encodeNix32, nix32Length } from '../../../domain/nix/base32.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';

test('what is encoded decodes to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const text = encodeNix32(bytes);
      assert.equal(text.length, nix32Length(bytes.length));
      assert.deepEqual(decodeNix32(text), Buffer.from(bytes));
    }),
  );
});

test('what decodes encodes to the same text, so that bytes have one spelling', () => {
  const text = fc.string({ unit: fc.constantFrom(...NIX32_ALPHABET.split('')), maxLength: 60 });
  fc.assert(
    fc.property(text, (input) => {
      assertNeverCrashes(() => assert.equal(encodeNix32(decodeNix32(input)), input));
    }),
  );
});

test('any text decodes or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assertNeverCrashes(() => decodeNix32(text))),
  );
});

const REFUSED: [string, string, RegExp][] = [
  ['the letter e', 'e'.repeat(32), /alphabet/],
  ['the letter u', `u${'0'.repeat(31)}`, /alphabet/],
  ['an upper-case letter', `A${'0'.repeat(31)}`, /alphabet/],
  ['a character that is not ASCII', `é${'0'.repeat(31)}`, /alphabet/],
  ['a length that no bytes have', '0'.repeat(33), /whole bytes/],
  ['one character', '0', /whole bytes/],
  // 52 characters hold 260 bits; a sha256 has 256.
  ['bits beyond a sha256', `z${'0'.repeat(51)}`, /beyond its last byte/],
  ['the lowest bit beyond a sha256', `2${'0'.repeat(51)}`, /beyond its last byte/],
];

for (const [title, input, expected] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(decodeNix32, input, expected));
}
