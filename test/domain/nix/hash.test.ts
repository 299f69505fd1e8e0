import assert from 'node:assert/strict';
import { test } from '../../support/test.ts';
import * as fc from 'fast-check';
import {
  equalHashes,
  formatHash,
  hashOf,
  parseHash,
  parseHashAlgorithm,
  parseHashDigest,
} from '../../../domain/nix/hash.ts';
import type { HashSpelling } from '../../../domain/nix/hash.ts';
import { NIX_VERSIONS, readVector, readVectorBytes } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';

const SPELLINGS: Record<string, HashSpelling> = {
  base16: 'base16',
  base32: 'nix32',
  base64: 'base64',
  sri: 'sri',
};

for (const version of NIX_VERSIONS) {
  test(`hashes of a file have the spellings that Nix ${version} prints`, () => {
    const content = readVectorBytes('cases-current.nix');
    const lines = readVector(version, 'hashes.txt').trim().split('\n');
    assert.equal(lines.length, 16);
    for (const line of lines) {
      const [algorithm = '', base = '', printed = ''] = line.split(' ');
      const spelling = SPELLINGS[base]!;
      const hash = hashOf(parseHashAlgorithm(algorithm), content);
      const text = spelling === 'sri' ? printed : `${algorithm}:${printed}`;
      assert.equal(formatHash(hash, spelling), text);
      assert.ok(equalHashes(parseHash(text), hash));
      if (spelling !== 'sri') assert.deepEqual(parseHashDigest(printed, hash.algorithm), hash);
    }
  });
}

test('every spelling of any digest parses to the same hash', () => {
  const algorithm = fc.constantFrom('md5' as const, 'sha1' as const, 'sha256' as const, 'sha512' as const);
  fc.assert(
    fc.property(algorithm, fc.uint8Array(), (name, content) => {
      const hash = hashOf(name, content);
      for (const spelling of Object.values(SPELLINGS))
        assert.deepEqual(parseHash(formatHash(hash, spelling)), hash);
    }),
  );
});

test('any text parses or is refused', () => {
  const hashLike = fc
    .tuple(fc.constantFrom('sha256:', 'sha1-', 'md5:', 'sha512-', ''), fc.string())
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), hashLike), (text) =>
      assertNeverCrashes(() => parseHash(text)),
    ),
  );
});

test('hashes of other algorithms are not equal, whatever their bytes', () => {
  assert.ok(!equalHashes(hashOf('sha1', 'a'), hashOf('sha256', 'a')));
  assert.ok(!equalHashes(hashOf('sha256', 'a'), hashOf('sha256', 'b')));
  assert.ok(equalHashes(hashOf('sha256', 'a'), hashOf('sha256', 'a')));
});

const REFUSED: [string, string, RegExp][] = [
  ['an empty text', '', /<algorithm>:<digest>/],
  ['a digest without its algorithm', 'd41d8cd98f00b204e9800998ecf8427e', /<algorithm>:<digest>/],
  ['an algorithm that Nix does not know', `sha3:${'0'.repeat(64)}`, /md5, sha1, sha256 or sha512/],
  ['a property that every object has', `constructor:${'0'.repeat(64)}`, /md5, sha1, sha256 or sha512/],
  ['a digest of another length', `sha256:${'0'.repeat(63)}`, /32 bytes/],
  ['base 16 with a letter beyond f', `sha256:${'g'.repeat(64)}`, /32 bytes/],
  ['SRI with base 16', `sha256-${'0'.repeat(64)}`, /32 bytes/],
  ['base 64 with loose bits at the end', 'sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=', /32 bytes/],
  ['base 64 of URLs', 'sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=', /32 bytes/],
  ['a newline at the end', `sha256:${'0'.repeat(63)}\n`, /32 bytes/],
  ['two SRI hashes', 'md5-1B2M2Y8AsgTpgAmY7PhCfg== md5-1B2M2Y8AsgTpgAmY7PhCfg==', /16 bytes/],
];

for (const [title, input, expected] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(parseHash, input, expected));
}
