/** Evaluations on a real stack: sharing, cancelling, retrying, and every way in which a build can end. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  clientOf,
  findDuplicates,
  outcomesOf,
  startRun,
  until,
  untilFinished,
  untilRunning,
} from '../support/runs.ts';
import { layers, uniqueSalt, writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { temporaryFolder } from '../support/temporary.ts';

let stack: TestStack;

before(async () => {
  stack = await startTestStack();
});
after(() => stack[Symbol.asyncDispose]());

test('two evaluations at once build what they share once, and cancelling one leaves the other its steps', async () => {
  const salt = uniqueSalt();
  const file = await writeSet({ attributes: layers([2, 2, 1], 1), salt });
  const [first, second] = await Promise.all([
    startRun(stack, file, 'first'),
    startRun(stack, file, 'second'),
  ]);
  await untilRunning(stack, first, 'l0n0');
  await clientOf(stack).cancel(first);
  const [cancelled, other] = await Promise.all([untilFinished(stack, first), untilFinished(stack, second)]);
  assert.equal(cancelled.evaluation.outcome, 'cancelled');
  assert.deepEqual(outcomesOf(other), {
    l0n0: 'built',
    l0n1: 'built',
    l1n0: 'built',
    l1n1: 'built',
    l2n0: 'built',
  });
  assert.deepEqual(await findDuplicates(stack, second), { attempts: [], ingests: [] });
  const again = await untilFinished(stack, await startRun(stack, file, 'third'));
  assert.deepEqual(new Set(Object.values(outcomesOf(again))), new Set(['substituted']));
});

test('a cancelled build is gone with its whole process tree within 30 s, what ignores signals and leaves its session included', async () => {
  const marker = `nixwarp-${uniqueSalt()}`;
  // Two loops that ignore every signal but KILL, one of them in a session of its own; the marker is in their arguments.
  const loop = `trap "" TERM INT HUP; while :; do sleep 7; done; echo ${marker}`;
  const attributes = `{ stubborn = sh "stubborn" ''setsid sh -c '${loop}' & sh -c '${loop}' ''; }`;
  const file = await writeSet({ attributes });
  const evaluationId = await startRun(stack, file);
  await untilRunning(stack, evaluationId, 'stubborn');
  const alive = (): number => {
    const lines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
    return lines.filter((line) => line.includes(marker) && !line.includes('ps -eo')).length;
  };
  await until('its processes run', async () => alive() >= 2, 20);
  const askedAt = Date.now();
  await clientOf(stack).cancel(evaluationId);
  await until('its processes are gone', async () => alive() === 0, 30);
  const document = await untilFinished(stack, evaluationId, 30);
  assert.deepEqual(outcomesOf(document), { stubborn: 'cancelled' });
  assert.equal(document.jobs[0]?.hydraStatus, 4);
  assert.ok(Date.now() - askedAt < 30_000);
});

test('each ending has its outcome, its number as in Hydra, and a verdict', async () => {
  const file = await writeSet({
    attributes: `{
      good = sh "good" "echo fine > $out";
      fails = sh "fails" "echo 'main.c:3:1: error: expected declaration'; exit 1";
      user = sh "user" "echo \${shWith { } "fails" "echo 'main.c:3:1: error: expected declaration'; exit 1"} > $out";
      hash = shWith { outputHash = "sha256:0000000000000000000000000000000000000000000000000000"; outputHashMode = "flat"; } "hash" "echo other > $out";
      output = sh "output" "mkdir -p $out/nix-support; touch $out/nix-support/failed";
      nothing = sh "nothing" "echo built nothing";
      metrics = sh "metrics" "mkdir -p $out/nix-support; echo 'speed 42.5 GB/s' > $out/nix-support/hydra-metrics; echo report > $out/r.txt; echo \\"report text $out/r.txt\\" > $out/nix-support/hydra-build-products";
      signal = sh "signal" "kill -SEGV $$";
      elsewhere = shWith { system = "riscv64-linux"; } "elsewhere" "echo no > $out";
      special = shWith { requiredSystemFeatures = [ "quantum" ]; } "special" "echo no > $out";
    }`,
  });
  const document = await untilFinished(stack, await startRun(stack, file));
  assert.deepEqual(outcomesOf(document), {
    elsewhere: 'not-run',
    fails: 'failed',
    good: 'built',
    hash: 'hash-mismatch',
    metrics: 'built',
    nothing: 'failed',
    output: 'failed-with-output',
    signal: 'failed',
    special: 'not-run',
    user: 'dependency-failed',
  });
  const of = new Map(document.jobs.map((job) => [job.name, job]));
  const statuses = Object.fromEntries(document.jobs.map((job) => [job.name, job.hydraStatus]));
  assert.deepEqual(statuses, {
    elsewhere: null,
    fails: 1,
    good: 0,
    hash: 1,
    metrics: 0,
    nothing: 1,
    output: 6,
    signal: 1,
    special: null,
    user: 2,
  });
  assert.match(of.get('fails')?.verdict?.evidence ?? '', /main\.c:3:1: error: expected declaration/);
  assert.equal(of.get('hash')?.verdict?.class, 'fetch-failure');
  assert.equal(of.get('nothing')?.verdict?.class, 'build-output');
  assert.equal(of.get('user')?.root, 'fails');
  assert.match(
    of.get('elsewhere')?.reason ?? '',
    /needs a builder for riscv64-linux; no such builder has ever been seen/,
  );
  assert.match(of.get('special')?.reason ?? '', /with quantum/);
  assert.equal(document.summary['built'], 2);
});

test('limits end a build: time, silence, log and output size', async () => {
  const file = await writeSet({
    attributes: `{
      slow = sh "slow" "while :; do echo still here; sleep 1; done" // { meta.timeout = 3; };
      silent = sh "silent" "sleep 60" // { meta.maxSilent = 2; };
      loud = sh "loud" "while :; do echo 0123456789012345678901234567890123456789; done";
      huge = sh "huge" "head -c 3000000 /dev/zero > $out";
    }`,
  });
  const limits = { logBytes: 100_000, outputBytes: 2_000_000, timeoutSeconds: 60 };
  const evaluationId = await startRun(stack, file, 'limits', {
    limits: { ...(await defaults()), ...limits },
  });
  const document = await untilFinished(stack, evaluationId);
  assert.deepEqual(outcomesOf(document), {
    huge: 'output-limit',
    loud: 'log-limit',
    silent: 'silent-timed-out',
    slow: 'timed-out',
  });
  assert.deepEqual(
    document.jobs.map((job) => job.hydraStatus),
    [11, 10, 7, 7],
  );
  const loud = document.jobs.find((job) => job.name === 'loud');
  const { steps } = await clientOf(stack).job(loud?.id ?? 0);
  const bytes = steps[0]?.attempts[0]?.logBytes ?? 0;
  assert.ok(bytes >= 100_000 && bytes < 400_000, `the log kept what came: ${bytes} bytes`);
});

async function defaults(): Promise<object> {
  const [jobset] = await clientOf(stack).jobsets();
  return jobset?.config.limits ?? {};
}

test('a failed job can be retried alone or with its dependents, once its cause is gone', async () => {
  const folder = await temporaryFolder('flag');
  // Builds run as other users.
  await chmod(folder, 0o755);
  const flag = join(folder, 'flag');
  const file = await writeSet({
    attributes: `rec {
      needy = sh "needy" "test -e ${flag} && echo there > $out";
      user = sh "user" "cat \${needy} > $out";
      last = sh "last" "cat \${user} > $out";
    }`,
  });
  const evaluationId = await startRun(stack, file);
  const failed = await untilFinished(stack, evaluationId);
  assert.deepEqual(outcomesOf(failed), {
    last: 'dependency-failed',
    needy: 'failed',
    user: 'dependency-failed',
  });
  execFileSync('touch', [flag]);
  const client = clientOf(stack);
  const user = failed.jobs.find((job) => job.name === 'user');
  assert.equal((await client.retryJob(user?.id ?? 0, false)).steps, 2);
  const between = await untilFinished(stack, evaluationId);
  assert.deepEqual(outcomesOf(between), { last: 'dependency-failed', needy: 'built', user: 'built' });
  assert.equal(between.jobs.find((job) => job.name === 'needy')?.attempts, 2);
  assert.equal((await client.retryEvaluation(evaluationId, true)).steps, 1);
  assert.deepEqual(outcomesOf(await untilFinished(stack, evaluationId)), {
    last: 'built',
    needy: 'built',
    user: 'built',
  });
  assert.equal((await client.retryEvaluation(evaluationId, true)).steps, 0);
});

test('evaluation errors of one attribute leave the others, and are told by name', async () => {
  const file = await writeSet({
    attributes: `{
      good = sh "good" "echo fine > $out";
      throws = throw "not today";
      missing = { }.nothing;
      "dotted.name" = sh "dotted" "echo dotted > $out";
      nested = { recurseForDerivations = true; inner = sh "inner" "echo inner > $out"; };
      unmarked = { hidden = sh "hidden" "echo hidden > $out"; };
      gate = shWith { _hydraAggregate = true; constituents = [ "good" "nested.inner" ]; } "gate" "echo gate > $out";
      broken = shWith { _hydraAggregate = true; constituents = [ "absent" ]; } "broken" "echo broken > $out";
    }`,
  });
  const document = await untilFinished(stack, await startRun(stack, file));
  assert.deepEqual(outcomesOf(document), {
    '"dotted.name"': 'built',
    gate: 'built',
    good: 'built',
    'nested.inner': 'built',
  });
  assert.deepEqual(document.jobs.find((job) => job.name === 'gate')?.constituents, ['good', 'nested.inner']);
  const errors = Object.fromEntries(document.errors.map((error) => [error.name, error.message]));
  assert.match(errors['throws'] ?? '', /not today/);
  assert.match(errors['missing'] ?? '', /attribute 'nothing' missing/);
  assert.match(errors['broken'] ?? '', /constituent "absent" does not exist/);
  assert.equal(document.errors.length, 3);
});

test('a file that does not evaluate at all is one error, and no job', async () => {
  const file = await writeSet({ attributes: '{ a = ; }' });
  const document = await untilFinished(stack, await startRun(stack, file));
  assert.deepEqual([document.jobs.length, document.errors.length], [0, 1]);
  assert.match(document.errors[0]?.message ?? '', /syntax error/);
});

test('a drained builder takes no more work, and takes it again when it is activated', async () => {
  const client = clientOf(stack);
  const [builder] = await client.builders();
  const name = builder?.name ?? '';
  await client.setBuilder(name, 'drain', 'a test of draining');
  await until('it says so', async () => (await client.builders())[0]?.state === 'drained');
  assert.equal((await client.builders())[0]?.reason, 'a test of draining');
  const config = { notRunAfterSeconds: 600 };
  const evaluationId = await startRun(
    stack,
    await writeSet({ attributes: '{ later = sh "later" "echo later > $out"; }' }),
    'later',
    config,
  );
  const reason = async () => (await client.document(evaluationId)).jobs[0]?.reason;
  await until('it waits', async () => typeof (await reason()) === 'string', 30);
  assert.equal(
    await reason(),
    `needs a builder for ${builder?.systems[0]}; ${name} is drained: a test of draining`,
  );
  await client.setBuilder(name, 'activate');
  assert.deepEqual(outcomesOf(await untilFinished(stack, evaluationId)), { later: 'built' });
});
