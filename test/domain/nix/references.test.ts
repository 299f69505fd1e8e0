import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NIX32_ALPHABET } from '../../../domain/nix/base32.ts';
import { parsePathInfoJson } from '../../../domain/nix/path-info.ts';
import { createReferenceScanner } from '../../../domain/nix/references.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { NIX_VERSIONS, listVectors, readVector, readVectorBytes } from '../../support/nix-vectors.ts';
import { assertRefused } from '../../support/refusals.ts';
import { test } from '../../support/test.ts';

const A = '1g885dd4ga64zm31j17kgr68d0a1s617';
const B = 'z6pncjysmsy3a62kz30hfdjfkazrx6yf';

function scan(hashParts: string[], ...chunks: string[]): string[] {
  const scanner = createReferenceScanner(hashParts);
  for (const chunk of chunks) scanner.write(Buffer.from(chunk));
  return [...scanner.found].toSorted();
}

for (const version of NIX_VERSIONS) {
  test(`the references that Nix ${version} registered are found in the NARs it dumped`, () => {
    const { valid } = parsePathInfoJson(readVector(version, 'path-info.json'));
    const candidates = valid.map((info) => storePathHash(info.path));
    const outputs = listVectors(version, 'nar').filter((file) => file.includes('multi'));
    assert.equal(outputs.length, 3);
    for (const file of outputs) {
      const info = valid.find(({ path }) => file === `${path.slice('/nix/store/'.length)}.nar`);
      const scanner = createReferenceScanner(candidates);
      scanner.write(readVectorBytes(version, 'nar', file));
      assert.deepEqual([...scanner.found].toSorted(), info?.references.map(storePathHash).toSorted());
    }
  });
}

const CASES: [string, string[], string[]][] = [
  ['nothing in nothing', [], []],
  ['at the start and the end', [`${A} and ${B}`], [A, B]],
  ['alone', [A], [A]],
  ['within a run of other digits', [`000${A}000`], [A]],
  ['right behind another', [`${B}${A}`], [A, B]],
  ['twice', [A, A], [A]],
  ['cut into two chunks', [A.slice(0, 7), A.slice(7)], [A]],
  ['cut into single characters', A.split(''), [A]],
  ['cut, with text around', [`xx ${A.slice(0, 31)}`, `${A.slice(31)} yy`], [A]],
  ['with empty chunks between', [A.slice(0, 16), '', A.slice(16), ''], [A]],
  ['not with a character changed', [A.replace('g', 'h')], []],
  ['not with a space within', [`${A.slice(0, 16)} ${A.slice(16)}`], []],
  ['not in upper case', [A.toUpperCase()], []],
  ['not one character short', [A.slice(1), ` ${A.slice(0, 31)}`], []],
];

for (const [title, chunks, expected] of CASES) {
  test(`a hash part is found ${title}`, () => assert.deepEqual(scan([A, B], ...chunks), expected));
}

test('only what is asked for is found', () => assert.deepEqual(scan([B], `${A} ${B}`), [B]));

test('any stream, cut anywhere, gives what a plain search of the whole gives', () => {
  const piece = fc.oneof(
    fc.constantFrom(A, B, A.slice(5), B.slice(0, 20), '/nix/store/', 'e', ' '),
    fc.string({ unit: fc.constantFrom(...NIX32_ALPHABET.split('')), maxLength: 70 }),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(400)), (pieces, cuts) => {
      const whole = pieces.join('');
      const ends = [...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].toSorted(
        (a, b) => a - b,
      );
      const chunks = ends.map((end, i) => whole.slice(ends[i - 1] ?? 0, end));
      assert.deepEqual(scan([A, B], ...chunks), [A, B].filter((hash) => whole.includes(hash)).toSorted());
    }),
    { numRuns: 500 },
  );
});

test('a chunk may be used again once it is written', () => {
  const scanner = createReferenceScanner([A]);
  const buffer = Buffer.from(A.slice(0, 16));
  scanner.write(buffer);
  buffer.fill(0);
  scanner.write(Buffer.from(A.slice(16)));
  assert.deepEqual([...scanner.found], [A]);
});

test('what is no hash part cannot be asked for', () => {
  assertRefused((text) => createReferenceScanner([text]), A.slice(1), /32 characters/);
  assertRefused((text) => createReferenceScanner([text]), A.replace('1', 'e'), /32 characters/);
});
