import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { finishPlanning, planStoredJobs } from '../../activities/plan.ts';
import { cancelEvaluation } from '../../db/cancel.ts';
import { getEvaluation, markEvaluated } from '../../db/evaluations.ts';
import { drainAroundUnserved } from '../../db/not-run.ts';
import { retrySteps } from '../../db/retry.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  addBuilder,
  endStep,
  hashFor,
  jobOutcomes,
  openWith,
  outboxLines,
  planDeps,
  planned,
  remaining,
  stepsByName,
  storeGraph,
} from '../support/graph.ts';

const DIAMOND = {
  base: {},
  left: { inputs: ['base'] },
  right: { inputs: ['base'] },
  top: { inputs: ['left', 'right'] },
};

test('a step is ready as soon as its own inputs are, and an evaluation is drained by its last one', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const evaluation = await planned(connection, { jobs: [{ name: 'top' }] });
  await addBuilder(connection, 'b');
  assert.equal(await remaining(connection, evaluation), 4);
  const states = async () =>
    Object.fromEntries(
      [...(await stepsByName(connection))].map(([name, step]) => [name, step.outcome ?? step.state]),
    );
  assert.deepEqual(await states(), { base: 'dispatched', left: 'waiting', right: 'waiting', top: 'waiting' });
  await endStep(connection, 'base', 'built');
  assert.deepEqual(await states(), {
    base: 'built',
    left: 'dispatched',
    right: 'dispatched',
    top: 'waiting',
  });
  await endStep(connection, 'left', 'built');
  await endStep(connection, 'right', 'substituted');
  await connection.transaction((tx) => markEvaluated(tx, evaluation));
  await endStep(connection, 'top', 'built');
  assert.equal(await remaining(connection, evaluation), 0);
  assert.deepEqual(await jobOutcomes(connection, evaluation), { top: 'built' });
  assert.ok((await outboxLines(connection)).includes('signal evaluation/default/test/1 stepsDrained'));
});

test('a failure ends all that needs it, names itself as their root, and leaves the rest alone', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { ...DIAMOND, other: {} });
  const evaluation = await planned(connection, {
    jobs: [{ name: 'top' }, { name: 'left' }, { name: 'other' }],
  });
  await addBuilder(connection, 'b');
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'left', 'failed');
  const steps = await stepsByName(connection);
  assert.deepEqual([steps.get('top')?.outcome, steps.get('top')?.root], ['dependency-failed', 'left']);
  assert.equal(steps.get('right')?.state, 'dispatched');
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    top: 'dependency-failed',
    left: 'failed',
    other: null,
  });
  assert.equal(await remaining(connection, evaluation), 2);
});

test('recording an ending twice changes nothing', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const evaluation = await planned(connection, { jobs: [{ name: 'top' }] });
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'base', 'failed');
  assert.equal((await stepsByName(connection)).get('base')?.outcome, 'built');
  assert.equal(await remaining(connection, evaluation), 3);
});

test('two evaluations share a step, and each is told when it ends', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const [first, second] = await Promise.all([
    planned(connection, { jobset: 'one', jobs: [{ name: 'top' }] }),
    planned(connection, { jobset: 'two', jobs: [{ name: 'left' }] }),
  ]);
  assert.equal((await stepsByName(connection)).size, 4);
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'left', 'built');
  assert.deepEqual([await remaining(connection, first), await remaining(connection, second)], [2, 0]);
});

test('what is available is never built', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const first = await planned(connection, { jobs: [{ name: 'left' }] });
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'left', 'built');
  const second = await planned(connection, { jobs: [{ name: 'left' }, { name: 'right' }] });
  assert.deepEqual(await jobOutcomes(connection, first), { left: 'built' });
  assert.deepEqual(await jobOutcomes(connection, second), { left: 'substituted', right: null });
  assert.equal(await remaining(connection, second), 1);
});

test('an output that was collected is built again, under a new generation', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { one: {} });
  await planned(connection, { jobs: [{ name: 'one' }] });
  await endStep(connection, 'one', 'built');
  await connection.db.execute(sql`delete from store_paths`);
  await planned(connection, { jobs: [{ name: 'one' }] });
  const step = (await stepsByName(connection)).get('one');
  assert.deepEqual([step?.state, step?.generation], ['ready', 2]);
});

