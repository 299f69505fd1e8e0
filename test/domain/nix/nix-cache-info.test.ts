import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatNixCacheInfo, parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import { NIX_VERSIONS, readVector } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { test } from '../../support/test.ts';

for (const version of NIX_VERSIONS) {
  test(`the file that Nix ${version} writes names its store, and leaves the rest to defaults`, () => {
    assert.deepEqual(parseNixCacheInfo(readVector(version, 'nix-cache-info')), {
      storeDir: '/nix/store',
      wantMassQuery: false,
      priority: 50,
      extensions: new Map(),
    });
  });
}

test('what is formatted parses to the same, extension keys included', () => {
  const info = {
    storeDir: '/nix/store',
    wantMassQuery: true,
    priority: 40,
    extensions: new Map([['BloomFilter', 'bloom/1 x']]),
  };
  const text = 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\nBloomFilter: bloom/1 x\n';
  assert.equal(formatNixCacheInfo(info), text);
  assert.deepEqual(parseNixCacheInfo(text), info);
});

test('white space around values, CRLF and a missing last newline are read, as by Nix', () => {
  const info = parseNixCacheInfo('StoreDir:/nix/store\r\nPriority:  30 \r\nWantMassQuery: 1');
  assert.deepEqual(info, {
    storeDir: '/nix/store',
    wantMassQuery: true,
    priority: 30,
    extensions: new Map(),
  });
});

const REFUSED: [string, string, RegExp][] = [
  ['a line without a colon', 'hello\n', /"Key: value"/],
  ['a web page', '<!DOCTYPE html>\n<html>\n', /"Key: value"/],
  ['a priority in words', 'Priority: high\n', /a whole number/],
  ['a priority beyond any', 'Priority: 10000000000\n', /a whole number/],
  ['a store that is no absolute path', 'StoreDir: nix/store\n', /absolute path/],
];

for (const [title, input, expected] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(parseNixCacheInfo, input, expected));
}

test('an extension that would begin another line is never written', () => {
  const info = parseNixCacheInfo('');
  assert.throws(() => formatNixCacheInfo({ ...info, extensions: new Map([['A', 'b\nStoreDir: /x']]) }), {
    name: 'ParseError',
  });
});

test('any text parses or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assertNeverCrashes(() => parseNixCacheInfo(text))),
  );
});
