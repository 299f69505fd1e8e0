import assert from 'node:assert/strict';
import { test } from '../../support/test.ts';
import * as fc from 'fast-check';
import { compareBytes, sortBytes, sortEntries } from '../../../domain/nix/byte-order.ts';

test('texts are ordered as their UTF-8 bytes are', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('code points from U+10000 come after the last of the basic plane, unlike in UTF-16', () => {
  assert.deepEqual(sortBytes(['😀', '｡', 'é', 'a', 'Z', '']), ['', 'Z', 'a', 'é', '｡', '😀']);
  assert.deepEqual(
    sortEntries(
      new Map([
        ['😀', 1],
        ['｡', 2],
      ]),
    ),
    [
      ['｡', 2],
      ['😀', 1],
    ],
  );
});