test('a known failure is reused, unless the evaluation is fresh or the failure says nothing of the package', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { bad: {}, slow: {}, user: { inputs: ['bad'] } });
  await planned(connection, { jobs: [{ name: 'bad' }, { name: 'slow' }] });
  await endStep(connection, 'bad', 'failed');
  await endStep(connection, 'slow', 'timed-out');
  const again = await planned(connection, { jobs: [{ name: 'bad' }, { name: 'slow' }, { name: 'user' }] });
  assert.deepEqual(await jobOutcomes(connection, again), {
    bad: 'failed',
    slow: null,
    user: 'dependency-failed',
  });
  assert.equal((await stepsByName(connection)).get('user')?.root, 'bad');
  const fresh = await planned(connection, { fresh: true, jobs: [{ name: 'user' }] });
  assert.deepEqual(await jobOutcomes(connection, fresh), { user: null });
  assert.equal((await stepsByName(connection)).get('bad')?.generation, 2);
});

test('cancelling ends what nobody else wants, and leaves what another evaluation wants', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const first = await planned(connection, { jobset: 'one', jobs: [{ name: 'top' }] });
  const second = await planned(connection, { jobset: 'two', jobs: [{ name: 'left' }] });
  await addBuilder(connection, 'b');
  await endStep(connection, 'base', 'built');
  const key = await getEvaluation(connection.db, first);
  const result = await connection.transaction((tx) => cancelEvaluation(tx, key, 'test'));
  assert.deepEqual(result, { ended: 1, stopping: 1 });
  const steps = await stepsByName(connection);
  assert.deepEqual(
    [steps.get('top')?.outcome, steps.get('left')?.state, steps.get('right')?.state],
    ['cancelled', 'dispatched', 'dispatched'],
  );
  assert.ok(
    (await outboxLines(connection)).some((line) => line.startsWith(`cancel step/${hashFor('right')}`)),
  );
  await endStep(connection, 'right', 'cancelled');
  await endStep(connection, 'left', 'built');
  assert.deepEqual(await jobOutcomes(connection, first), { top: 'cancelled' });
  assert.deepEqual(await jobOutcomes(connection, second), { left: 'built' });
  assert.equal(
    await connection.transaction((tx) => cancelEvaluation(tx, key, 'test')).then((r) => r?.stopping),
    0,
  );
});

test('a step that is wanted again while it is being cancelled starts anew', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const first = await planned(connection, { jobs: [{ name: 'base' }] });
  await addBuilder(connection, 'b');
  const key = await getEvaluation(connection.db, first);
  await connection.transaction((tx) => cancelEvaluation(tx, key, 'test'));
  const second = await planned(connection, { jobs: [{ name: 'left' }] });
  await endStep(connection, 'base', 'cancelled');
  const steps = await stepsByName(connection);
  assert.deepEqual(
    [steps.get('base')?.state, steps.get('base')?.generation, steps.get('left')?.state],
    ['dispatched', 2, 'waiting'],
  );
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'left', 'built');
  assert.deepEqual(await jobOutcomes(connection, second), { left: 'built' });
});

test('retrying a job that failed by a dependency retries the dependency and what lies between', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, DIAMOND);
  const evaluation = await planned(connection, { jobs: [{ name: 'top' }, { name: 'right' }] });
  await endStep(connection, 'base', 'failed');
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    top: 'dependency-failed',
    right: 'dependency-failed',
  });
  const key = await getEvaluation(connection.db, evaluation);
  const [{ id } = { id: 0 }] = await connection.db.execute<{ id: number }>(
    sql`select id from jobs where name = 'right'`,
  );
  assert.equal(
    await connection.transaction((tx) => retrySteps(tx, { key, jobIds: [id], dependents: false })),
    2,
  );
  await endStep(connection, 'base', 'built');
  await endStep(connection, 'right', 'built');
  assert.deepEqual(await jobOutcomes(connection, evaluation), { top: 'dependency-failed', right: 'built' });
  assert.equal(await remaining(connection, evaluation), 0);
  assert.equal(
    await connection.transaction((tx) => retrySteps(tx, { key, jobIds: null, dependents: true })),
    2,
  );
  for (const name of ['left', 'top']) await endStep(connection, name, 'built');
  assert.deepEqual(await jobOutcomes(connection, evaluation), { top: 'built', right: 'built' });
});

test('an aggregate waits for constituents that its derivation does not name', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { a: {}, b: {}, gate: {} });
  const evaluation = await openWith(connection, {
    jobs: [{ name: 'a' }, { name: 'b' }, { name: 'gate', kind: 'aggregate', constituents: ['a', 'b'] }],
  });
  await planStoredJobs(planDeps(connection), evaluation);
  await finishPlanning(planDeps(connection), evaluation);
  assert.equal((await stepsByName(connection)).get('gate')?.state, 'waiting');
  await endStep(connection, 'a', 'built');
  await endStep(connection, 'b', 'failed');
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    a: 'built',
    b: 'failed',
    gate: 'dependency-failed',
  });
});

