import assert from 'node:assert/strict';
import { describe, test } from '../../support/test.ts';
import * as fc from 'fast-check';
import { contentAddressedPath } from '../../../domain/nix/content-address.ts';
import { hashOf, parseHash, parseHashAlgorithm } from '../../../domain/nix/hash.ts';
import { parsePathInfoJson } from '../../../domain/nix/path-info.ts';
import {
  formatStorePath,
  isDerivationPath,
  makeFixedOutputPath,
  makeTextPath,
  parseStorePath,
  parseStorePathBaseName,
  splitStorePath,
  storePathBaseName,
  storePathHash,
  storePathName,
} from '../../../domain/nix/store-path.ts';
import { NIX_VERSIONS, readVector, readVectorBytes } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';

const HASH = '1g885dd4ga64zm31j17kgr68d0a1s617';

describe('the grammar', () => {
  const accepted: [string, string][] = [
    ['an ordinary name', 'hello-2.12.1'],
    ['every character allowed', 'azAZ09+-._?='],
    ['a dot at the start', '.hidden'],
    ['two dots within', 'a..b'],
    ['three dots', '...'],
    ['dots before letters', '..a'],
    ['one character', 'x'],
    ['211 characters', 'n'.repeat(211)],
    ['a dash at the start', '-dash'],
  ];
  for (const [title, name] of accepted) {
    test(`a name with ${title} is accepted`, () => {
      const path = parseStorePath(`/nix/store/${HASH}-${name}`);
      assert.equal(storePathHash(path), HASH);
      assert.equal(storePathName(path), name);
      assert.equal(storePathBaseName(path), `${HASH}-${name}`);
      assert.equal(formatStorePath(HASH, name), path);
      assert.equal(parseStorePathBaseName(`${HASH}-${name}`), path);
    });
  }

  const refused: [string, string, RegExp][] = [
    ['an empty text', '', /below \/nix\/store/],
    ['another store', `/gnu/store/${HASH}-a`, /below \/nix\/store/],
    ['a folder that only begins alike', `/nix/storefront/${HASH}-a`, /below \/nix\/store/],
    ['the store itself', '/nix/store/', /hash part/],
    ['a base name', `${HASH}-a`, /below/],
    ['a path within an object', `/nix/store/${HASH}-a/bin`, /1 to 211/],
    ['a slash at the end', `/nix/store/${HASH}-a/`, /1 to 211/],
    ['two slashes', `/nix/store//${HASH}-a`, /hash part/],
    ['a step upwards', `/nix/store/../${HASH}-a`, /hash part/],
    ['a hash with the letter e', `/nix/store/e${HASH.slice(1)}-a`, /hash part/],
    ['a hash in upper case', `/nix/store/${HASH.toUpperCase()}-a`, /hash part/],
    ['a short hash', `/nix/store/${HASH.slice(1)}-a`, /hash part/],
    ['no dash', `/nix/store/${HASH}a`, /a dash/],
    ['no name', `/nix/store/${HASH}-`, /1 to 211/],
    ['a name of 212 characters', `/nix/store/${HASH}-${'n'.repeat(212)}`, /1 to 211/],
    ['the name .', `/nix/store/${HASH}-.`, /1 to 211/],
    ['the name ..', `/nix/store/${HASH}-..`, /1 to 211/],
    ['a name that begins with .-', `/nix/store/${HASH}-.-a`, /1 to 211/],
    ['a name that begins with ..-', `/nix/store/${HASH}-..-a`, /1 to 211/],
    ['a space', `/nix/store/${HASH}-a b`, /1 to 211/],
    ['a newline at the end', `/nix/store/${HASH}-a\n`, /1 to 211/],
    ['a NUL', `/nix/store/${HASH}-a\0`, /1 to 211/],
    ['a letter that is not ASCII', `/nix/store/${HASH}-é`, /1 to 211/],
    ['a percent escape', `/nix/store/${HASH}-a%2e`, /1 to 211/],
  ];
  for (const [title, input, expected] of refused) {
    test(`${title} is refused`, () => assertRefused((text) => parseStorePath(text), input, expected));
  }

  test('any text parses to itself or is refused', () => {
    const like = fc
      .string({ unit: fc.constantFrom(...'./-ab0z+?'.split('')) })
      .map((name) => `/nix/store/${HASH}-${name}`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), like), (text) =>
        assertNeverCrashes(() => assert.equal(parseStorePath(text), text)),
      ),
    );
  });

  test('another store directory is a parameter', () => {
    assert.equal(parseStorePath(`/gnu/store/${HASH}-a`, '/gnu/store'), `/gnu/store/${HASH}-a`);
    assert.equal(parseStorePathBaseName(`${HASH}-a`, '/gnu/store'), `/gnu/store/${HASH}-a`);
    assert.equal(storePathName(parseStorePathBaseName(`${HASH}-a`, '/gnu/store')), 'a');
  });

  test('a path within an object is split after the object', () => {
    const object = `/nix/store/${HASH}-gcc`;
    assert.deepEqual(splitStorePath(`${object}/bin/cc`), { storePath: object, rest: '/bin/cc' });
    assert.deepEqual(splitStorePath(object), { storePath: object, rest: '' });
    assertRefused((text) => splitStorePath(text), '/etc/passwd', /below/);
  });

  test('a derivation is known by its suffix', () => {
    assert.ok(isDerivationPath(formatStorePath(HASH, 'hello.drv')));
    assert.ok(!isDerivationPath(formatStorePath(HASH, 'hello')));
  });
});

