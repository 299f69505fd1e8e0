/** `nixwarp cache serve`: a binary cache by itself, out of a folder or the local store. */

import { DEFAULT_STORE_DIR } from '../../domain/nix/store-path.ts';
import { parseListenAddress } from '../../domain/listen.ts';
import { createWarningLogger } from '../../runtime/logger.ts';
import { openFolderSource } from '../../server/cache/sources/folder.ts';
import type { CacheSource } from '../../server/cache/source.ts';
import { startStandalone } from '../../server/cache/standalone.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { untilStopped } from '../up/until-stopped.ts';

export interface ServeCacheOptions {
  readonly dir?: string;
  readonly listen: string;
  readonly priority?: number;
  readonly storeDir?: string;
}

/** Serves until SIGTERM or Ctrl-C. Reads no setting of the server's: all that it needs is said on the command line. */
export async function serveCache(options: ServeCacheOptions): Promise<number> {
  const stopped = untilStopped();
  const listen = parseListenAddress('--listen', options.listen, 0);
  const { source, what } = await openSource(options);
  const server = await startStandalone({ source, listen, logger: createWarningLogger('cache') }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new CommandFailure(EXIT.infrastructure, whyNotListening(error, options.listen));
    },
  );
  process.stdout.write(`serving ${what} at ${server.url}\n`);
  await stopped;
  await server.close();
  return EXIT.ok;
}

async function openSource({
  dir,
  storeDir = DEFAULT_STORE_DIR,
  priority,
}: ServeCacheOptions): Promise<{ source: CacheSource; what: string }> {
  if (dir === undefined) throw new CommandFailure(EXIT.usage, 'cache serve needs --dir DIR or --store');
  return { source: await openFolderSource({ path: dir, storeDir, priority }), what: dir };
}

function whyNotListening(error: NodeJS.ErrnoException, listen: string): string {
  if (error.code === 'EADDRINUSE')
    return `${listen} is taken by another program: choose another address with --listen ADDR:PORT, or port 0 for any that is free`;
  return `cannot listen on ${listen}: ${error.message}`;
}
