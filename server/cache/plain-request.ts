/** Requests that need no HTTP parser: `GET` or `HEAD` of a narinfo at the root, with headers that change nothing. */

import type { Resource } from './resource.ts';

export interface PlainRequest {
  readonly method: 'GET' | 'HEAD';
  readonly resource: Resource;
  /** Its headers with the empty line: with the same ones the next request is plain, too. */
  readonly headers: Buffer;
  /** All of it. */
  readonly bytes: Buffer;
  readonly length: number;
}

const REQUEST_LINE = /^(GET|HEAD) \/(([0-9abcdfghijklmnpqrsvwxyz]{32})\.narinfo) HTTP\/1\.1\r\n/;
/** "HEAD /", 32 letters, ".narinfo HTTP/1.1" and the line's end. */
const LONGEST_LINE = 57;
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
 * @param known headers of the request before.
 */
export function readPlainRequest(bytes: Buffer, known: Buffer | undefined): PlainRequest | undefined {
  const line = REQUEST_LINE.exec(bytes.toString('latin1', 0, LONGEST_LINE));
  const [text = '', method, key, pathHash] = line ?? [];
  if (key === undefined || pathHash === undefined) return undefined;
  const headers = isSame(bytes, text.length, known) ? known : readHeaders(bytes, text.length);
  if (headers === undefined) return undefined;
  const length = text.length + headers.length;
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    resource: { kind: 'narinfo', key, pathHash },
    headers,
    bytes: bytes.subarray(0, length),
    length,
  };
}

function isSame(bytes: Buffer, start: number, known: Buffer | undefined): known is Buffer {
  return (
    known !== undefined &&
    bytes.length - start >= known.length &&
    bytes.compare(known, 0, known.length, start, start + known.length) === 0
  );
}

function readHeaders(bytes: Buffer, start: number): Buffer | undefined {
  const end = bytes.indexOf(END, start, 'latin1');
  if (end < 0 || end - start > LONGEST_HEADERS) return undefined;
  const seen = new Set<string>();
  for (const line of bytes.toString('latin1', start, end).split('\r\n')) {
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