test('a constituent that the derivation of its aggregate names as well is waited for once', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { a: {}, gate: { inputs: ['a'] } });
  const evaluation = await openWith(connection, {
    jobs: [{ name: 'a' }, { name: 'gate', kind: 'aggregate', constituents: ['a'] }],
  });
  await finishPlanning(planDeps(connection), evaluation);
  await endStep(connection, 'a', 'built');
  assert.equal((await stepsByName(connection)).get('gate')?.state, 'ready');
});

test('a GPU check runs on every online architecture, and what needs it waits for all of them', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, {
    lib: {},
    check: { inputs: ['lib'], features: ['cuda'] },
    after: { inputs: ['check'] },
  });
  await addBuilder(connection, 'b', { gpus: ['sm_89', 'sm_61'] });
  const evaluation = await planned(connection, {
    jobs: [{ name: 'check', kind: 'gpu-check' }, { name: 'after' }],
  });
  await endStep(connection, 'lib', 'built');
  await endStep(connection, 'check@sm_89', 'built');
  assert.equal((await stepsByName(connection)).get('after')?.state, 'waiting');
  await endStep(connection, 'check@sm_61', 'failed');
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    check: 'failed',
    after: 'dependency-failed',
  });
});

test('an evaluation drains around what nobody can run, and a later result is entered', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, {
    lib: {},
    check: { inputs: ['lib'], features: ['cuda'] },
    after: { inputs: ['check'] },
  });
  await addBuilder(connection, 'b');
  const config = { variants: [{ name: 'v', cudaCapabilities: ['9.0'] }] };
  const evaluation = await planned(connection, {
    config,
    jobs: [
      { name: 'lib', variant: 'v' },
      { name: 'check', kind: 'gpu-check', variant: 'v' },
      { name: 'after', variant: 'v' },
    ],
  });
  const key = await getEvaluation(connection.db, evaluation);
  await connection.transaction((tx) => markEvaluated(tx, evaluation));
  assert.equal(
    await connection.transaction((tx) => drainAroundUnserved(tx, key)),
    0,
    'lib can still be built',
  );
  await endStep(connection, 'lib', 'built');
  assert.equal(await connection.transaction((tx) => drainAroundUnserved(tx, key)), 2);
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    lib: 'built',
    check: 'not-run',
    after: 'not-run',
  });
  assert.equal(await remaining(connection, evaluation), 0);
  assert.equal((await stepsByName(connection)).get('check@sm_90')?.state, 'ready');
  await endStep(connection, 'check@sm_90', 'built');
  await endStep(connection, 'after', 'built');
  assert.deepEqual(await jobOutcomes(connection, evaluation), {
    lib: 'built',
    check: 'built',
    after: 'built',
  });
  assert.equal(await remaining(connection, evaluation), 0);
});

test('a pool never has more in flight than three times its slots', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  const nodes = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`n${index}`, {}]));
  await storeGraph(connection, nodes);
  await planned(connection, { jobs: Object.keys(nodes).map((name) => ({ name })) });
  await addBuilder(connection, 'b', { slots: 2 });
  const inFlight = async () =>
    [...(await stepsByName(connection)).values()].filter((step) => step.state === 'dispatched').length;
  assert.equal(await inFlight(), 6);
  await endStep(connection, 'n0', 'built');
  assert.equal(await inFlight(), 6);
});

test('endings at once with common dependents release them exactly once', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  const inputs = Array.from({ length: 12 }, (_, index) => `in${index}`);
  const users = Array.from({ length: 12 }, (_, index) => `user${index}`);
  await storeGraph(connection, {
    ...Object.fromEntries(inputs.map((name) => [name, {}])),
    ...Object.fromEntries(users.map((name) => [name, { inputs }])),
  });
  const evaluation = await planned(connection, { jobs: users.map((name) => ({ name })) });
  await addBuilder(connection, 'b');
  await Promise.all(inputs.map((name) => endStep(connection, name, 'built')));
  const steps = await stepsByName(connection);
  assert.ok(users.every((name) => steps.get(name)?.state === 'dispatched' && steps.get(name)?.unmet === 0));
  await Promise.all(users.map((name) => endStep(connection, name, 'built')));
  assert.equal(await remaining(connection, evaluation), 0);
});

test('planning and endings at once lose no wake-up', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, {
    shared: {},
    ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`u${i}`, { inputs: ['shared'] }])),
  });
  await planned(connection, { jobset: 'first', jobs: [{ name: 'shared' }] });
  await addBuilder(connection, 'b');
  const plans = Array.from({ length: 10 }, (_, i) =>
    planned(connection, { jobset: `j${i}`, jobs: [{ name: `u${i}` }] }),
  );
  await Promise.all([...plans, endStep(connection, 'shared', 'built')]);
  const waiting = [...(await stepsByName(connection)).values()].filter((step) => step.state === 'waiting');
  assert.deepEqual(waiting, []);
});
