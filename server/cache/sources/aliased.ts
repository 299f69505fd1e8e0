/** NARs that were compressed anew, still found by the URL that an earlier narinfo named. */

import { parseResource } from '../resource.ts';
import type { CacheSource } from '../source.ts';

/** `findAlias` tells where the bytes are now; it is asked for misses only. */
export function aliasNars(
  source: CacheSource,
  findAlias: (url: string) => Promise<string | undefined>,
): CacheSource {
  return {
    storeDir: source.storeDir,
    find: async (resource) => {
      const found = await source.find(resource);
      if (found !== undefined || resource.kind !== 'nar') return found;
      const url = await findAlias(resource.key);
      const now = url === undefined ? undefined : parseResource(url);
      return now === undefined ? undefined : source.find(now);
    },
  };
}
