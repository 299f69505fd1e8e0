import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { createLiteralSearch } from '../../../../../domain/ci/classification/pattern/literal-search.ts';

function found(texts: readonly string[], haystack: string, start = 0, end = haystack.length): string[] {
  const hits: string[] = [];
  createLiteralSearch(texts).scan(haystack, start, end, (id, at) => hits.push(`${id}@${at}`));
  return hits.toSorted();
}

function foundNaively(texts: readonly string[], haystack: string): string[] {
  const lower = haystack.toLowerCase();
  return texts
    .flatMap((text, id) => {
      const ends: string[] = [];
      for (let at = lower.indexOf(text); at >= 0; at = lower.indexOf(text, at + 1))
        ends.push(`${id}@${at + text.length}`);
      return ends;
    })
    .toSorted();
}

describe('the search for many texts at once', () => {
  test('finds what a search for each text alone finds', () => {
    const texts = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', ':', '0'), minLength: 1, maxLength: 6 }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    const haystack = fc.string({
      unit: fc.constantFrom('a', 'B', 'b', ':', '0', 'é', '\u0000'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(texts, haystack, (needles, hay) => {
        assert.deepEqual(found(needles, hay), foundNaively(needles, hay));
      }),
      { numRuns: 500 },
    );
  });

  test('keeps to the stretch it is given', () => {
    assert.deepEqual(found(['error'], 'error error error', 3, 12), ['0@11']);
    assert.deepEqual(found(['error'], 'error error error', 3, 10), []);
  });

  test('finds a text within another and two that overlap', () => {
    assert.deepEqual(found(['cuda error', 'da err', 'error'], 'CUDA error: x'), ['0@10', '1@8', '2@10']);
  });

  test('looks for the longest run between quotes, for a log may print others', () => {
    assert.deepEqual(found(["option '--gpu-architecture'"], 'option ‘--gpu-architecture’'), ['0@26']);
  });

  test('finds a long text by its beginning', () => {
    const text = 'no kernel image is available for execution on the device';
    assert.equal(found([text], `x ${text}`).length, 1);
  });
});
