import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createPathIndexBuilder, type PathIndex } from '../../../server/cache/path-index.ts';

const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

/** A hash part from a number: spread over all prefixes, another one for another number. */
function hashOf(number: number, prefix = ''): string {
  let text = '';
  for (let state = number + 1; text.length < 32;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += ALPHABET[state >>> 27] ?? '';
  }
  return prefix + text.slice(prefix.length, 26) + String(number).padStart(6, '0');
}

function build(entries: Iterable<readonly [hash: string, views: number]>): PathIndex {
  const builder = createPathIndexBuilder();
  for (const [hash, views] of entries) builder.add(Buffer.from(hash), 0, views);
  return builder.build();
}

test('every path that was added is found with its views, in whatever order they came, and no other', () => {
  const known = Array.from({ length: 5_000 }, (_, index) => [hashOf(index), index % 256] as const);
  const index = build(known);
  assert.equal(index.size, 5_000);
  for (const [hash, views] of known) assert.equal(index.views(hash), views);
  for (let other = 5_000; other < 10_000; other++) assert.equal(index.views(hashOf(other)), undefined);
});

test('hashes that share a prefix, and those at both ends, are told apart', () => {
  const known = ['0'.repeat(32), 'z'.repeat(32), `${'0'.repeat(31)}1`, `${'z'.repeat(31)}y`];
  for (let number = 0; number < 50; number++) known.push(hashOf(number, '0abc0abc0abc'));
  const index = build(known.map((hash) => [hash, 1]));
  for (const hash of known) assert.equal(index.views(hash), 1, hash);
  assert.equal(index.views(`${'0'.repeat(31)}2`), undefined);
  assert.equal(index.views(`${'z'.repeat(31)}x`), undefined);
  assert.equal(index.views(hashOf(50, '0abc0abc0abc')), undefined);
});

test('an empty index knows nothing, and grows', () => {
  const index = build([]);
  assert.equal(index.views(hashOf(1)), undefined);
  index.set(hashOf(1), 3);
  assert.equal(index.views(hashOf(1)), 3);
  assert.equal(index.size, 1);
});

test('what is no hash part is refused with its text', () => {
  assert.throws(() => build([['e'.repeat(32), 1]]), /"e{32}" is no hash part/);
});

test('whatever is added, changed and taken away, the index says the same as a map: before, while and after it merges', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(20_000), fc.option(fc.nat(255), { nil: undefined })), { maxLength: 200 }),
      fc.nat(9_000),
      async (changes, extra) => {
        const truth = new Map(Array.from({ length: 8_000 }, (_, number) => [hashOf(number), number % 7]));
        const index = build(truth);
        const apply = (number: number, views: number | undefined): void => {
          const hash = hashOf(number);
          index.set(hash, views);
          if (views === undefined) truth.delete(hash);
          else truth.set(hash, views);
        };
        for (let number = 0; number < extra; number++)
          apply(number * 2, number % 5 === 0 ? undefined : number % 256);
        // Where a merge runs by now, these come into its middle.
        for (const [number, views] of changes) apply(number, views);
        const check = (): void => {
          assert.equal(index.size, truth.size);
          for (let number = 0; number < 20_001; number += 7)
            assert.equal(index.views(hashOf(number)), truth.get(hashOf(number)));
          for (const [number] of changes)
            assert.equal(index.views(hashOf(number)), truth.get(hashOf(number)));
        };
        check();
        await index.merged();
        check();
      },
    ),
    { numRuns: 5 },
  );
});
