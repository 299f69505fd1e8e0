import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ChildSpec } from '../../../cli/up/child.ts';
import { stopLeftovers } from '../../../cli/up/leftovers.ts';
import { createSupervisor } from '../../../cli/up/supervisor.ts';
import { until } from '../../support/runs.ts';

async function runFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-supervisor-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A child that lives until it is stopped. */
function sleeper(folder: string, name = 'sleeper'): ChildSpec {
  return {
    name,
    argv: ['/bin/sleep', '600'],
    environment: {},
    logFile: join(folder, `${name}.log`),
    ipc: false,
    isReady: () => Promise.resolve(true),
    stopSignal: 'SIGTERM',
    stopMs: 5_000,
  };
}

async function pidsIn(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'children.json'), 'utf8');
  return (JSON.parse(text) as { pid: number }[]).map(({ pid }) => pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('children are remembered on disk, and stopped by who comes after a supervisor that was killed', async (t) => {
  const folder = await runFolder(t);
  await using supervisor = createSupervisor(folder, () => {});
  await supervisor.start(sleeper(folder));
  const [pid = 0] = await until('it is written down', async () => pidsIn(folder));
  assert.ok(isAlive(pid));
  assert.deepEqual(await stopLeftovers(folder), ['sleeper']);
  await until('it is gone', async () => !isAlive(pid));
});

test('without a folder to write to, children go on, and are stopped all the same', async (t) => {
  const folder = await runFolder(t);
  const said: string[] = [];
  const supervisor = createSupervisor(folder, (message) => void said.push(message));
  await supervisor.start(sleeper(folder));
  const [pid = 0] = await until('it is written down', async () => pidsIn(folder));
  await rm(folder, { recursive: true });
  // Its log cannot be opened: it is tried again and again, and said.
  const starting = supervisor.start(sleeper(folder, 'late'));
  await until('it is said', async () => said.some((message) => /late ended \(ENOENT/.test(message)));
  assert.ok(isAlive(pid), 'the first one goes on');
  await supervisor[Symbol.asyncDispose]();
  await until('it is gone', async () => !isAlive(pid));
  void starting;
});
