/** `nixwarp cache serve`: a binary cache by itself, out of a folder or the local store. */

import { readFile } from 'node:fs/promises';
import { parseSecretKey, type SecretKey } from '../../domain/nix/signature.ts';
import { DEFAULT_STORE_DIR } from '../../domain/nix/store-path.ts';
import { parseListenAddress } from '../../domain/listen.ts';
import { createWarningLogger } from '../../runtime/logger.ts';
import { openNixDatabase } from '../../server/cache/nix-database.ts';
import { openFolderSource } from '../../server/cache/sources/folder.ts';
import { createVerifiedSink } from '../../server/cache/sinks/verified-folder.ts';
import { createStoreSource } from '../../server/cache/sources/store.ts';
import type { CacheSink } from '../../server/cache/sink.ts';
import { createUnverifiedSink, openWritableFolder } from '../../server/cache/sinks/folder.ts';
import type { CacheSource } from '../../server/cache/source.ts';
import { startStandalone } from '../../server/cache/standalone.ts';
import { nixFolders } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { untilStopped } from '../up/until-stopped.ts';

export interface ServeCacheOptions {
  readonly dir?: string;
  readonly store?: true;
  readonly secretKeyFile?: readonly string[];
  readonly writable?: true;
  readonly unverified?: true;
  readonly listen: string;
  readonly priority?: number;
  readonly storeDir?: string;
}

/** Serves until SIGTERM or Ctrl-C. Reads no setting of the server's: all that it needs is said on the command line. */
export async function serveCache(options: ServeCacheOptions): Promise<number> {
  const stopped = untilStopped();
  const listen = parseListenAddress('--listen', options.listen, 0);
  const { what, ...ends } = await openCache(options);
  const server = await startStandalone({ ...ends, listen, logger: createWarningLogger('cache') }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new CommandFailure(EXIT.infrastructure, whyNotListening(error, options.listen));
    },
  );
  process.stdout.write(`serving ${what} at ${server.url}\n`);
  await stopped;
  await server.close();
  return EXIT.ok;
}

interface OpenCache {
  readonly source: CacheSource;
  readonly sink?: CacheSink;
  readonly what: string;
}

async function openCache(options: ServeCacheOptions): Promise<OpenCache> {
  const problem = problemOf(options);
  if (problem !== undefined) throw new CommandFailure(EXIT.usage, problem);
  const { dir, writable, unverified, storeDir = DEFAULT_STORE_DIR, priority } = options;
  if (dir === undefined) return openStore(options, storeDir);
  const folder = { path: dir, storeDir, priority };
  if (!writable) return { source: await openFolderSource(folder), what: dir };
  const files = await openWritableFolder(folder);
  return {
    source: await openFolderSource(folder),
    sink: unverified ? createUnverifiedSink(files) : createVerifiedSink({ files, storeDir }),
    what: `${dir} (writable${unverified ? ', unverified' : ''})`,
  };
}

/** Options that make no sense together, or alone. */
function problemOf(options: ServeCacheOptions): string | undefined {
  const { dir, store, writable, unverified, secretKeyFile, storeDir } = options;
  if (dir === undefined && !store) return 'cache serve needs --dir DIR or --store';
  if (dir !== undefined && store)
    return '--dir and --store exclude each other: serve each by a process of its own';
  if (store && writable) return '--writable is for --dir: a store is served read-only';
  if (unverified && !writable) return '--unverified says how uploads are taken: it needs --writable';
  if (secretKeyFile !== undefined && !store)
    return '--secret-key-file signs what --store serves; a folder has the signatures that are in its narinfo files';
  if (storeDir !== undefined && !/^(\/[^/\s]+)+$/.test(storeDir))
    return `--store-dir: "${storeDir}" is not an absolute path without a slash at its end`;
  return undefined;
}

/** As a cache that is asked after cache.nixos.org (40), before one that says nothing (50). */
const STORE_PRIORITY = 45;

async function openStore(
  { secretKeyFile = [], priority = STORE_PRIORITY }: ServeCacheOptions,
  storeDir: string,
): Promise<OpenCache> {
  const { database, logs } = nixFolders(storeDir);
  const secretKeys = await Promise.all(secretKeyFile.map(readSecretKey));
  const source = createStoreSource({
    database: openNixDatabase(database, storeDir),
    storeDir,
    logDir: logs,
    secretKeys,
    priority,
  });
  const keys = secretKeys.map((key) => key.name).join(', ');
  return { source, what: keys === '' ? storeDir : `${storeDir} (signed by ${keys})` };
}

async function readSecretKey(file: string): Promise<SecretKey> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandFailure(EXIT.usage, `--secret-key-file: ${error.message}`);
  });
  return parseSecretKey(text);
}

function whyNotListening(error: NodeJS.ErrnoException, listen: string): string {
  if (error.code === 'EADDRINUSE')
    return `${listen} is taken by another program: choose another address with --listen ADDR:PORT, or port 0 for any that is free`;
  return `cannot listen on ${listen}: ${error.message}`;
}
