import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { parsePathInfoJson } from '../../../domain/nix/path-info.ts';
import {
  fingerprint,
  formatPublicKey,
  formatSecretKey,
  formatSignature,
  generateSecretKey,
  parsePublicKey,
  parseSecretKey,
  parseSignature,
  publicKeyOf,
  signFingerprint,
  verifyFingerprint,
} from '../../../domain/nix/signature.ts';
import { NIX_VERSIONS, listVectors, readVector } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

const publicKey = parsePublicKey(readVector('key.public'));
const secretKey = parseSecretKey(readVector('key.secret'));

for (const version of NIX_VERSIONS) {
  describe(`keys and signatures of Nix ${version}`, () => {
    test('a generated key pair belongs together, and formats to the same text', () => {
      const text = readVector(version, 'secret-key.txt');
      const key = parseSecretKey(text);
      assert.equal(formatSecretKey(key), text);
      assert.equal(formatPublicKey(publicKeyOf(key)), readVector(version, 'public-key.txt'));
    });

    test('every signature in a narinfo verifies, and signing again gives the same', () => {
      for (const file of listVectors(version, 'cache')) {
        const info = parseNarInfo(readVector(version, 'cache', file));
        const text = fingerprint(info);
        assert.equal(info.signatures.length, 1);
        const signature = parseSignature(info.signatures[0]!);
        assert.ok(verifyFingerprint(text, signature, [publicKey]), file);
        assert.equal(formatSignature(signFingerprint(text, secretKey)), info.signatures[0]);
      }
    });

    test('signatures in path info verify too', () => {
      const { valid } = parsePathInfoJson(readVector(version, 'path-info.json'));
      const signed = valid.flatMap((info) =>
        info.signatures.map((text) => ({ info, signature: parseSignature(text) })),
      );
      assert.ok(signed.length >= 7);
      for (const { info, signature } of signed)
        assert.ok(verifyFingerprint(fingerprint(info), signature, [publicKey]));
    });
  });
}

const info = parseNarInfo(readVector('2.34', 'cache', '1g885dd4ga64zm31j17kgr68d0a1s617.narinfo'));

test('the fingerprint holds full paths, references sorted, the hash in nix32', () => {
  const path = '/nix/store/1g885dd4ga64zm31j17kgr68d0a1s617-multi';
  assert.equal(
    fingerprint(info),
    `1;${path};sha256:1m6djxbrhp0qczw0rx7wcdbm6hzl9ifl176bcq35c9fbxn1kzc9v;168;${path}`,
  );
});

test('references count once, in whatever order they are given', () => {
  const { valid } = parsePathInfoJson(readVector('2.34', 'path-info.json'));
  const many = valid.find((candidate) => candidate.references.length > 2)!;
  const shuffled = { ...many, references: [...many.references, ...many.references].toReversed() };
  assert.equal(fingerprint(shuffled), fingerprint(many));
});

test('a signature does not verify for another fingerprint, with another key, or under another name', () => {
  const signature = parseSignature(info.signatures[0]!);
  const text = fingerprint(info);
  const other = publicKeyOf(generateSecretKey(publicKey.name));
  assert.ok(!verifyFingerprint(fingerprint({ ...info, narSize: 169 }), signature, [publicKey]));
  assert.ok(!verifyFingerprint(text, signature, [other]));
  assert.ok(!verifyFingerprint(text, signature, [{ ...publicKey, name: 'renamed-1' }]));
  assert.ok(!verifyFingerprint(text, signature, []));
  assert.ok(verifyFingerprint(text, signature, [other, publicKey]), 'one of two keys under a name is enough');
});

test('any text signed by a generated key verifies by its public key', () => {
  const key = generateSecretKey('generated-1');
  const restored = parsePublicKey(formatPublicKey(publicKeyOf(parseSecretKey(`${formatSecretKey(key)}\n`))));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const signature = parseSignature(formatSignature(signFingerprint(text, key)));
      assert.ok(verifyFingerprint(text, signature, [restored]));
    }),
    { numRuns: 30 },
  );
});

const B64 = Buffer.alloc(64, 7).toString('base64');
const REFUSED: [string, (text: string) => unknown, string, RegExp][] = [
  ['a signature without a name', parseSignature, B64, /a name, a colon and 64 bytes/],
  ['a signature with an empty name', parseSignature, `:${B64}`, /a name/],
  ['a signature of 63 bytes', parseSignature, `k:${Buffer.alloc(63).toString('base64')}`, /64 bytes/],
  ['a signature with a newline', parseSignature, `k:${B64}\n`, /64 bytes/],
  ['a signature in base 64 of URLs', parseSignature, `k:${B64.replace('B', '-')}`, /64 bytes/],
  ['a signature with two colons', parseSignature, `k:k:${B64}`, /64 bytes/],
  ['a public key of 31 bytes', parsePublicKey, `k:${Buffer.alloc(31).toString('base64')}`, /32 bytes/],
  [
    'a public key whose name has a space',
    parsePublicKey,
    `a b:${Buffer.alloc(32).toString('base64')}`,
    /a name/,
  ],
  ['a key name with a colon', generateSecretKey, 'a:b', /free of colons/],
];

for (const [title, parse, input, expected] of REFUSED) {
  test(`${title} is refused`, () => assertRefused(parse, input, expected));
}

test('a secret key is refused without a word of the secret', () => {
  const wrongHalf = `k:${Buffer.alloc(64, 9).toString('base64')}`;
  for (const text of [wrongHalf, `k:${B64.slice(0, 40)}`, B64, '']) {
    assert.throws(
      () => parseSecretKey(text),
      (error: Error) => error.name === 'ParseError' && !error.message.includes(text.slice(3, 12) || 'none'),
    );
  }
});

test('a secret key that is printed shows nothing of the secret', () => {
  const [, secret = ''] = formatSecretKey(secretKey).split(':');
  const seed = Buffer.from(secret, 'base64').subarray(0, 32);
  const printed = `${inspect(secretKey, { depth: 10, showHidden: true })}${JSON.stringify(secretKey)}`;
  for (const form of [secret.slice(0, 12), seed.toString('hex').slice(0, 12)])
    assert.ok(!printed.includes(form));
});

test('any text is a key or signature or is refused', () => {
  const like = fc.tuple(fc.string(), fc.base64String()).map((parts) => parts.join(':'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      for (const parse of [parseSignature, parsePublicKey, parseSecretKey])
        assertNeverCrashes(() => parse(text));
    }),
  );
});