for (const version of NIX_VERSIONS) {
  describe(`paths computed as by Nix ${version}`, () => {
    test('files added by their hash, flat and recursive, with every algorithm', () => {
      const content = readVectorBytes('cases-current.nix');
      const nar = readVectorBytes(version, 'nar', 'cases-current.nix.nar');
      const lines = readVector(version, 'fixed-paths.txt').trim().split('\n');
      assert.equal(lines.length, 8);
      for (const line of lines) {
        const [algorithm = '', recursive, path] = line.split(' ');
        const method = recursive === 'recursive' ? 'nar' : 'flat';
        const hash = hashOf(parseHashAlgorithm(algorithm), method === 'nar' ? nar : content);
        assert.equal(makeFixedOutputPath({ name: 'cases-current.nix', method, hash }), path);
      }
    });

    test('texts of builtins.toFile, with and without a reference', () => {
      const [settings, withReference] = JSON.parse(readVector(version, 'text-paths.txt')) as string[];
      const plain = makeTextPath({
        name: 'settings.ini',
        hash: hashOf('sha256', 'key = value\n'),
        references: [],
      });
      assert.equal(plain, settings);
      const hash = hashOf('sha256', `see ${plain}\n`);
      assert.equal(makeTextPath({ name: 'with-reference.txt', hash, references: [plain] }), withReference);
    });

    test('every path with a content address, references and self-reference included', () => {
      const { valid } = parsePathInfoJson(readVector(version, 'path-info.json'));
      const addressed = valid.filter((info) => info.ca !== null);
      assert.ok(
        addressed.some((info) => info.references.includes(info.path)),
        'a self-reference is among them',
      );
      for (const { path, ca, references } of addressed) {
        const others = references.filter((reference) => reference !== path);
        const self = others.length < references.length;
        assert.equal(contentAddressedPath(storePathName(path), ca!, { others, self }), path);
      }
    });
  });
}

test('a fixed output whose hash leaves no room for references is refused with one', () => {
  const reference = formatStorePath(HASH, 'a');
  const flat = { name: 'x', method: 'flat', hash: hashOf('sha256', '') } as const;
  assert.throws(
    () => makeFixedOutputPath({ ...flat, references: { others: [reference], self: false } }),
    /free of references/,
  );
  assert.throws(
    () => makeFixedOutputPath({ ...flat, references: { others: [], self: true } }),
    /free of references/,
  );
});

test('the path of a git object depends on its method', () => {
  const hash = parseHash('sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=');
  const paths = (['git', 'nar', 'flat'] as const).map((method) =>
    makeFixedOutputPath({ name: 'x', method, hash }),
  );
  assert.equal(new Set(paths).size, 3);
});
