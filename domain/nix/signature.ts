/** Keys and signatures of binary caches: ed25519 over a path's fingerprint (`src/libutil/signature`, `src/libstore/path-info.cc`). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ParseError } from '../parse-error.ts';
import { sortBytes } from './byte-order.ts';
import { decodeBase64, formatHash } from './hash.ts';
import type { PathInfo } from './path-info.ts';

export interface Signature {
  readonly keyName: string;
  /** 64 bytes. */
  readonly bytes: Buffer;
}

export interface PublicKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** The key is an object of node:crypto, which prints nothing of its content. */
export interface SecretKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** What the fingerprint covers; URL, compression, file hash, deriver and content address are outside it. */
export type Fingerprinted = Pick<PathInfo, 'path' | 'narHash' | 'narSize' | 'references'>;

/** `1;<store path>;<nix32 NAR hash>;<NAR size>;<references, sorted, comma-joined>`: the text that is signed. */
export function fingerprint({ path, narHash, narSize, references }: Fingerprinted): string {
  return `1;${path};${formatHash(narHash)};${narSize};${sortBytes(new Set(references)).join(',')}`;
}

export function signFingerprint(text: string, secretKey: SecretKey): Signature {
  return { keyName: secretKey.name, bytes: sign(null, Buffer.from(text), secretKey.key) };
}

/** True when one of the keys has the signature's name and made it. */
export function verifyFingerprint(
  text: string,
  signature: Signature,
  publicKeys: readonly PublicKey[],
): boolean {
  return publicKeys.some(
    ({ name, key }) => name === signature.keyName && verify(null, Buffer.from(text), key, signature.bytes),
  );
}

export function parseSignature(text: string): Signature {
  const { name, bytes } = parseNamed('signature', text, 64);
  return { keyName: name, bytes };
}

export function formatSignature({ keyName, bytes }: Signature): string {
  return `${keyName}:${bytes.toString('base64')}`;
}

/** Parses `<name>:<base 64 of 32 bytes>`, as in `trusted-public-keys`. */
export function parsePublicKey(text: string): PublicKey {
  const { name, bytes } = parseNamed('public key', text, 32);
  return {
    name,
    key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' }),
  };
}

export function formatPublicKey({ name, key }: PublicKey): string {
  return `${name}:${publicBytes(key).toString('base64')}`;
}

/** Parses the content of a secret key file, `<name>:<base 64 of seed and public key>`; no message quotes the secret. */
export function parseSecretKey(text: string): SecretKey {
  const trimmed = text.trim();
  const name = trimmed.slice(0, Math.max(trimmed.indexOf(':'), 0));
  const bytes = decodeBase64(trimmed.slice(name.length + 1));
  if (!NAME_PATTERN.test(name) || bytes?.length !== 64) {
    throw new ParseError('secret key', name, 'a name, followed by a colon and 64 bytes in base 64');
  }
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, bytes.subarray(0, 32)]),
    format: 'der',
    type: 'pkcs8',
  });
  if (!publicBytes(createPublicKey(key)).equals(bytes.subarray(32))) {
    throw new ParseError('secret key', name, 'a key whose second half is the public key of its first');
  }
  return { name, key };
}

/** Keys with white space between them, as in several files one behind the other; the first is the primary one. @throws ParseError */
export function parseSecretKeys(text: string): readonly [SecretKey, ...SecretKey[]] {
  const [first = '', ...others] = text.trim().split(/\s+/);
  const keys = [parseSecretKey(first), ...others.map(parseSecretKey)] as const;
  const twice = keys.find((key, index) => keys.findIndex((one) => one.name === key.name) !== index);
  if (twice !== undefined) throw new ParseError('secret keys', twice.name, 'the name of one key only');
  return keys;
}

/** The content of a secret key file, as `nix-store --generate-binary-cache-key` writes it. */
export function formatSecretKey({ name, key }: SecretKey): string {
  const seed = key.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length);
  return `${name}:${Buffer.concat([seed, publicBytes(createPublicKey(key))]).toString('base64')}`;
}

export function generateSecretKey(name: string): SecretKey {
  if (!NAME_PATTERN.test(name)) throw new ParseError('key name', name, 'free of colons and white space');
  return { name, key: generateKeyPairSync('ed25519').privateKey };
}

export function publicKeyOf({ name, key }: SecretKey): PublicKey {
  return { name, key: createPublicKey(key) };
}

const NAME_PATTERN = /^[^:\s]+$/;

/** DER (RFC 8410) up to the 32 bytes of an ed25519 seed, and of a public key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function publicBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

function parseNamed(format: string, text: string, byteLength: number): { name: string; bytes: Buffer } {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0));
  const bytes = decodeBase64(text.slice(colon + 1));
  if (!NAME_PATTERN.test(name) || bytes?.length !== byteLength) {
    throw new ParseError(format, text, `a name, a colon and ${byteLength} bytes in base 64`);
  }
  return { name, bytes };
}
