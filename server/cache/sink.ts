/** Where a cache's uploads go: a folder, an index with a folder. */

import type { Readable } from 'node:stream';
import type { Resource } from './resource.ts';

/** What became of an upload: `kept` is what was there already, with the same meaning. */
export type Taken = 'created' | 'replaced' | 'kept';

export interface CacheSink {
  /**
   * Asked before the body is, so that a client that expects `100 Continue` need not send what is refused.
   * @throws ParseError, ConflictError where no body could be right.
   */
  admit?(resource: Resource): Promise<void>;
  /**
   * Takes the bytes, without any content encoding; the resource is there when this resolves, and nothing of it when it rejects.
   * @throws ParseError for bytes that cannot be right, ConflictError for those that contradict what is there.
   */
  put(resource: Resource, body: Readable): Promise<Taken>;
}
