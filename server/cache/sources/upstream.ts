/** What upstream caches have, through us: narinfos with URLs of ours, and the bytes behind them. */

import { listUpstreamNars } from '../../../db/upstream-nars.ts';
import type { Connection } from '../../../db/database.ts';
import type { CacheSource, Content } from '../source.ts';
import type { KnownPath, KnownPaths } from '../upstream/known-paths.ts';

export interface UpstreamSourceOptions {
  /** Asked first: what it has is never asked of upstreams. */
  readonly inner: CacheSource;
  readonly connection: Connection;
  readonly known: KnownPaths;
  /** Whether this view shows a path that only upstreams have. */
  readonly shows: (known: KnownPath) => Promise<boolean>;
  /** Fetches the bytes of one of these paths: all have the same. */
  readonly pull: (paths: readonly [KnownPath, ...KnownPath[]]) => Promise<Content | undefined>;
}

/** Wraps a source. Bytes are fetched when they are sent, never when they are only asked about. */
export function createUpstreamSource(options: UpstreamSourceOptions): CacheSource {
  const { inner, connection, known, shows, pull } = options;

  function findNarInfo(pathHash: string): ReturnType<CacheSource['find']> {
    const found = known.find(pathHash);
    return found === undefined ? undefined : showNarInfo(found);
  }

  async function showNarInfo(
    found: KnownPath | Promise<KnownPath | undefined>,
  ): Promise<Content | undefined> {
    const path = await found;
    return path !== undefined && (await shows(path)) ? path.content : undefined;
  }

  async function findNar(url: string): Promise<Content | undefined> {
    const shown: KnownPath[] = [];
    for (const row of await listUpstreamNars(connection.db, url)) {
      const path = known.read(row);
      if (path !== undefined && (await shows(path))) shown.push(path);
    }
    const [first, ...others] = shown;
    if (first === undefined) return undefined;
    return { size: first.fileSize ?? 0, body: { kind: 'remote', fetch: () => pull([first, ...others]) } };
  }

  function findBehind(resource: Parameters<CacheSource['find']>[0]): ReturnType<CacheSource['find']> {
    if (resource.kind === 'narinfo' && resource.pathHash !== null) return findNarInfo(resource.pathHash);
    return resource.kind === 'nar' ? findNar(resource.key) : undefined;
  }

  return {
    storeDir: inner.storeDir,
    find: (resource) => {
      const found = inner.find(resource);
      if (found instanceof Promise) return found.then((content) => content ?? findBehind(resource));
      return found ?? findBehind(resource);
    },
  };
}
