/** A binary cache for one test: in this process over a source, or as `nixwarp cache serve` beside it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { createWarningLogger } from '../../runtime/logger.ts';
import { type Standalone, type StandaloneOptions, startStandalone } from '../../server/cache/standalone.ts';
import { disposeOnTermination } from './termination.ts';

export interface TestCache extends AsyncDisposable {
  readonly url: string;
}

/** In this process. What it warns of goes nowhere: tests provoke it. */
export async function startTestCache(
  options: Pick<StandaloneOptions, 'source' | 'sink'>,
): Promise<TestCache & Standalone> {
  const logger = createWarningLogger('cache');
  logger.level = 'silent';
  const server = await startStandalone({ ...options, listen: { host: '127.0.0.1', port: 0 }, logger });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

export interface ServedCache extends TestCache {
  readonly process: ChildProcess;
  /** All that it printed. */
  readonly output: () => string;
  /** Asks it to stop by a signal, and gives its exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `nixwarp cache serve ARGS` on a free port, ready when this resolves. */
export async function serveCache(args: readonly string[]): Promise<ServedCache> {
  const child = spawn(
    process.execPath,
    [join(PROJECT_FOLDER, 'cli', 'main.ts'), 'cache', 'serve', '--listen', '127.0.0.1:0', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } },
  );
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const [found] = /http:\/\/\S+/.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    });
    ended.then(
      () => reject(new Error(`cache serve ${args.join(' ')} ended: ${printed}`)),
      (error: unknown) => reject(error as Error),
    );
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    const [status] = await ended;
    return status;
  };
  const dispose = async (): Promise<void> => void (await stop());
  const forget = disposeOnTermination({ [Symbol.asyncDispose]: dispose });
  return {
    url,
    process: child,
    output: () => printed,
    stop,
    [Symbol.asyncDispose]: async () => {
      forget();
      await dispose();
    },
  };
}

export interface Folder extends AsyncDisposable {
  readonly path: string;
}

export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'nixwarp-cache-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** A request whose path is sent as it is written: `fetch` would resolve dots and encode. */
export async function ask(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const sent = request({ host: hostname, port, path, method, headers, agent: false });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) };
}
