/** `nixwarp push`: paths of the local store, with all that they refer to, into the server's cache. */

import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServerClient } from '../../activities/adapters/server-client.ts';
import { createStoreQueries, type StoreQueries } from '../../activities/adapters/store-queries.ts';
import { sendClosure } from '../../activities/send-outputs.ts';
import { parseViewName, type ViewName } from '../../domain/ci/view.ts';
import type { PathInfo } from '../../domain/nix/path-info.ts';
import { splitStorePath } from '../../domain/nix/store-path.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { type CopyOptions, copyToView, missingIn } from '../push/copy-to-view.ts';
import { watchStore } from '../push/watch-store.ts';
import { untilStopped } from '../up/until-stopped.ts';

export interface PushOptions {
  readonly stdin?: boolean;
  readonly watchStore?: boolean;
  readonly json?: boolean;
  /** Where it is shown: a staging view is a cache of its own, of all else the server decides. */
  readonly view?: string;
}

interface Pushed {
  /** Of the closure. */
  paths: number;
  uploaded: number;
  uploadedBytes: number;
  /** Paths that the cache has with other bytes: those stay. */
  readonly differing: string[];
}

/** A server that is being restarted is waited for, but a hook of Nix must not wait for ever. */
const MAX_TRIES = 10;
const MEBIBYTE = 2 ** 20;

export async function push(
  config: CliConfig,
  given: readonly string[],
  options: PushOptions,
): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const stop = new AbortController();
  const view = options.view === undefined ? 'public' : viewOf(options.view);
  const send = await createSender(config, view, say, stop.signal);
  await using store = createStoreQueries({ prefix: [], environment: definedOf(config.environment) });
  if (options.watchStore === true) {
    if (given.length > 0 || options.stdin === true)
      throw new CommandFailure(
        EXIT.usage,
        'push --watch-store takes no paths: it sends what is built from now on',
      );
    void untilStopped().then(() => stop.abort());
    await watchStore({
      store,
      say,
      signal: stop.signal,
      send: async (paths) => void (await send(store, paths)),
    });
    return EXIT.ok;
  }
  const paths = await pathsOf(config, given, options);
  const pushed = await send(store, paths);
  if (options.json === true) process.stdout.write(`${JSON.stringify(pushed)}\n`);
  else
    say(
      `${pushed.paths} paths are in ${view.startsWith('staging/') ? view : 'the cache'}, ${pushed.uploaded} of them new (${mebibytes(pushed.uploadedBytes)})`,
    );
  return EXIT.ok;
}

/** As a post-build-hook of Nix it gets its paths by `OUT_PATHS`. */
async function pathsOf(
  { environment }: CliConfig,
  given: readonly string[],
  { stdin }: PushOptions,
): Promise<readonly string[]> {
  const words = [...given];
  if (stdin === true) words.push(...(await text(process.stdin)).split(/\s+/));
  else if (given.length === 0) words.push(...(environment['OUT_PATHS'] ?? '').split(/\s+/));
  const named = words.filter((word) => word !== '');
  if (named.length === 0 && stdin !== true)
    throw new CommandFailure(
      EXIT.usage,
      'push needs store paths, --stdin or --watch-store; as a post-build-hook it reads OUT_PATHS',
    );
  return Promise.all(named.map(storePathOf));
}

/** `./result` and paths within an output mean the store path that they lead to. */
async function storePathOf(word: string): Promise<string> {
  const real = await realpath(word).catch((error: NodeJS.ErrnoException) => {
    throw new CommandFailure(
      EXIT.usage,
      `${word}: ${error.code === 'ENOENT' ? 'there is no such path' : error.message}`,
    );
  });
  // A store path that is a symbolic link is meant itself.
  return word.startsWith('/nix/store/') ? splitStorePath(word).storePath : splitStorePath(real).storePath;
}

function viewOf(word: string): ViewName {
  try {
    return parseViewName(word);
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `--view: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Send = (store: StoreQueries, paths: readonly string[]) => Promise<Pushed>;

async function createSender(
  { url, token, stateDir, environment }: CliConfig,
  view: ViewName,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Send> {
  const own = await readFile(join(stateDir, 'keys', 'admin-token'), 'utf8').catch(() => '');
  const known = token ?? own.trim();
  if (known === '')
    throw new CommandFailure(
      EXIT.usage,
      `push to ${url} needs a token that may push: set NIXWARP_TOKEN or NIXWARP_TOKEN_FILE`,
    );
  if (view.startsWith('staging/')) {
    const to = { url, token: known, view, environment: definedOf(environment) };
    return (store, paths) => sendToStaging(to, store, paths, say, signal);
  }
  const server = createServerClient({ url, token: known, onWaiting: say, maxTries: MAX_TRIES });
  const knownToServer = new Set<string>();
  return async (store, paths) => {
    const closure = await store.closureInfo([...new Set(paths)]);
    const pushed: Pushed = { paths: closure.length, uploaded: 0, uploadedBytes: 0, differing: [] };
    const differing = await sendClosure({ server, knownToServer }, null, closure, signal, {
      declared: (missing) => {
        if (missing.length > 0)
          say(`${missing.length} of ${closure.length} paths are missing (${mebibytes(sizeOf(missing))})`);
      },
      sent: ({ path, narSize }) => {
        pushed.uploaded += 1;
        pushed.uploadedBytes += narSize;
        say(`${path} (${mebibytes(narSize)})`);
      },
    });
    for (const path of differing) say(`${path} is in the cache with other bytes, which stay`);
    pushed.differing.push(...differing);
    return pushed;
  };
}

async function sendToStaging(
  to: CopyOptions,
  store: StoreQueries,
  paths: readonly string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Pushed> {
  const closure = await store.closureInfo([...new Set(paths)]);
  const missing = await missingIn(to, closure);
  if (missing.length > 0) {
    say(`${missing.length} of ${closure.length} paths are missing (${mebibytes(sizeOf(missing))})`);
    await copyToView(to, paths, signal);
  }
  const uploadedBytes = sizeOf(missing);
  return { paths: closure.length, uploaded: missing.length, uploadedBytes, differing: [] };
}

const sizeOf = (infos: readonly PathInfo[]): number => infos.reduce((sum, info) => sum + info.narSize, 0);
const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

function definedOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
