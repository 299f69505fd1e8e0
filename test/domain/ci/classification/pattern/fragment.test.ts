import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import {
  fragmentTexts,
  matchFragment,
  parseFragment,
} from '../../../../../domain/ci/classification/pattern/fragment.ts';

const CASES: readonly (readonly [string, string, string, Record<string, string> | null])[] = [
  ['fixed text', 'ninja: build stopped', 'x ninja: build stopped: y', {}],
  ['text in another case', 'ninja: build stopped', 'Ninja: build stopped', null],
  [
    'a part between texts',
    "attribute '{name}' missing",
    "error: attribute 'cudnn' missing",
    { name: 'cudnn' },
  ],
  ['a part of several words between texts', '<{what}>', '<two words>', { what: 'two words' }],
  [
    'a part at the open start: one word',
    '{library}: cannot open',
    'python: libcuda.so.1: cannot open',
    { library: 'libcuda.so.1' },
  ],
  [
    'a part at the open end: one word, without its full stop',
    'undefined symbol: {symbol}',
    'undefined symbol: _ZN3fooE.',
    { symbol: '_ZN3fooE' },
  ],
  ['a part up to the tied end', 'error: {message}$', 'error: all of it', { message: 'all of it' }],
  ['a gap', 'Hunk…FAILED', 'Hunk #3 FAILED at 12', {}],
  ['a gap over nothing', 'a…b', 'ab', {}],
  ['a tied start', '^error:', 'an error: x', null],
  ['a tied start that is there', '^error:', 'error: x', {}],
  ['a tied end', 'PASS$', 'PASSED', null],
  ['texts in the wrong order', 'one…two', 'two one', null],
  ['quotes around a word at the end', 'needed by {target}', "needed by 'libx.so',", { target: "'libx.so" }],
];

describe('a fragment', () => {
  for (const [name, source, line, expected] of CASES) {
    test(`matches ${name}`, () => {
      assert.deepEqual(matchFragment(parseFragment(source), line), expected);
    });
  }

  test('needs fixed text', () => {
    for (const source of ['', '…', '{a}', '^{a}…$'])
      assert.throws(() => parseFragment(source), SyntaxError, source);
  });

  test('keeps no more than 200 characters of a part', () => {
    const captures = matchFragment(parseFragment('<{x}>'), `<${'y'.repeat(100_000)}>`);
    assert.equal(captures?.['x']?.length, 200);
  });

  test('matches a line exactly when its texts stand in it in their order', () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 16 });
    fc.assert(
      fc.property(pieces, line, (texts, text) => {
        const fragment = parseFragment(texts.join('…'));
        assert.deepEqual(fragmentTexts(fragment), texts);
        const regex = new RegExp(texts.join('.*'));
        assert.equal(matchFragment(fragment, text) !== null, regex.test(text));
      }),
      { numRuns: 500 },
    );
  });
});
