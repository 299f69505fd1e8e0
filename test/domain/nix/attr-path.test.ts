import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatAttrPath, parseAttrPath } from '../../../domain/nix/attr-path.ts';
import { readVector } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { test } from '../../support/test.ts';

/** The names in `attribute-names.nix`, in order. */
const NAMES = [
  'hello',
  'python3.12',
  'with space',
  '',
  'or',
  'if',
  "a'b",
  'a-b',
  '_x',
  '3d',
  'é',
  'quote"d',
  'back\\slash',
  'dollar${x}',
  'a$b',
  'tab\t',
  'new\nline',
  'return\r',
];

test('names are quoted and escaped as Nix 2.34 prints them', () => {
  const printed = NAMES.map((name) => `{ ${formatAttrPath([name])} = 0; }`);
  assert.equal(`[ ${printed.join(' ')} ]\n`, readVector('2.34', 'attribute-names.txt'));
});

test('what either version prints parses to the name; Nix 2.8 escapes more than it need', () => {
  for (const version of ['2.8', '2.34']) {
    const items = readVector(version, 'attribute-names.txt').trim().slice(4, -9).split(' = 0; } { ');
    assert.deepEqual(
      items.map(parseAttrPath),
      NAMES.map((name) => [name]),
    );
  }
});

test('the root is the empty text', () => {
  assert.equal(formatAttrPath([]), '');
  assert.deepEqual(parseAttrPath(''), []);
  assert.deepEqual(parseAttrPath('""'), ['']);
});

test('any path parses from its text', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a', 'a.b', '"', '\\', '${', '\n', '', 'if'),
  );
  fc.assert(
    fc.property(fc.array(name), (path) => assert.deepEqual(parseAttrPath(formatAttrPath(path)), path)),
  );
});

const TYPED: [string, string[]][] = [
  ['python3Packages.torch', ['python3Packages', 'torch']],
  ['tests.12.if', ['tests', '12', 'if']],
  ['hydraJobs."cuda-12.4".x86_64-linux', ['hydraJobs', 'cuda-12.4', 'x86_64-linux']],
  ['a."b\\"c".d', ['a', 'b"c', 'd']],
];

for (const [text, path] of TYPED) {
  test(`${text} is read as a user means it`, () => assert.deepEqual(parseAttrPath(text), path));
}

const REFUSED: [string, string][] = [
  ['a dot alone', '.'],
  ['a dot at the end', 'a.'],
  ['two dots', 'a..b'],
  ['a quote that does not end', 'a."b'],
  ['an escaped quote at the end', '"a\\"'],
  ['text behind a quote', '"a"b'],
  ['a quote within a name', 'a"b"'],
  ['white space', 'a b'],
  ['a newline', 'a\n'],
  ['an interpolation', '${x}'],
];

for (const [title, text] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(parseAttrPath, text, /names joined by dots/));
}

test('any text parses or is refused, and a quoted name may be large', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab."\\ ${}\n'.split('')) }), (text) =>
      assertNeverCrashes(() => parseAttrPath(text)),
    ),
  );
  for (const filling of ['a', '\\n', '.'])
    assert.equal(parseAttrPath(`"${filling.repeat(1_000_000)}"`).length, 1);
});
