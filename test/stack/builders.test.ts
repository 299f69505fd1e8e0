/** Builders in trouble: one without space takes no work, and a build's strange last words hold nobody up. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Builder } from '../../domain/api/resources.ts';
import { clientOf, outcomesOf, startRun, until, untilFinished } from '../support/runs.ts';
import { writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

/** No disk has so much. */
const NO_DISK = String(Number.MAX_SAFE_INTEGER);
const FULL = /^only \d+ bytes are free, the limit is 9007199254740991 \(NIXWARP_MIN_FREE_BYTES\)$/;

let stack: TestStack;
before(async () => {
  stack = await startTestStack({
    extraBuilders: [{ name: 'full', environment: { NIXWARP_MIN_FREE_BYTES: NO_DISK } }],
  });
});
after(() => stack[Symbol.asyncDispose]());

test('a builder without space takes no work and says how much is free, while another builds', async () => {
  const client = clientOf(stack);
  const full = async (is: (builder: Builder) => boolean) =>
    (await client.builders()).find((builder) => builder.name === 'full' && is(builder));
  const drained = await until('it is drained', () => full(({ state }) => state === 'drained'));
  assert.match(drained.reason ?? '', FULL);
  // A person's wish does not make space.
  await client.setBuilder('full', 'activate');
  const seen = drained.lastSeenAt;
  const later = await until('it announces itself again', () => full(({ lastSeenAt }) => lastSeenAt > seen));
  assert.deepEqual([later.state, later.running], ['drained', 0]);
  const file = await writeSet({ attributes: '{ a = sh "a" "echo a > $out"; b = sh "b" "echo b > $out"; }' });
  const evaluationId = await startRun(stack, file);
  assert.deepEqual(outcomesOf(await untilFinished(stack, evaluationId)), { a: 'built', b: 'built' });
  for (const { id } of (await client.document(evaluationId)).jobs)
    for (const { attempts } of (await client.job(id)).steps)
      assert.ok(attempts.length > 0 && attempts.every(({ builder }) => builder !== 'full'));
});

test('a build whose decisive line holds a zero byte gets its verdict as any other', async () => {
  const file = await writeSet({
    attributes: `{ zero = sh "zero" "printf 'main.c:3:1: error: expected \\\\000 declaration\\n'; exit 1"; }`,
  });
  const { jobs } = await untilFinished(stack, await startRun(stack, file));
  assert.deepEqual(
    jobs.map(({ outcome }) => outcome),
    ['failed'],
  );
  assert.match(jobs[0]?.verdict?.evidence ?? '', /^main\.c:3:1: error: expected .* declaration$/);
});
