/** Where a cache's finished files are kept, by their key as in a `file://` cache: a folder, or a bucket. */

import type { Readable } from 'node:stream';
import type { CacheSource } from '../source.ts';

export interface StoredBlob {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface BlobStore {
  /** What clients are sent: NARs, and the small files that are not rendered from the index. */
  readonly files: CacheSource;
  /** Whether narinfos are served out of it as they were written; elsewhere they are rendered from the index. */
  readonly servesNarInfos: boolean;
  /** Sends a large file ahead, so that `put` has nothing left to do but to look. Nothing where that is a moment's work anyway. */
  prepare(file: string, key: string): Promise<void>;
  /** Takes a finished local file over. Whoever looks sees nothing, or the whole of it. */
  put(file: string, key: string): Promise<void>;
  /** Writes a small file as a whole. */
  write(key: string, content: string | Uint8Array, sync: boolean): Promise<void>;
  /** Of a small file; `undefined` where there is none. */
  read(key: string): Promise<Buffer | undefined>;
  /** All bytes. Fails with the code ENOENT where there is none. */
  stream(key: string): Readable;
  exists(key: string): Promise<boolean>;
  remove(key: string): Promise<void>;
  /** Moves a file out of the store, to a local one. Nothing where there is none. */
  takeOut(key: string, file: string): Promise<void>;
  /** All keys that begin so, in any order. */
  list(prefix: string): AsyncIterable<StoredBlob>;
}
