/** The queue: how many attributes a process gets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkItem, createWorkQueue, type WorkQueue } from '../../../activities/evaluator/walk/work.ts';

function fill(count: number): WorkQueue {
  const queue = createWorkQueue();
  queue.add(Array.from({ length: count }, (_, n) => createWorkItem([`a${n}`])));
  return queue;
}

test('a process gets fifty attributes at first, and its share where there are fewer', () => {
  assert.equal(fill(1_000).take(2).length, 50);
  assert.equal(fill(30).take(4).length, 8);
  assert.equal(fill(1).take(4).length, 1);
  assert.equal(fill(0).take(4).length, 0);
});

test('batches grow while processes are short, and shrink when one runs out of memory', () => {
  const queue = fill(10_000);
  queue.learn({ items: 50, ms: 100, killed: false });
  assert.equal(queue.take(2).length, 100);
  queue.learn({ items: 100, ms: 60_000, killed: false });
  assert.equal(queue.take(2).length, 100);
  // A batch that was small for other reasons says nothing.
  queue.learn({ items: 3, ms: 1, killed: false });
  assert.equal(queue.take(2).length, 100);
  queue.learn({ items: 100, ms: 60_000, killed: true });
  assert.equal(queue.take(2).length, 50);
  for (let n = 0; n < 10; n++) queue.learn({ items: 50, ms: 1, killed: true });
  assert.equal(queue.take(2).length, 10);
});

test('nothing is lost or given twice, in order', () => {
  const queue = fill(5_000);
  const seen: string[] = [];
  while (queue.length > 0) {
    const batch = queue.take(3);
    queue.learn({ items: batch.length, ms: 1, killed: false });
    seen.push(...batch.flatMap((item) => item.path));
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 5_000 }, (_, n) => `a${n}`),
  );
});

test('an attribute that is to be alone is alone, after those that are not', () => {
  const queue = createWorkQueue();
  queue.add([
    createWorkItem(['x'], { alone: true }),
    createWorkItem(['y'], { alone: true }),
    createWorkItem(['z']),
  ]);
  assert.equal(queue.length, 3);
  const names = [queue.take(1), queue.take(1), queue.take(1)].map((batch) =>
    batch.map((item) => item.path[0]),
  );
  assert.deepEqual(names, [['z'], ['x'], ['y']]);
  assert.equal(queue.length, 0);
});

test('long names make small batches: the request must fit into one argument', () => {
  const queue = createWorkQueue();
  queue.add(Array.from({ length: 50 }, (_, n) => createWorkItem([`${n}${'é'.repeat(10_000)}`])));
  const batch = queue.take(1);
  assert.ok(batch.length > 0 && batch.length < 5, String(batch.length));
});
