/** What is asked for most, from memory: narinfos as they are sent, small NARs, and that there is no such path. */

import { readFile } from 'node:fs/promises';
import { createKeptContents } from '../kept-contents.ts';
import type { PathFollower } from '../path-follower.ts';
import type { Resource } from '../resource.ts';
import { type CacheSource, type Content, bytesContent } from '../source.ts';

export interface MemorySourceOptions {
  /** What a view shows, by asking the disk and Postgres. */
  readonly inner: CacheSource;
  /** Bytes of NARs whose path is known to be shown: not asked again who may see them. */
  readonly nars: CacheSource;
  readonly paths: Pick<PathFollower, 'views' | 'isCurrent' | 'onChange'>;
  /** Paths that have this bit are those of the view (`VIEW_BITS`). */
  readonly viewBit: number;
  /** Of all that is kept. */
  readonly maxBytes: number;
}

export interface MemorySource extends CacheSource {
  /** What is kept now. */
  readonly kept: { readonly entries: number; readonly bytes: number };
}

/** A NAR up to this is as much work to open as to send. */
const SMALL_NAR_BYTES = 64 * 1024;
/** Bytes on disk may be repaired or taken away meanwhile. */
const SMALL_NAR_MS = 60_000;

/**
 * Wraps a source. A narinfo is answered from memory only as long as the index says that its view shows it; a path that is not in
 * the index is a miss without a question to anybody. While the index may be wrong, the inner source answers all.
 */
export function createMemorySource(options: MemorySourceOptions): MemorySource {
  const { inner, nars, paths, viewBit, maxBytes } = options;
  const kept = createKeptContents(maxBytes);
  paths.onChange((hash) => (hash === undefined ? kept.forgetAll() : kept.forget(`${hash}.narinfo`)));

  const isShown = (hash: string): boolean => ((paths.views(hash) ?? 0) & viewBit) !== 0;

  function findNarInfo(resource: Resource, hash: string): ReturnType<CacheSource['find']> {
    // What is kept is shown: with each change of its path, who may see it among them, it was forgotten.
    const known = kept.get(resource.key);
    if (known !== undefined || !isShown(hash)) return known;
    return kept.fetch(resource.key, async () => {
      const content = await inner.find(resource);
      if (content === undefined) return undefined;
      const url = urlOf(content);
      return { content, ...(url === undefined ? {} : { url }) };
    });
  }

  function findNar(resource: Resource): ReturnType<CacheSource['find']> {
    const owner = kept.ownerOf(resource.key);
    if (owner === undefined || !isShown(owner)) return inner.find(resource);
    return kept.get(resource.key) ?? findShownNar(resource);
  }

  async function findShownNar(resource: Resource): Promise<Content | undefined> {
    const content = await nars.find(resource);
    if (content === undefined) return inner.find(resource);
    if (content.size > SMALL_NAR_BYTES || content.body.kind !== 'file') return content;
    const { path } = content.body;
    const read = async () => {
      const bytes = await readFile(path);
      // Another file than the one that was looked at: sent, if at all, from the disk.
      return { content: bytes.length === content.size ? bytesContent(bytes, content.tag) : content };
    };
    return kept.fetch(resource.key, read, SMALL_NAR_MS);
  }

  return {
    storeDir: inner.storeDir,
    find: (resource) => {
      if (!paths.isCurrent) return inner.find(resource);
      if (resource.kind === 'narinfo' && resource.pathHash !== null)
        return findNarInfo(resource, resource.pathHash);
      return resource.kind === 'nar' ? findNar(resource) : inner.find(resource);
    },
    get kept() {
      return { entries: kept.entries, bytes: kept.bytes };
    },
  };
}

/** The URL line of a narinfo. */
function urlOf({ body }: Content): string | undefined {
  return body.kind === 'bytes' ? /^URL: (\S+)$/m.exec(body.bytes.toString('latin1'))?.[1] : undefined;
}
