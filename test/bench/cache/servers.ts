/** The servers that are compared: nginx with one worker, and ours with one process, each on the first CPU. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT_FOLDER } from '../../../cli/config.ts';
import { connectDatabase } from '../../../db/database.ts';
import { migrate } from '../../../db/migrate.ts';
import { insertStorePaths } from '../../../db/store-paths.ts';
import { formatSecretKey, generateSecretKey } from '../../../domain/nix/signature.ts';
import { findFreePort } from '../../../cli/up/ports.ts';
import { startOwnPostgres } from '../../support/own-postgres.ts';
import type { Corpus } from './corpus.ts';

export interface BenchServer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Of the process that answers. */
  readonly pid: number;
}

export const SERVER_CPU = '0';
export const CLIENT_CPU = '1';
const START_MS = 60_000;

export async function startNginx(corpus: Corpus, folder: string): Promise<BenchServer> {
  const port = await findFreePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; user root;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 130s; keepalive_requests 100000000;
  client_body_temp_path ${folder}/nginx-body;
  types { text/x-nix-narinfo narinfo; application/x-nix-nar nar zst; }
  server { listen 127.0.0.1:${port}; root ${corpus.folder}; }
}
`,
  );
  const child = spawn('taskset', ['-c', SERVER_CPU, 'nginx', '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url, child);
  const workers = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return {
    name: 'nginx',
    url,
    pid: Number(workers.trim().split(' ')[0]),
    [Symbol.asyncDispose]: () => stop(child, 'SIGQUIT'),
  };
}

/** The server process with a database of its own; the corpus is its cache. */
export async function startOurs(corpus: Corpus, stateDir: string): Promise<BenchServer> {
  const database = await startOwnPostgres();
  {
    await using connection = connectDatabase({ url: database.url, applicationName: 'bench' });
    await migrate(connection);
    await connection.transaction((tx) => insertStorePaths(tx, corpus.rows));
  }
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'taskset',
    ['-c', SERVER_CPU, process.execPath, join(PROJECT_FOLDER, 'server/main.ts')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: database.url,
        NIXWARP_STATE_DIR: stateDir,
        NIXWARP_LISTEN: `127.0.0.1:${port}`,
        NIXWARP_ADMIN_TOKEN: 'bench',
        NIXWARP_BUILDER_TOKEN: 'bench-builder',
        NIXWARP_CACHE_SECRET_KEY: formatSecretKey(generateSecretKey('bench-1')),
        NIXWARP_PUBLIC_VIEW: 'everything',
      },
    },
  );
  await untilAnswers(url, child);
  return {
    name: 'nixwarp',
    url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      await stop(child, 'SIGTERM');
      await database[Symbol.asyncDispose]();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + START_MS; ; await sleep(100)) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`the server at ${url} did not start`);
    const response = await fetch(`${url}/nix-cache-info`).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

export interface ProcessFacts {
  /** CPU time since its start. */
  readonly cpuSeconds: number;
  readonly residentMebibytes: number;
  readonly peakMebibytes: number;
}

/** proc(5); a clock tick is 10 ms. */
export async function processFacts(pid: number): Promise<ProcessFacts> {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return {
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / 100,
    residentMebibytes: mebibytes('VmRSS'),
    peakMebibytes: mebibytes('VmHWM'),
  };
}
