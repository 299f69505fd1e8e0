import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatContentAddress } from '../../../domain/nix/content-address.ts';
import { formatHash } from '../../../domain/nix/hash.ts';
import { parsePathInfoJson, parseRegistration } from '../../../domain/nix/path-info.ts';
import type { PathInfo } from '../../../domain/nix/path-info.ts';
import { NIX_VERSIONS, readVector } from '../../support/nix-vectors.ts';
import { assertNeverCrashes } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

const MISSING = '/nix/store/00000000000000000000000000000000-missing';

const byPath = (infos: readonly PathInfo[]): PathInfo[] =>
  infos.toSorted((a, b) => (a.path < b.path ? -1 : 1));

for (const version of NIX_VERSIONS) {
  describe(`what Nix ${version} prints`, () => {
    const { valid, missing } = parsePathInfoJson(readVector(version, 'path-info.json'));

    test('names what is missing apart from what is valid', () => {
      assert.deepEqual(missing, [MISSING]);
      assert.equal(valid.length, 16);
    });

    test('holds hash, size, references, deriver, signature and whether it was built here', () => {
      const multi = valid.find((info) => info.path === '/nix/store/1g885dd4ga64zm31j17kgr68d0a1s617-multi');
      assert.ok(multi);
      assert.equal(formatHash(multi.narHash), 'sha256:1m6djxbrhp0qczw0rx7wcdbm6hzl9ifl176bcq35c9fbxn1kzc9v');
      assert.equal(multi.narSize, 168);
      assert.deepEqual(multi.references, [multi.path]);
      assert.equal(multi.deriver, '/nix/store/pqlgph3psasbln1vf6jiki03a4q8bfmi-multi.drv');
      assert.equal(multi.signatures.length, 1);
      assert.equal(multi.ultimate, true);
      assert.equal(multi.ca, null);
    });

    test('holds the content address of texts and fixed outputs', () => {
      const text = valid.find((info) => info.path.endsWith('mh02n55bfs0w2i2gdnmyc00g2xjvz7ry-settings.ini'));
      assert.equal(
        text?.ca && formatContentAddress(text.ca),
        'text:sha256:1bgaydi564z09q4yjccgrv2byzwn4dj5hj72z1x5c61143wsdmrv',
      );
      const fixed = valid.find((info) => info.path.endsWith('zk8hh60hfj2k3vbpl8lwb1n6q14cmfra-fixed-flat'));
      assert.equal(fixed?.ca?.method, 'flat');
    });

    test('agrees with its registration, which has neither signatures nor content addresses', () => {
      const registered = parseRegistration(readVector(version, 'registration.txt'));
      const comparable = valid.map((info) => ({ ...info, signatures: [], ca: null, ultimate: false }));
      assert.deepEqual(byPath(registered), byPath(comparable));
    });
  });
}

test('the second JSON format of Nix 2.34 says the same as its first', () => {
  const first = parsePathInfoJson(readVector('2.34', 'path-info.json'));
  const second = parsePathInfoJson(readVector('2.34', 'path-info-2.json'));
  assert.deepEqual(byPath(second.valid), byPath(first.valid));
  assert.deepEqual(second.missing, first.missing);
});

const INFO = { narHash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', narSize: 112, references: [] };
const changed = (change: object): string => JSON.stringify({ [MISSING]: { ...INFO, ...change } });

test('fields that a version leaves out are absent, not an error', () => {
  const { valid } = parsePathInfoJson(changed({}));
  assert.deepEqual(
    valid.map(({ deriver, signatures, ca, ultimate }) => ({ deriver, signatures, ca, ultimate })),
    [{ deriver: null, signatures: [], ca: null, ultimate: false }],
  );
});

const REFUSED: [string, string, RegExp][] = [
  ['no JSON', 'error: path is not valid', /JSON/],
  ['an empty text', '', /JSON/],
  ['a number', '7', /an object/],
  ['an array of texts', '["/nix/store"]', /an object/],
  ['a key that is no path', '{"hello":{}}', /hash part/],
  ['a path elsewhere', changed({ deriver: '/tmp/x.drv' }), /below \/nix\/store/],
  ['a size below nothing', changed({ narSize: -1 }), /whole number/],
  ['a size beyond exact numbers', changed({ narSize: 2 ** 53 }), /whole number/],
  ['a size in words', changed({ narSize: '112' }), /whole number/],
  ['a hash without its algorithm', changed({ narHash: '0'.repeat(64) }), /<algorithm>/],
  ['references that are no list', changed({ references: 'none' }), /an array/],
  [
    'a content address of unknown method',
    changed({ ca: { method: 'magic', hash: INFO.narHash } }),
    /flat, nar/,
  ],
  ['a lone surrogate', changed({ signatures: ['k:\ud800'] }), /a string/],
];

for (const [title, input, expected] of REFUSED) {
  test(`path info with ${title} is refused`, () => {
    assert.throws(() => parsePathInfoJson(input), { name: 'ParseError', message: expected });
  });
}

test('a nesting that overflows the stack is refused like any other text', () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  assert.throws(() => parsePathInfoJson(deep), { name: 'ParseError' });
  assert.throws(() => parsePathInfoJson(deep.replace('"a"', `"${MISSING}"`)), { name: 'ParseError' });
});

test('any JSON parses or is refused', () => {
  fc.assert(fc.property(fc.json(), (text) => assertNeverCrashes(() => parsePathInfoJson(text))));
  const record = fc.record({
    path: fc.constant(MISSING),
    narHash: fc.string(),
    narSize: fc.integer(),
    references: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.array(record), (list) =>
      assertNeverCrashes(() => parsePathInfoJson(JSON.stringify(list))),
    ),
  );
});

const HEX = '0'.repeat(64);
const REGISTRATIONS_REFUSED: [string, string, RegExp][] = [
  ['no newline at the end', MISSING, /ended by a newline/],
  ['no hash', `${MISSING}\n`, /ends after its references/],
  ['a size in words', `${MISSING}\n${HEX}\nmany\n\n0\n`, /whole number/],
  ['a size that is no whole number', `${MISSING}\n${HEX}\n1.5\n\n0\n`, /whole number/],
  [
    'more references than lines',
    `${MISSING}\n${HEX}\n1\n\n999999999999999\n${MISSING}\n`,
    /ends after its references/,
  ],
  ['a reference that is no path', `${MISSING}\n${HEX}\n1\n\n1\nhello\n`, /below \/nix\/store/],
  ['an empty line between paths', `${MISSING}\n${HEX}\n1\n\n0\n\n`, /below \/nix\/store/],
];

for (const [title, input, expected] of REGISTRATIONS_REFUSED) {
  test(`a registration with ${title} is refused`, () => {
    assert.throws(() => parseRegistration(input), { name: 'ParseError', message: expected });
  });
}

test('an empty registration registers nothing', () => assert.deepEqual(parseRegistration(''), []));

test('any text is a registration or is refused', () => {
  const line = fc.constantFrom(MISSING, HEX, '', '0', '1', 'x');
  const text = fc.array(line).map((lines) => lines.map((item) => `${item}\n`).join(''));
  fc.assert(fc.property(text, (input) => assertNeverCrashes(() => parseRegistration(input))));
});
