/** What a builder reports of an attempt beside its log: kept, added to, and found again as findings, metrics and products. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import { startAttempt } from '../../../db/attempts.ts';
import { requestApi } from '../../support/api.ts';
import { addBuilder, planned, stepsByName, storeGraph } from '../../support/graph.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { test } from '../../support/test.ts';

let site: SampleSite;
/** Of a step that is wanted by two jobs of two evaluations each. */
let attempt: { id: number; jobs: number[] };
before(async () => {
  site = await openSampleSite();
  const { connection } = site.database;
  await storeGraph(connection, { shared: {} });
  await addBuilder(connection, 'helper');
  const jobs = ['one', 'two'].map((name) => ({ name, drv: 'shared' }));
  for (const jobset of ['first', 'second']) await planned(connection, { jobset, jobs });
  const { id: stepId = 0 } = (await stepsByName(connection)).get('shared') ?? {};
  const start = { stepId, generation: 1, number: 1, builder: 'helper', unit: 'u', gpu: null };
  const assignment = await connection.transaction((tx) => startAttempt(tx, start));
  attempt = {
    id: assignment?.attemptId ?? 0,
    jobs: (
      await rows<{ id: number }>(
        sql`select job_id as id from job_steps where step_id = ${stepId} order by job_id`,
      )
    ).map(({ id }) => id),
  };
  assert.equal(attempt.jobs.length, 4);
});
after(() => site[Symbol.asyncDispose]());

async function rows<T>(query: ReturnType<typeof sql>): Promise<T[]> {
  return [...((await site.database.connection.db.execute(query)) as unknown as T[])];
}

async function report(payload: object): Promise<void> {
  const line = `POST /attempts/${attempt.id}/evidence`;
  assert.equal((await requestApi(site.app, line, { token: 'builder', payload })).status, 204);
}

interface Finding {
  readonly id: number;
  readonly jobId: number | null;
  readonly evaluationId: number | null;
  readonly rule: string;
  readonly class: string;
  readonly evidence: string | null;
}

async function findingsOf(rule: string): Promise<Finding[]> {
  const { body } = await requestApi<{ items: Finding[] }>(site.app, 'GET /findings?limit=500');
  return body.items.filter((finding) => finding.rule === rule).toSorted((a, b) => a.id - b.id);
}

test('a note becomes a finding of each job of the step, in each evaluation, once', async () => {
  const note = (message: string) => ({ notes: [{ rule: 'check/differs', message }] });
  await report(note('other bytes'));
  const found = await findingsOf('check/differs');
  assert.deepEqual(
    found.map(({ jobId }) => jobId),
    attempt.jobs,
  );
  assert.equal(new Set(found.map(({ evaluationId }) => evaluationId)).size, 2);
  assert.deepEqual(new Set(found.map(({ evidence }) => evidence)), new Set(['other bytes']));
  assert.deepEqual(new Set(found.map((one) => one.class)), new Set(['build-output']));
  // A repeated report, or one of a later attempt, replaces what was said before.
  await report(note('other bytes again'));
  const again = await findingsOf('check/differs');
  assert.deepEqual(
    again.map(({ id }) => id),
    found.map(({ id }) => id),
  );
  assert.ok(again.every(({ evidence }) => evidence === 'other bytes again'));
});

test('notes of two rules are two findings of each job', async () => {
  const rules = ['ingest/not-reproducible', 'check/other'];
  await report({ notes: rules.map((rule) => ({ rule, message: rule })) });
  for (const rule of rules) assert.equal((await findingsOf(rule)).length, attempt.jobs.length);
});

test('what a later report says is added to what an earlier one said', async () => {
  await report({ nixExit: 1, host: { name: 'atlas' } });
  await report({ nixMessage: 'builder failed', exitCode: 2 });
  const [row] = await rows<{ evidence: object }>(sql`select evidence from attempts where id = ${attempt.id}`);
  assert.deepEqual(row?.evidence, {
    nixExit: 1,
    host: { name: 'atlas' },
    nixMessage: 'builder failed',
    exitCode: 2,
  });
});

/** A build printed a zero byte in its last lines: its evidence was refused with a 500, and the builder sent it for ever. */
test('zero bytes and halves of characters are stored as the replacement character', async () => {
  await report({
    nixMessage: 'zero \0 and half \ud83d, whole 😀 and \\u0000 as text',
    notes: [{ rule: 'check/zero', message: 'a\0b' }],
    products: [{ type: 'file', subtype: 'x', path: '/nix/store/a\0', name: 'n\ud83d', defaultPath: null }],
    metrics: [{ name: 'm\0', value: 1, unit: null }],
  });
  const [row] = await rows<{ message: string }>(
    sql`select evidence ->> 'nixMessage' as message from attempts where id = ${attempt.id}`,
  );
  assert.equal(row?.message, 'zero \ufffd and half \ufffd, whole 😀 and \\u0000 as text');
  assert.equal((await findingsOf('check/zero'))[0]?.evidence, 'a\ufffdb');
  assert.deepEqual(await rows(sql`select path, name from build_products where attempt_id = ${attempt.id}`), [
    { path: '/nix/store/a\ufffd', name: 'n\ufffd' },
  ]);
  assert.deepEqual(await rows(sql`select metric from samples where attempt_id = ${attempt.id}`), [
    { metric: 'm\ufffd' },
  ]);
});

test('metrics and products of a repeated report are there once, the newest figure counts', async () => {
  const product = (name: string) => ({
    type: 'file',
    subtype: 'x',
    path: `/nix/store/${name}`,
    name,
    defaultPath: null,
  });
  await rows(sql`delete from build_products where attempt_id = ${attempt.id}`);
  for (const value of [1, 2])
    await report({
      metrics: [{ name: 'speed', value, unit: 'GB/s' }],
      products: [product('a'), product('b')],
    });
  assert.deepEqual(
    await rows(sql`select value, unit from samples where attempt_id = ${attempt.id} and metric = 'speed'`),
    [{ value: 2, unit: 'GB/s' }],
  );
  assert.deepEqual(
    await rows(sql`select number, name from build_products where attempt_id = ${attempt.id} order by number`),
    [
      { number: 1, name: 'a' },
      { number: 2, name: 'b' },
    ],
  );
});

test('what an output says of itself at length is taken, too', async () => {
  const line = 'x'.repeat(900);
  const products = Array.from({ length: 3_000 }, (_, index) => ({
    type: 'file',
    subtype: 'x',
    path: `/nix/store/${index}`,
    name: line,
    defaultPath: null,
  }));
  await report({ products });
});
