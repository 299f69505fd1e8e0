/** Where a cache's resources come from: a folder, the local store, an index with a folder or a bucket. */

import type { Readable } from 'node:stream';
import type { Resource } from './resource.ts';

/** The bytes of one resource, as they are sent. */
export interface Content {
  /** Of the whole, in bytes. */
  readonly size: number;
  /** Another one for other bytes, without quotes; absent: not known. */
  readonly tag?: string;
  readonly body: ContentBody;
}

export type ContentBody =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly path: string; readonly identity?: FileIdentity }
  /** Made anew for every reading, from `start` (inclusive) to `end` (exclusive). */
  | { readonly kind: 'stream'; readonly read: (start: number, end: number) => Readable }
  /** Elsewhere, by a temporary redirect: a presigned URL. */
  | { readonly kind: 'redirect'; readonly url: string }
  /** Not here, but to be had: fetched for who sends it (`undefined` where it cannot be had after all), and a miss for who only asks. */
  | { readonly kind: 'remote'; readonly fetch: () => Promise<Content | undefined> };

/** Of the file whose size and tag were told: another one, or one that was written to, is not sent in its stead. */
export interface FileIdentity {
  readonly inode: number;
  readonly modifiedMs: number;
  readonly size: number;
}

export interface CacheSource {
  readonly storeDir: string;
  /** The answer to a resource; a miss is `undefined`. What is in memory is answered without a promise. */
  find(resource: Resource): Content | undefined | Promise<Content | undefined>;
}

export function bytesContent(content: string | Buffer, tag?: string): Content {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { size: bytes.length, body: { kind: 'bytes', bytes }, ...(tag === undefined ? {} : { tag }) };
}
