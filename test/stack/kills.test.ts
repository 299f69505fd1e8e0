/** What survives what: each process is killed in the middle of a run, and the run ends as if nothing had happened. */

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findDuplicates, outcomesOf, startRun, until, untilFinished, untilRunning } from '../support/runs.ts';
import { layers, writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

before(async () => {
  stack = await startTestStack();
});
after(() => stack[Symbol.asyncDispose]());

/** Two builds at a time: eight of them take some six seconds, with a middle to be killed in. */
const SET = layers([2, 3, 2, 1], 1);

async function runThrough(disturb: (evaluationId: number) => Promise<void>): Promise<void> {
  const evaluationId = await startRun(stack, await writeSet({ attributes: SET }));
  await untilRunning(stack, evaluationId, 'l1n0');
  await disturb(evaluationId);
  const document = await untilFinished(stack, evaluationId);
  assert.deepEqual(
    new Set(Object.values(outcomesOf(document))),
    new Set(['built']),
    JSON.stringify(outcomesOf(document)),
  );
  assert.equal(document.jobs.length, 8);
  assert.deepEqual(await findDuplicates(stack, evaluationId), { attempts: [], ingests: [] });
}

async function kill(name: string): Promise<void> {
  const pid = await stack.pidOf(name);
  process.kill(pid, 'SIGKILL');
  await until(`${name} runs again`, async () => (await stack.pidOf(name)) !== pid);
}

test('a killed builder finds its builds again, and none is made twice', () =>
  runThrough(() => kill('builder')));

test('a killed coordinator goes on where it was', () => runThrough(() => kill('coordinator')));

test('a killed Temporal goes on from its file', () => runThrough(() => kill('temporal')));

test('a killed Postgres recovers, and nothing that was recorded is lost', () =>
  runThrough(() => kill('postgres')));

test('a killed server is waited for by those who need it', () => runThrough(() => kill('server')));

test("with Temporal's database deleted the run finishes, and nothing else is started again", async () => {
  const names = ['postgres', 'server', 'coordinator', 'builder'];
  const pids = await Promise.all(names.map((name) => stack.pidOf(name)));
  await runThrough(async () => {
    const pid = await stack.pidOf('temporal');
    process.kill(pid, 'SIGKILL');
    for (const suffix of ['', '-wal', '-shm'])
      await rm(join(stack.stateDir, 'temporal', `temporal.db${suffix}`), { force: true });
    await until('temporal runs again', async () => (await stack.pidOf('temporal')) !== pid);
  });
  assert.deepEqual(await Promise.all(names.map((name) => stack.pidOf(name))), pids);
});

test('everything killed at once is started again and finishes', () =>
  runThrough(async () => {
    for (const name of ['builder', 'coordinator', 'temporal', 'postgres', 'server'])
      process.kill(await stack.pidOf(name), 'SIGKILL');
  }));
