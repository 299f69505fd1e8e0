/** Triggers: what changed is evaluated once, a burst is one, a newer revision supersedes, a schedule asks by itself. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Jobset } from '../../domain/api/resources.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import { clientOf, outcomesOf, until, untilFinished, untilRunning } from '../support/runs.ts';
import { uniqueSalt } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { temporaryFolder } from '../support/temporary.ts';

let stack: TestStack;

before(async () => {
  stack = await startTestStack();
});
after(() => stack[Symbol.asyncDispose]());

function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  return execFileSync('git', ['-C', folder, ...identity, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** A repository with one job, which sleeps for `seconds`. */
async function repository(
  seconds = 0,
): Promise<{ folder: string; commit: (seconds?: number) => Promise<string> }> {
  const folder = await temporaryFolder('git');
  git(folder, 'init', '--quiet', '--initial-branch=main');
  const commit = async (sleep = seconds): Promise<string> => {
    const script = `sleep ${sleep}; echo ${uniqueSalt()} > $out`;
    await writeFile(
      join(folder, 'default.nix'),
      `{ job = derivation { name = "job"; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; args = [ "-c" "${script}" ]; }; }`,
    );
    git(folder, 'add', '.');
    git(folder, 'commit', '--quiet', '-m', 'change');
    return git(folder, 'rev-parse', 'HEAD');
  };
  await commit();
  return { folder, commit };
}

async function saveJobset(name: string, url: string, config: object = {}): Promise<Jobset> {
  const source = { file: 'default.nix', git: { url, ref: 'main' } };
  return clientOf(stack).saveJobset({
    config: parseJobsetConfig({
      name,
      project: 'triggers',
      source,
      debounceSeconds: 1,
      notRunAfterSeconds: 0,
      ...config,
    }),
    baseFolder: null,
  });
}

async function settled(triggerId: number) {
  return until(`trigger ${triggerId} is settled`, async () => {
    const trigger = await clientOf(stack).findTrigger(triggerId);
    return trigger.state === 'pending' ? undefined : trigger;
  });
}

test('a revision is evaluated once: an unchanged one starts nothing, unless it is forced', async () => {
  const client = clientOf(stack);
  const { folder, commit } = await repository();
  const jobset = await saveJobset('unchanged', folder);
  const first = await settled((await client.trigger(jobset.id, false)).id);
  assert.equal(first.state, 'started', first.message ?? '');
  const document = await untilFinished(stack, first.evaluationId ?? 0);
  assert.deepEqual(outcomesOf(document), { job: 'built' });
  assert.equal(document.evaluation.revision, git(folder, 'rev-parse', 'HEAD'));
  const second = await settled((await client.trigger(jobset.id, false)).id);
  assert.deepEqual([second.state, second.evaluationId], ['unchanged', null]);
  assert.equal((await settled((await client.trigger(jobset.id, true)).id)).state, 'started');
  const revision = await commit();
  const third = await settled((await client.trigger(jobset.id, false)).id);
  assert.equal((await untilFinished(stack, third.evaluationId ?? 0)).evaluation.revision, revision);
});

test('a burst of triggers is one evaluation', async () => {
  const client = clientOf(stack);
  const { folder } = await repository();
  const jobset = await saveJobset('burst', folder);
  const triggers = await Promise.all(Array.from({ length: 5 }, () => client.trigger(jobset.id, false)));
  const ends = await Promise.all(triggers.map((trigger) => settled(trigger.id)));
  assert.deepEqual(ends.map((end) => end.state).toSorted(), [
    'merged',
    'merged',
    'merged',
    'merged',
    'started',
  ]);
  assert.equal(new Set(ends.map((end) => end.evaluationId)).size, 1);
});

test('a newer revision supersedes an evaluation that still runs, and what both want is built once', async () => {
  const client = clientOf(stack);
  const { folder, commit } = await repository(60);
  const jobset = await saveJobset('supersede', folder);
  const old = await settled((await client.trigger(jobset.id, false)).id);
  await untilRunning(stack, old.evaluationId ?? 0, 'job');
  await commit(0);
  const next = await settled((await client.trigger(jobset.id, false)).id);
  assert.deepEqual(outcomesOf(await untilFinished(stack, next.evaluationId ?? 0)), { job: 'built' });
  const superseded = await untilFinished(stack, old.evaluationId ?? 0, 30);
  assert.equal(superseded.evaluation.outcome, 'superseded');
});

test('with the policy "finish" an older evaluation goes on', async () => {
  const client = clientOf(stack);
  const { folder, commit } = await repository(3);
  const jobset = await saveJobset('finish', folder, { supersede: 'finish' });
  const old = await settled((await client.trigger(jobset.id, false)).id);
  await commit(0);
  await settled((await client.trigger(jobset.id, false)).id);
  assert.deepEqual(outcomesOf(await untilFinished(stack, old.evaluationId ?? 0)), { job: 'built' });
});

test('a source that cannot be had fails its trigger with the reason', async () => {
  const jobset = await saveJobset('absent', '/nowhere/at/all');
  const end = await settled((await clientOf(stack).trigger(jobset.id, false)).id);
  assert.equal(end.state, 'failed');
  assert.match(end.message ?? '', /\/nowhere\/at\/all/);
});

test("a jobset's schedule is a Temporal schedule: it asks by itself, changes with the jobset, and goes with it", async () => {
  const { folder } = await repository();
  const jobset = await saveJobset('scheduled', folder, { schedule: { everySeconds: 10 } });
  const connection = await Connection.connect({
    address: `127.0.0.1:${stack.environment['NIXWARP_TEMPORAL_PORT']}`,
  });
  const [namespace] = (await connection.workflowService.listNamespaces({})).namespaces
    .map((one) => one.namespaceInfo?.name ?? '')
    .filter((name) => name.startsWith('nixwarp-'));
  const temporal = new Client({ connection, namespace: namespace ?? '' });
  const handle = temporal.schedule.getHandle('schedule/triggers/scheduled');
  await until(
    'the schedule is there',
    async () => (await handle.describe()).spec.intervals?.[0]?.every === 10_000,
  );
  await until(
    'it started an evaluation',
    async () => {
      const found = (await clientOf(stack).jobsets()).find((one) => one.id === jobset.id);
      return found?.lastEvaluationId !== null;
    },
    30,
  );
  await saveJobset('scheduled', folder, { schedule: { everySeconds: 3600 } });
  await until(
    'the schedule changed',
    async () => (await handle.describe()).spec.intervals?.[0]?.every === 3_600_000,
  );
  await saveJobset('scheduled', folder);
  await until('the schedule is gone', () =>
    handle.describe().then(
      () => false,
      () => true,
    ),
  );
  await connection.close();
});
