import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { hashOf } from '../../../domain/nix/hash.ts';
import { COMPRESSIONS, formatNarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import type { NarInfo } from '../../../domain/nix/narinfo.ts';
import { formatStorePath } from '../../../domain/nix/store-path.ts';
import { NIX_VERSIONS, listVectors, readVector } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

for (const version of NIX_VERSIONS) {
  test(`every narinfo that Nix ${version} wrote formats to the same bytes`, () => {
    const files = listVectors(version, 'cache');
    assert.equal(files.length, 16);
    for (const file of files) {
      const text = readVector(version, 'cache', file);
      assert.equal(formatNarInfo(parseNarInfo(text)), text, file);
    }
  });
}

const HASH = '1g885dd4ga64zm31j17kgr68d0a1s617';
const FIELDS = {
  StorePath: `/nix/store/${HASH}-multi`,
  URL: 'nar/15na03aaxbxfd7syvx3g2xi6sylr8lhssfjcwa4cdn0hfl9hjnj4.nar.xz',
  Compression: 'xz',
  FileHash: 'sha256:15na03aaxbxfd7syvx3g2xi6sylr8lhssfjcwa4cdn0hfl9hjnj4',
  FileSize: '180',
  NarHash: 'sha256:1m6djxbrhp0qczw0rx7wcdbm6hzl9ifl176bcq35c9fbxn1kzc9v',
  NarSize: '168',
  References: `${HASH}-multi`,
  Deriver: 'pqlgph3psasbln1vf6jiki03a4q8bfmi-multi.drv',
  Sig: 'k:c2ln',
};

/** The narinfo with fields changed, or left out where undefined. */
function narinfo(change: Partial<Record<keyof typeof FIELDS | 'CA', string | undefined>>): string {
  const lines = Object.entries({ ...FIELDS, ...change }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${value}\n`],
  );
  return lines.join('');
}

describe('what Nix accepts', () => {
  const accepted: [string, string, Partial<NarInfo>][] = [
    ['an empty list of references', narinfo({ References: '' }), { references: [] }],
    ['no references field', narinfo({ References: undefined }), { references: [] }],
    [
      'no file hash and size',
      narinfo({ FileHash: undefined, FileSize: undefined }),
      { fileHash: null, fileSize: null },
    ],
    ['an unknown deriver', narinfo({ Deriver: 'unknown-deriver' }), { deriver: null }],
    ['no deriver', narinfo({ Deriver: undefined }), { deriver: null }],
    ['a blank content address', narinfo({ CA: '' }), { ca: null }],
    ['no compression, which means bzip2', narinfo({ Compression: undefined }), { compression: 'bzip2' }],
    ['no signature', narinfo({ Sig: undefined }), { signatures: [] }],
    ['two signatures', `${narinfo({})}Sig: l:c2ln\n`, { signatures: ['k:c2ln', 'l:c2ln'] }],
    ['an unknown field', `Extra: 1\nExtra: 2\n${narinfo({})}`, {}],
    ['a URL with a query', narinfo({ URL: 'nar/x.nar?hash=1' }), { url: 'nar/x.nar?hash=1' }],
    ['an absolute URL', narinfo({ URL: 'https://cdn.example/x.nar' }), { url: 'https://cdn.example/x.nar' }],
  ];
  for (const [title, text, expected] of accepted) {
    test(`${title} is read`, () => {
      const info = parseNarInfo(text);
      assert.deepEqual({ ...info, ...expected }, info);
    });
  }

  test('a hash in base 16 is read, and written in nix32', () => {
    const hash = hashOf('sha256', 'x');
    const info = parseNarInfo(narinfo({ NarHash: `sha256:${hash.bytes.toString('hex')}` }));
    assert.deepEqual(info.narHash, hash);
    assert.match(formatNarInfo(info), /^NarHash: sha256:[0-9a-z]{52}$/m);
  });
});

const REFUSED: [string, string, RegExp][] = [
  ['no text', '', /field StorePath/],
  ['no newline at the end', narinfo({}).trimEnd(), /ends with a newline/],
  ['CRLF', narinfo({}).replaceAll('\n', '\r\n'), /carriage return/],
  [
    'References: without its space, where Nix swallows the next line',
    narinfo({}).replace(/References: .*/, 'References:'),
    /"Key: value"/,
  ],
  ['a line without a colon', `${narinfo({})}hello\n`, /"Key: value"/],
  ['an empty line', `${narinfo({})}\n`, /"Key: value"/],
  ['references twice', `${narinfo({})}References: ${HASH}-multi\n`, /given once/],
  ['a store path twice', `${narinfo({})}StorePath: /nix/store/${HASH}-other\n`, /given once/],
  ['a size of nothing', narinfo({ NarSize: '0' }), /from 1/],
  ['a size with a sign', narinfo({ NarSize: '+1' }), /from 1/],
  ['a size in base 16', narinfo({ NarSize: '0x10' }), /from 1/],
  ['a size beyond exact numbers', narinfo({ NarSize: '9007199254740992' }), /from 1/],
  ['a size of 60 digits', narinfo({ FileSize: '1'.repeat(60) }), /from 1/],
  ['a file hash of sha1', narinfo({ FileHash: 'sha1:cif5qwnpxmlsmspnbfh6fs29yj40baqn' }), /sha256/],
  ['a NAR hash of md5', narinfo({ NarHash: 'md5:1nmj754hfshigscar3rrzrkx5c' }), /sha256/],
  ['an unknown compression', narinfo({ Compression: 'zip' }), /one of none/],
  ['a path elsewhere', narinfo({ StorePath: '/etc/passwd' }), /below \/nix\/store/],
  ['a reference with its folder', narinfo({ References: `/nix/store/${HASH}-multi` }), /hash part/],
  ['a reference upwards', narinfo({ References: '../../etc/passwd' }), /hash part/],
  ['a deriver that is no path', narinfo({ Deriver: 'x' }), /hash part/],
  ['a URL with a space', narinfo({ URL: 'nar/a b' }), /without spaces/],
  ['an empty URL', narinfo({ URL: '' }), /without spaces/],
  ['a signature without a name', narinfo({ Sig: 'c2ln' }), /<key name>/],
  ['a content address of unknown kind', narinfo({ CA: 'magic:x' }), /text:<hash>/],
];

for (const [title, input, expected] of REFUSED) {
  test(`a narinfo with ${title} is refused`, () =>
    assertRefused((text) => parseNarInfo(text), input, expected));
}

const somePath = fc
  .string({ unit: fc.constantFrom(...'0189abcdfgxyz'.split('')), minLength: 32, maxLength: 32 })
  .map((hash) => formatStorePath(hash, 'x'));
const someHash = fc.uint8Array().map((bytes) => hashOf('sha256', bytes));
const someSize = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
/** Without null prototypes, which would make equal records unequal. */
function plainRecord<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

const someNarInfo: fc.Arbitrary<NarInfo> = plainRecord<NarInfo>({
  path: somePath,
  url: fc.constantFrom('nar/a.nar.zst', '../x', 'https://h/é?a=b'),
  compression: fc.constantFrom(...COMPRESSIONS),
  fileHash: fc.option(someHash),
  fileSize: fc.option(someSize),
  narHash: someHash,
  narSize: someSize,
  references: fc.uniqueArray(somePath).map((paths) => paths.toSorted()),
  deriver: fc.option(somePath),
  signatures: fc
    .uniqueArray(fc.base64String({ minLength: 4 }))
    .map((texts) => texts.map((text) => `k:${text}`).toSorted()),
  ca: fc.option(
    plainRecord({
      method: fc.constantFrom('flat' as const, 'nar' as const, 'text' as const),
      hash: someHash,
    }),
  ),
});

test('any narinfo parses from its own text', () => {
  fc.assert(fc.property(someNarInfo, (info) => assert.deepEqual(parseNarInfo(formatNarInfo(info)), info)));
});

test('any text parses or is refused', () => {
  const line = fc
    .tuple(fc.constantFrom(...Object.keys(FIELDS), 'CA', ''), fc.constantFrom(': ', ':', ''), fc.string())
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(line), (lines) =>
      assertNeverCrashes(() => parseNarInfo(narinfo({}) + lines.map((item) => `${item}\n`).join(''))),
    ),
  );
});

test('a value that would begin another line is never written', () => {
  const info = parseNarInfo(narinfo({}));
  assert.throws(() => formatNarInfo({ ...info, url: 'nar/x\nSig: k:c2ln' }), { name: 'ParseError' });
  assert.throws(() => formatNarInfo({ ...info, signatures: ['k:c2ln\nCA: '] }), { name: 'ParseError' });
});
