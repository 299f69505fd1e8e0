import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findFreePort } from '../../cli/up/ports.ts';
import { insertStorePaths } from '../../db/store-paths.ts';
import { formatSecretKey, generateSecretKey } from '../../domain/nix/signature.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { disposeOnTermination } from '../support/termination.ts';

interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Pids of the processes that answer. */
  answering(): Promise<readonly number[]>;
}

async function startServer(database: TestDatabase, processes: number): Promise<TestServer> {
  const stateDir = await mkdtemp(join(tmpdir(), 'nixwarp-processes-'));
  const port = await findFreePort();
  const child = fork(new URL('../../server/main.ts', import.meta.url), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database.url,
      NIXWARP_STATE_DIR: stateDir,
      NIXWARP_LISTEN: `127.0.0.1:${port}`,
      NIXWARP_ADMIN_TOKEN: 'admin',
      NIXWARP_BUILDER_TOKEN: 'builder',
      NIXWARP_CACHE_SECRET_KEY: formatSecretKey(generateSecretKey('test-1')),
      NIXWARP_PUBLIC_VIEW: 'everything',
      NIXWARP_SERVER_PROCESSES: String(processes),
    },
  });
  const server: TestServer = {
    url: `http://127.0.0.1:${port}`,
    child,
    answering: async () => {
      const text = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
      return text
        .split(' ')
        .filter((word) => word !== '')
        .map(Number);
    },
    [Symbol.asyncDispose]: async () => {
      forget();
      await end(child, 'SIGKILL');
      await rm(stateDir, { recursive: true, force: true });
    },
  };
  const forget = disposeOnTermination(server);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return server;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return ended;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await holds());)
    if (Date.now() > deadline) throw new Error('it never came true');
    else await new Promise((resolve) => setTimeout(resolve, 20));
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Each connection goes to another process. */
async function statusesOf(url: string, count: number): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const response = await fetch(url, { headers: { connection: 'close' } });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}

test('several processes on one port know what another process published, replace who dies, and all end on SIGTERM', async () => {
  await using database = await createTestDatabase();
  await using server = await startServer(database, 2);
  const first = await server.answering();
  assert.equal(first.length, 2);
  const hash = '1'.repeat(32);
  const url = `${server.url}/${hash}.narinfo`;
  assert.deepEqual(await statusesOf(url, 4), [404, 404, 404, 404]);
  await database.connection.transaction((tx) =>
    insertStorePaths(tx, [
      {
        pathHash: hash,
        path: `/nix/store/${hash}-name`,
        narHash: `sha256:${'0'.repeat(52)}`,
        narSize: 1,
        url: `nar/${'0'.repeat(52)}.nar.zst`,
        compression: 'zstd',
        fileHash: `sha256:${'0'.repeat(52)}`,
        fileSize: 1,
        deriver: null,
        ca: null,
        references: [],
        signatures: [],
      },
    ]),
  );
  await until(async () => (await statusesOf(url, 4)).every((status) => status === 200));

  const [victim = 0, survivor] = first;
  process.kill(victim, 'SIGKILL');
  await until(async () => {
    const now = await server.answering();
    return now.length === 2 && !now.includes(victim);
  });
  const second = await server.answering();
  assert.ok(survivor !== undefined && second.includes(survivor));
  await until(async () => (await statusesOf(url, 4)).every((status) => status === 200));

  assert.equal(await end(server.child, 'SIGTERM'), 0);
  assert.deepEqual(second.filter(lives), []);
});

test('processes whose first one is killed end by themselves', async () => {
  await using database = await createTestDatabase();
  await using server = await startServer(database, 2);
  const pids = await server.answering();
  assert.equal(pids.length, 2);
  await end(server.child, 'SIGKILL');
  await until(() => !pids.some(lives));
});
