import assert from 'node:assert/strict';
import { createVersionMemo } from '../../../server/views/memo.ts';
import { describe, test } from '../../support/test.ts';

const finished = { id: 1, state: 'finished', outcome: 'finished', version: '700' };
const against = { id: 0, number: 1, revision: null, version: '600' };

/** Answers how often each was counted. */
function counter() {
  let counted = 0;
  return () => Promise.resolve(++counted);
}

describe('what was counted of evaluations', () => {
  test('a finished one is counted once', async () => {
    const memo = createVersionMemo<number>(10, () => 0);
    const count = counter();
    assert.deepEqual(
      [await memo.get(finished, against, count), await memo.get(finished, against, count)],
      [1, 1],
    );
  });

  test('those who ask meanwhile wait for the same answer', async () => {
    const memo = createVersionMemo<number>(10, () => 0);
    const count = counter();
    assert.deepEqual(
      await Promise.all([memo.get(finished, undefined, count), memo.get(finished, undefined, count)]),
      [1, 1],
    );
  });

  for (const { name, later, laterAgainst } of [
    { name: 'its row was written', later: { ...finished, version: '701' }, laterAgainst: against },
    {
      name: 'the row that it is compared with was written',
      later: finished,
      laterAgainst: { ...against, version: '601' },
    },
    { name: 'it is compared with another one', later: finished, laterAgainst: { ...against, id: 7 } },
    { name: 'there is nothing to compare with any more', later: finished, laterAgainst: undefined },
  ])
    test(`it is counted again when ${name}`, async () => {
      const memo = createVersionMemo<number>(10, () => 0);
      const count = counter();
      await memo.get(finished, against, count);
      assert.equal(await memo.get(later, laterAgainst, count), 2);
    });

  test('one that still runs is counted each time', async () => {
    const memo = createVersionMemo<number>(10, () => 0);
    const count = counter();
    const open = { ...finished, state: 'building', outcome: null };
    assert.deepEqual([await memo.get(open, against, count), await memo.get(open, against, count)], [1, 2]);
  });

  test('a cancelled one is counted again after a minute: steps that it shares go on', async () => {
    let now = 0;
    const memo = createVersionMemo<number>(10, () => now);
    const count = counter();
    const cancelled = { ...finished, outcome: 'cancelled' };
    await memo.get(cancelled, against, count);
    now = 59_000;
    assert.equal(await memo.get(cancelled, against, count), 1);
    now = 61_000;
    assert.equal(await memo.get(cancelled, against, count), 2);
  });

  test('the oldest is forgotten first', async () => {
    const memo = createVersionMemo<number>(2, () => 0);
    const count = counter();
    for (const id of [1, 2, 3]) await memo.get({ ...finished, id }, undefined, count);
    assert.equal(await memo.get({ ...finished, id: 3 }, undefined, count), 3);
    assert.equal(await memo.get({ ...finished, id: 1 }, undefined, count), 4);
  });

  test('a failure to count is not remembered', async () => {
    const memo = createVersionMemo<number>(10, () => 0);
    await assert.rejects(memo.get(finished, undefined, () => Promise.reject(new Error('Postgres is away'))));
    assert.equal(await memo.get(finished, undefined, () => Promise.resolve(7)), 7);
  });
});
