/** `nixwarp up` as a process: it resumes, names a taken port, leaves nothing behind, and minds no neighbour. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiClient } from '../../cli/client.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { readTarget } from '../../cli/run/target.ts';
import { findFreePort } from '../../cli/up/ports.ts';
import { until } from '../support/runs.ts';
import { layers, writeSet } from '../support/sets.ts';

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

interface Up {
  readonly url: string;
  readonly folder: string;
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

async function start(options: { folder?: string; port?: number } = {}): Promise<Up> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'nixwarp-up-')));
  folders.push(folder);
  const port = options.port ?? (await findFreePort());
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(PROJECT_FOLDER, 'cli', 'nixwarp.mjs'), 'up'], {
    env: {
      ...inherited,
      NIXWARP_STATE_DIR: folder,
      NIXWARP_LISTEN: `127.0.0.1:${port}`,
      NIXWARP_UPSTREAMS: ' ',
      NIXWARP_HEARTBEAT_SECONDS: '4',
      NIXWARP_RECONCILE_SECONDS: '2',
      NIXWARP_RETRY_DELAY_PERCENT: '10',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { url: `http://127.0.0.1:${port}`, folder, process: child, output: () => output, ended };
}

const ready = (up: Up): Promise<unknown> =>
  until(
    'it is up',
    async () =>
      up.output().includes('Ctrl-C stops everything') ||
      (up.process.exitCode !== null && Promise.reject(new Error(up.output()))),
  );

function processesOf(folder: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder));
}

async function clientFor(up: Up) {
  return createApiClient(up.url, (await readFile(join(up.folder, 'keys', 'admin-token'), 'utf8')).trim());
}

test('a second `up` on the same folder goes on where the first was stopped, and no process or build stays behind', async () => {
  const first = await start();
  await ready(first);
  const client = await clientFor(first);
  const run = await readTarget(await writeSet({ attributes: layers([2, 1], 3) }), '/', {
    args: [],
    argStrings: [],
    jobset: false,
    environment: process.env,
  });
  const { evaluationId } = await client.startRun(run);
  await until('a build runs', async () => (await client.progress(evaluationId, '')).running.length > 0);
  first.process.kill('SIGINT');
  assert.equal(await first.ended, 0, first.output());
  assert.deepEqual(processesOf(first.folder), []);
  assert.deepEqual(processesOf('sleep 3'), []);
  const second = await start({ folder: first.folder });
  await ready(second);
  const later = await clientFor(second);
  await until('it finished', async () => (await later.evaluation(evaluationId)).state === 'finished');
  assert.deepEqual((await later.document(evaluationId)).summary, { built: 3 });
  second.process.kill('SIGTERM');
  assert.equal(await second.ended, 0);
  assert.deepEqual(processesOf(first.folder), []);
});

test('a killed `up` leaves what the next one stops first', async () => {
  const first = await start();
  await ready(first);
  first.process.kill('SIGKILL');
  await first.ended;
  const second = await start({ folder: first.folder });
  await ready(second);
  assert.match(second.output(), /stopped what an earlier run left behind: .*postgres/);
  second.process.kill('SIGINT');
  await second.ended;
  assert.deepEqual(processesOf(first.folder), []);
});

test('two instances on one machine do not disturb each other, and two on one folder are refused', async () => {
  const [one, two] = await Promise.all([start(), start()]);
  await Promise.all([ready(one), ready(two)]);
  const statuses = await Promise.all([one, two].map(async (up) => (await clientFor(up)).status()));
  assert.notEqual(statuses[0]?.cache.publicKey, statuses[1]?.cache.publicKey);
  const third = await start({ folder: one.folder });
  assert.equal(await third.ended, 3);
  assert.match(third.output(), /nixwarp runs on this state folder already: process \d+, http:/);
  for (const up of [one, two]) up.process.kill('SIGINT');
  await Promise.all([one.ended, two.ended]);
});

test('a taken port is said by name, with the setting that changes it', async () => {
  const port = await findFreePort();
  const other = createServer().listen(port, '127.0.0.1');
  const up = await start({ port });
  assert.equal(await up.ended, 3);
  assert.match(
    up.output(),
    new RegExp(
      `port ${port} on 127\\.0\\.0\\.1, which the server is to listen on, is taken by another program; set NIXWARP_LISTEN`,
    ),
  );
  assert.deepEqual(processesOf(up.folder), []);
  other.close();
});
