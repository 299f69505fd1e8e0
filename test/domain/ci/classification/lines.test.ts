import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { createLineReader } from '../../../../domain/ci/classification/lines.ts';

function read(chunks: readonly (string | Uint8Array)[]): { number: number; text: string }[] {
  const lines: { number: number; text: string }[] = [];
  const reader = createLineReader((text, start, end, number) =>
    lines.push({ number, text: text.slice(start, end) }),
  );
  for (const chunk of chunks) reader.write(chunk);
  reader.end();
  return lines;
}

const texts = (chunks: readonly (string | Uint8Array)[]): string[] => read(chunks).map(({ text }) => text);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a line reader', () => {
  test('hands out lines with their numbers, the last one without a line feed too', () => {
    assert.deepEqual(read(['a\n\nb']), [
      { number: 1, text: 'a' },
      { number: 2, text: '' },
      { number: 3, text: 'b' },
    ]);
    assert.deepEqual(texts(['a\n']), ['a']);
    assert.deepEqual(texts([]), []);
  });

  test('keeps carriage returns, for what stands before one may be the message', () => {
    assert.deepEqual(texts(['10%\r20%\rerror\r\nb']), ['10%\r20%\rerror\r', 'b']);
  });

  test('reads the same wherever the text is cut, as characters or as bytes', () => {
    const log = fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'é', '🔥', '\u0000'), maxLength: 40 });
    fc.assert(
      fc.property(log, fc.array(fc.nat(60), { maxLength: 6 }), (text, cuts) => {
        const expected = texts([text]);
        for (const whole of [text, bytes(text)]) {
          const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].toSorted(
            (a, b) => a - b,
          );
          const chunks = places.slice(1).map((place, index) => whole.slice(places[index], place));
          // A string cut within a surrogate pair is whole again once joined.
          assert.deepEqual(texts(chunks), expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('turns what is no UTF-8 into replacement characters and goes on', () => {
    assert.deepEqual(texts([Uint8Array.of(0xff, 0xfe, 0x0a, 0x61, 0xe2, 0x82)]), ['\ufffd\ufffd', 'a\ufffd']);
  });

  test('hands out a long line in pieces of one number, so that little is held back', () => {
    const pieces = read(['x'.repeat(200_000), 'y\nz']);
    assert.deepEqual([...new Set(pieces.map(({ number }) => number))], [1, 2]);
    assert.ok(pieces.every(({ text }) => text.length <= 65_536));
    assert.equal(pieces.map(({ text }) => text).join(''), `${'x'.repeat(200_000)}yz`);
  });
});
