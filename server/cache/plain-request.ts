/** Requests that need no HTTP parser: `GET` or `HEAD` of a narinfo at the root, with headers that change nothing. */

import type { Resource } from './resource.ts';

export interface PlainRequest {
  readonly method: 'GET' | 'HEAD';
  readonly resource: Resource;
  /** All behind the path, to the empty line: with the same the next request is plain, too. */
  readonly tail: Buffer;
  /** Of all of it, in bytes. */
  readonly length: number;
}

const GET = Buffer.from('GET /');
const HEAD = Buffer.from('HEAD /');
const KEY = /^[0-9abcdfghijklmnpqrsvwxyz]{32}\.narinfo$/;
const KEY_LENGTH = 40;
const HASH_LENGTH = 32;
const VERSION = ' HTTP/1.1\r\n';
/** Longer ones are somebody's cookies. */
const LONGEST_HEADERS = 4_096;
const END = '\r\n\r\n';

/** What each may say; a header that is not here, or that comes twice, is for the real parser. */
const HEADERS: Readonly<Record<string, RegExp>> = {
  host: /^[0-9A-Za-z.:[\]_-]+$/,
  'user-agent': /^[\x20-\x7e]*$/,
  accept: /^[\x20-\x7e]*$/,
  'accept-encoding': /^[\x20-\x7e]*$/,
  'accept-language': /^[\x20-\x7e]*$/,
  connection: /^keep-alive$/i,
};

/**
 * Reads the first request of the bytes. `undefined` for one that is not plain, or not there as a whole.
 * @param known the tail of the request before.
 */
export function readPlainRequest(bytes: Buffer, known: Buffer | undefined): PlainRequest | undefined {
  const method = bytes[0] === 0x47 ? GET : HEAD;
  if (!startsWith(bytes, 0, method)) return undefined;
  const end = method.length + KEY_LENGTH;
  const key = bytes.toString('latin1', method.length, end);
  if (!KEY.test(key)) return undefined;
  const tail = known !== undefined && startsWith(bytes, end, known) ? known : readTail(bytes, end);
  if (tail === undefined) return undefined;
  return {
    method: method === GET ? 'GET' : 'HEAD',
    resource: { kind: 'narinfo', key, pathHash: key.slice(0, HASH_LENGTH) },
    tail,
    length: end + tail.length,
  };
}

function startsWith(bytes: Buffer, offset: number, what: Buffer): boolean {
  return (
    bytes.length >= offset + what.length &&
    bytes.compare(what, 0, what.length, offset, offset + what.length) === 0
  );
}

function readTail(bytes: Buffer, start: number): Buffer | undefined {
  if (bytes.toString('latin1', start, start + VERSION.length) !== VERSION) return undefined;
  const from = start + VERSION.length;
  const end = bytes.indexOf(END, from, 'latin1');
  if (end < 0 || end - from > LONGEST_HEADERS) return undefined;
  const seen = new Set<string>();
  for (const line of bytes.toString('latin1', from, end).split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
    if (colon < 0 || seen.has(name) || !Object.hasOwn(HEADERS, name) || HEADERS[name]?.test(value) !== true)
      return undefined;
    seen.add(name);
  }
  // A request without it is answered 400.
  if (!seen.has('host')) return undefined;
  // A copy: the chunk that it came in would stay with it.
  return Buffer.from(bytes.subarray(start, end + END.length));
}
