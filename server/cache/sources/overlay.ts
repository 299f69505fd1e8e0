/** Sources one over the other: the first that has a resource answers. */

import type { CacheSource } from '../source.ts';

export function overlaySources(first: CacheSource, second: CacheSource): CacheSource {
  return {
    storeDir: first.storeDir,
    find: async (resource) => (await first.find(resource)) ?? second.find(resource),
  };
}
