/** Reads the inside of a NAR that a cache has, from a byte on, without unpacking what lies in front of it where that is possible. */

import { createReadStream } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { formatHash } from '../../domain/nix/hash.ts';
import { createNarReader } from '../../domain/nix/nar-read.ts';
import { type NarInfo, parseNarInfo } from '../../domain/nix/narinfo.ts';
import { decompress, parseUploadCompression } from './decompress.ts';
import { createListingBuilder } from './nar-listing.ts';
import { parseResource, type Resource } from './resource.ts';
import { readSeekable } from './seekable-zstd.ts';
import { bytesContent, type CacheSource, type Content, type ContentBody } from './source.ts';

export interface StoredNar {
  readonly info: NarInfo;
  /** Uncompressed bytes from `start` (inclusive) to `end` (exclusive). @throws Error where there are fewer. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** A narinfo is a page, a listing of a million files a hundred megabytes. */
const MOST_TEXT_BYTES = 256 * 2 ** 20;
const READ_BYTES = 256 * 1024;

/** `undefined` where the cache has no such path, or its NAR lies elsewhere. */
export async function openStoredNar(source: CacheSource, pathHash: string): Promise<StoredNar | undefined> {
  const key = `${pathHash}.narinfo`;
  const found = await source.find({ kind: 'narinfo', key, pathHash });
  if (found === undefined) return undefined;
  const info = parseNarInfo(await readText(found), source.storeDir);
  const resource = parseResource(info.url);
  const content = resource?.kind === 'nar' ? await source.find(resource) : undefined;
  if (content === undefined || !READABLE.has(content.body.kind)) return undefined;
  return { info, read: (start, end) => readPart(info, content, start, end) };
}

async function* readPart(
  { compression, narSize, path }: NarInfo,
  content: Content,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  if (end > narSize) throw new Error(`bytes up to ${end} of the NAR of ${path}, which has ${narSize}`);
  const { body } = content;
  if (compression === 'none') yield* plainBytes(content, start, end);
  // Its table of frames, where it has one, says where to begin.
  else if (compression === 'zstd' && body.kind === 'file') yield* readSeekable(body.path, start, end);
  else {
    const all = plainBytes(content, 0, content.size);
    yield* slice(decompress(parseUploadCompression(compression), all, narSize), start, end);
  }
}

/** What lies elsewhere is not entered. */
const READABLE: ReadonlySet<ContentBody['kind']> = new Set(['bytes', 'file', 'stream']);

/** Bytes as they are stored. */
async function* plainBytes({ body }: Content, start: number, end: number): AsyncGenerator<Buffer> {
  if (body.kind === 'bytes') yield body.bytes.subarray(start, end);
  else if (body.kind === 'file')
    yield* createReadStream(body.path, {
      start,
      end: end - 1,
      highWaterMark: READ_BYTES,
    }) as AsyncIterable<Buffer>;
  else if (body.kind === 'stream') yield* body.read(start, end) as AsyncIterable<Buffer>;
  else throw new Error(`a content that is ${body.kind} cannot be read`);
}

async function* slice(source: AsyncIterable<Buffer>, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of source) {
    const from = Math.max(0, start - at);
    const to = Math.min(chunk.length, end - at);
    if (from < to) yield chunk.subarray(from, to);
    at += chunk.length;
    if (at >= end) return;
  }
  throw new Error(`${at} bytes, not ${end}`);
}

/** The text of a small resource. @throws Error where it is not small. */
export async function readText(content: Content): Promise<string> {
  if (content.size > MOST_TEXT_BYTES) throw new Error(`a text of ${content.size} bytes`);
  const { body } = content;
  return body.kind === 'bytes' ? body.bytes.toString() : textOf(plainBytes(content, 0, content.size));
}

/** Bytes of listings that are kept, together. */
const KEPT_BYTES = 64 * 2 ** 20;

/** The source, with a listing for every path whose NAR it has: made by reading the NAR where there is none. */
export function withListings(source: CacheSource): CacheSource {
  const made = new LRUCache<string, { text: string }>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ text }) => text.length + 1,
  });

  const making = new Map<string, Promise<string | null>>();

  async function find(pathHash: string): Promise<Content | undefined> {
    const nar = await openStoredNar(source, pathHash);
    if (nar === undefined) return undefined;
    const key = formatHash(nar.info.narHash);
    const known = made.get(key);
    if (known !== undefined) return bytesContent(known.text);
    // Many that ask at once wait for one reading of the NAR.
    const pending = making.get(key) ?? makeListing(nar).finally(() => making.delete(key));
    making.set(key, pending);
    const text = await pending;
    if (text === null) return undefined;
    made.set(key, { text });
    return bytesContent(text);
  }

  return {
    ...source,
    find: (resource: Resource) => {
      const found = source.find(resource);
      const { kind, pathHash } = resource;
      if (kind !== 'listing' || pathHash === null) return found;
      return Promise.resolve(found).then((content) => content ?? find(pathHash));
    },
  };
}

/** `null` where it cannot be written. @throws ParseError where it is no NAR. */
async function makeListing(nar: StoredNar): Promise<string | null> {
  const listing = createListingBuilder();
  const reader = createNarReader(listing.visitor);
  for await (const chunk of nar.read(0, nar.info.narSize)) reader.write(chunk);
  reader.end();
  return listing.listing();
}
