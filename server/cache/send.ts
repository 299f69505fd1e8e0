/** Answers one resource: whole, in ranges, or not again (RFC 9110). */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type ByteRange, parseRanges } from '../range.ts';
import type { ResourceKind } from './resource.ts';
import { writeFilePart } from './send-file.ts';
import type { Content } from './source.ts';

export const CONTENT_TYPES: Readonly<Record<ResourceKind, string>> = {
  'nix-cache-info': 'text/x-nix-cache-info',
  narinfo: 'text/x-nix-narinfo',
  listing: 'application/json',
  nar: 'application/x-nix-nar',
  log: 'text/plain; charset=utf-8',
  realisation: 'application/json',
  'build-trace': 'application/json',
  debuginfo: 'application/json',
};

/** Shared caches and clients: signatures may be added to a narinfo, a newer build may have another log; a NAR is its hash. */
const LIFETIMES: Readonly<Record<ResourceKind, string>> = {
  'nix-cache-info': 'max-age=3600',
  narinfo: 'max-age=86400',
  listing: 'max-age=86400',
  nar: 'max-age=31536000, immutable',
  log: 'max-age=3600',
  realisation: 'max-age=3600',
  'build-trace': 'max-age=3600',
  debuginfo: 'max-age=86400',
};

/** More in one request is no client that wants to resume: it gets the whole. */
const MAX_RANGES = 16;

export interface SendOptions {
  readonly kind: ResourceKind;
  /** Whether anybody may see it: only then shared caches may keep it. */
  readonly isPublic: boolean;
  /** Where nginx finds files, as `X-Accel-Redirect`; `undefined`: this process sends them. */
  readonly accelerate?: (path: string) => string | undefined;
  /** Said beside the usual ones, or instead: a file of a package has a type of its own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is said of a content whatever the request is. */
export function contentHeaders(
  { tag }: Content,
  { kind, isPublic, headers = {} }: Pick<SendOptions, 'kind' | 'isPublic' | 'headers'>,
): Record<string, string> {
  return {
    'content-type': CONTENT_TYPES[kind],
    'accept-ranges': 'bytes',
    'cache-control': `${isPublic ? 'public' : 'private'}, ${LIFETIMES[kind]}`,
    'x-content-type-options': 'nosniff',
    ...(tag === undefined ? {} : { etag: `"${tag}"` }),
    ...(isPublic ? {} : { vary: 'authorization' }),
    ...headers,
  };
}

/** Sends to the end. A transfer that breaks is cut, so that the client notices. */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  options: SendOptions,
): Promise<void> {
  const { body, size } = content;
  if (body.kind === 'redirect') {
    response.writeHead(307, { location: body.url, 'content-length': 0, 'cache-control': 'no-store' }).end();
    return;
  }
  const headers = contentHeaders(content, options);
  const etag = headers['etag'];
  if (etag !== undefined && matches(request.headers['if-none-match'], etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const ranges = rangesOf(request, size, etag);
  if (ranges === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}`, 'content-length': 0 }).end();
    return;
  }
  const inner = body.kind === 'file' ? options.accelerate?.(body.path) : undefined;
  if (inner !== undefined) {
    // nginx says these itself, of the file that it sends.
    const { 'accept-ranges': _ranges, etag: _etag, ...others } = headers;
    response.writeHead(200, { ...others, 'x-accel-redirect': inner }).end();
    return;
  }
  if (ranges.length > 1) {
    await sendParts(request, response, content, ranges, headers);
    return;
  }
  const [range] = ranges;
  const { start, end } = range ?? { start: 0, end: size };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  });
  if (body.kind === 'bytes' && request.method !== 'HEAD') {
    // One call, one packet.
    response.end(body.bytes.subarray(start, end));
    return;
  }
  await writePart(request, response, content, { start, end });
  response.end();
}

/** None: the whole is sent. */
function rangesOf(
  { headers }: IncomingMessage,
  size: number,
  etag: string | undefined,
): readonly ByteRange[] | 'unsatisfiable' {
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== etag) return [];
  const ranges = parseRanges(headers.range, size);
  return ranges.length > MAX_RANGES && ranges !== 'unsatisfiable' ? [] : ranges;
}

async function sendParts(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  parts: readonly ByteRange[],
  headers: Record<string, string | number>,
): Promise<void> {
  const boundary = randomBytes(16).toString('hex');
  const heads = parts.map(({ start, end }) =>
    Buffer.from(
      `\r\n--${boundary}\r\ncontent-type: ${headers['content-type']}\r\ncontent-range: bytes ${start}-${end - 1}/${content.size}\r\n\r\n`,
    ),
  );
  const foot = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length =
    foot.length +
    parts.reduce((sum, { start, end }, index) => sum + end - start + (heads[index]?.length ?? 0), 0);
  response.writeHead(206, {
    ...headers,
    'content-type': `multipart/byteranges; boundary=${boundary}`,
    'content-length': length,
  });
  for (const [index, part] of parts.entries()) {
    response.write(heads[index]);
    await writePart(request, response, content, part);
  }
  response.end(foot);
}

async function writePart(
  { method }: IncomingMessage,
  response: ServerResponse,
  { body }: Content,
  { start, end }: ByteRange,
): Promise<void> {
  if (method === 'HEAD' || start >= end) return;
  switch (body.kind) {
    case 'bytes':
      response.write(body.bytes.subarray(start, end));
      return;
    case 'file':
      await writeFilePart(response, body, start, end);
      return;
    case 'stream':
      await pipeline(body.read(start, end), response, { end: false });
      return;
    case 'redirect':
    case 'remote':
      throw new Error(`a content that is ${body.kind} has no parts`);
  }
}

function matches(header: string | undefined, etag: string): boolean {
  return (
    header !== undefined &&
    header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
  );
}
