/** The server collects the garbage of its cache by itself, once a day unless told otherwise. */

import type { Logger } from 'pino';
import type { Connection } from '../db/database.ts';
import { createLoop, type Loop } from '../runtime/loop.ts';
import type { CacheFolder } from './cache/cache-folder.ts';
import { collectGarbage, type CollectSettings } from './cache/collect.ts';

export interface CollectingOptions {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly config: { readonly collect: CollectSettings; readonly collectEverySeconds: number };
  readonly logger: Logger;
}

/** `undefined` where only commands collect. */
export function startCollecting({ connection, folder, config, logger }: CollectingOptions): Loop | undefined {
  if (config.collectEverySeconds === 0) return undefined;
  return createLoop({
    everySeconds: config.collectEverySeconds,
    run: async () => {
      const collected = await collectGarbage({ connection, folder }, config.collect, false);
      if (collected.removed + collected.sweptNars > 0)
        logger.info(collected, 'garbage of the cache was collected');
    },
    onError: (error) => logger.warn(error, 'collecting the garbage of the cache failed'),
  });
}
