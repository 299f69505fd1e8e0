import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  contentAddressedPath,
  formatContentAddress,
  formatMethodAlgorithm,
  parseContentAddress,
  parseIngestionMethod,
  parseMethodAlgorithm,
} from '../../../domain/nix/content-address.ts';
import { hashOf } from '../../../domain/nix/hash.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { test } from '../../support/test.ts';

const SHA256 = 'sha256:1bgaydi564z09q4yjccgrv2byzwn4dj5hj72z1x5c61143wsdmrv';
const SHA1 = 'sha1:cif5qwnpxmlsmspnbfh6fs29yj40baqn';

const ROUND_TRIPS: [string, string][] = [
  [`text:${SHA256}`, 'text'],
  [`fixed:${SHA256}`, 'flat'],
  [`fixed:r:${SHA256}`, 'nar'],
  [`fixed:git:${SHA1}`, 'git'],
];

for (const [text, method] of ROUND_TRIPS) {
  test(`${text.slice(0, 12)}… is ${method}, and formats to the same text`, () => {
    const address = parseContentAddress(text);
    assert.equal(address.method, method);
    assert.equal(formatContentAddress(address), text);
  });
}

test('a hash in another spelling is the same content address', () => {
  const hash = hashOf('sha256', 'x');
  assert.deepEqual(parseContentAddress(`fixed:r:sha256:${hash.bytes.toString('hex')}`), {
    method: 'nar',
    hash,
  });
});

const REFUSED: [string, string, RegExp][] = [
  ['an empty text', '', /text:<hash>/],
  ['a hash alone', SHA256, /text:<hash>/],
  ['a recursive text', `text:r:${SHA256}`, /text:<hash>/],
  ['an unknown method', `fixed:x:${SHA256}`, /md5, sha1/],
  ['no hash', 'fixed:r:', /<algorithm>/],
];

for (const [title, input, expected] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(parseContentAddress, input, expected));
}

test('any text parses or is refused', () => {
  const like = fc
    .tuple(fc.constantFrom('fixed:', 'text:', 'fixed:r:'), fc.string())
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => assertNeverCrashes(() => parseContentAddress(text))),
  );
});

test('the hashAlgo of an output holds method and algorithm', () => {
  for (const text of ['sha256', 'r:sha256', 'r:sha1', 'text:sha256', 'git:sha1']) {
    const { method, algorithm } = parseMethodAlgorithm(text);
    assert.equal(formatMethodAlgorithm(method, algorithm), text);
  }
  assertRefused(parseMethodAlgorithm, 'r:r:sha256', /md5, sha1/);
});

test("the JSON's words for methods are flat, nar, text and git; recursive is an old word for nar", () => {
  assert.equal(parseIngestionMethod('recursive'), 'nar');
  assert.equal(parseIngestionMethod('nar'), 'nar');
  assertRefused(parseIngestionMethod, 'toString', /flat, nar, text or git/);
});

test('a text that refers to itself has no path', () => {
  const address = { method: 'text', hash: hashOf('sha256', 'x') } as const;
  assert.throws(() => contentAddressedPath('x', address, { others: [], self: true }), /reference to itself/);
});
