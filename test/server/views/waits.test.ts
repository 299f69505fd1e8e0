/** Why a step waits, in a sentence that names who could end it. */

import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { startAttempt } from '../../../db/attempts.ts';
import { recordBuilderLeft, setBuilderWanted } from '../../../db/builders.ts';
import type { Connection } from '../../../db/database.ts';
import { describeWait, describeWaits } from '../../../server/views/waits.ts';
import { createTestDatabase } from '../../support/database.ts';
import {
  addBuilder,
  endStep,
  type GraphNode,
  planned,
  stepsByName,
  storeGraph,
} from '../../support/graph.ts';
import { describe, test } from '../../support/test.ts';

/** Plans one job a node, and gives the waits by name. */
async function waitsIn(
  nodes: Readonly<Record<string, GraphNode>>,
  before: (connection: Connection) => Promise<unknown> = async () => {},
  after: (connection: Connection) => Promise<unknown> = async () => {},
): Promise<Record<string, string>> {
  await using database = await createTestDatabase();
  const { connection } = database;
  await before(connection);
  await storeGraph(connection, nodes);
  await planned(connection, { jobs: Object.keys(nodes).map((name) => ({ name })) });
  await after(connection);
  const steps = [...(await stepsByName(connection)).values()];
  const waits = await describeWaits(
    connection.db,
    steps.map(({ id }) => id),
  );
  return Object.fromEntries(
    steps.flatMap(({ id, name }) => (waits.has(id) ? [[name, waits.get(id) ?? '']] : [])),
  );
}

const NEEDS = 'needs a builder for x86_64-linux';

describe('a step says', () => {
  test('that nobody was ever there for it, and what waits for it says it, too', async () => {
    const nodes = { leaf: {}, other: {}, middle: { inputs: ['leaf', 'other'] }, top: { inputs: ['middle'] } };
    const never = `${NEEDS}; no such builder has ever been seen`;
    const waits = await waitsIn(nodes);
    assert.deepEqual([waits['leaf'], waits['other']], [never, never]);
    assert.match(
      waits['middle'] ?? '',
      new RegExp(`^waits for (leaf|other) and 1 more; (leaf|other) ${never}$`),
    );
    assert.match(waits['top'] ?? '', new RegExp(`^waits for middle; (leaf|other) ${never}$`));
  });

  test('which features its builder must have, and for which system', async () => {
    const nodes = {
      odd: { features: ['quantum'] },
      foreign: { system: 'riscv64-linux' },
    };
    const waits = await waitsIn(nodes, (connection) => addBuilder(connection, 'plain'));
    assert.deepEqual(waits, {
      odd: `${NEEDS} with quantum; no such builder has ever been seen`,
      foreign: 'needs a builder for riscv64-linux; no such builder has ever been seen',
    });
  });

  test('who is drained, and why: by a person', async () => {
    const waits = await waitsIn({ a: {} }, async (connection) => {
      await addBuilder(connection, 'atlas');
      await setBuilderWanted(connection.db, 'atlas', 'drained', 'new memory');
    });
    assert.deepEqual(waits, { a: `${NEEDS}; atlas is drained: new memory` });
  });

  test('who is drained without a reason', async () => {
    const waits = await waitsIn({ a: {} }, async (connection) => {
      await addBuilder(connection, 'atlas');
      await setBuilderWanted(connection.db, 'atlas', 'drained', null);
    });
    assert.deepEqual(waits, { a: `${NEEDS}; atlas is drained` });
  });

  test('who is drained by itself: it is not well', async () => {
    const waits = await waitsIn({ a: {} }, async (connection) => {
      await addBuilder(connection, 'atlas');
      await connection.db.execute(
        sql`update builders set state = 'drained', reason = 'only 3 bytes are free'`,
      );
    });
    assert.deepEqual(waits, { a: `${NEEDS}; atlas is drained: only 3 bytes are free` });
  });

  test('nothing of one that is drained where another takes work', async () => {
    const waits = await waitsIn({ a: {} }, async (connection) => {
      await addBuilder(connection, 'atlas');
      await setBuilderWanted(connection.db, 'atlas', 'drained', 'new memory');
      await addBuilder(connection, 'boreas');
    });
    assert.deepEqual(waits, { a: 'waits for a free slot of build.x86_64-linux.std' });
  });

  for (const [title, leave] of [
    ['said good-bye', (connection: Connection) => recordBuilderLeft(connection.db, 'atlas', 'one')],
    ['fell silent', async () => {}],
  ] as const)
    test(`since when nobody was there: the last one ${title}`, async () => {
      const waits = await waitsIn({ a: {} }, async (connection) => {
        await addBuilder(connection, 'atlas');
        await leave(connection);
        await connection.db.execute(sql`update builders set last_seen_at = '2026-01-02T03:04:05Z'`);
      });
      assert.deepEqual(waits, { a: `${NEEDS}; no such builder has been seen since 2026-01-02T03:04:05Z` });
    });

  test('who goes before it, where the pool is full', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`n${index}`, {}]));
    const waits = await waitsIn(nodes, (connection) => addBuilder(connection, 'atlas', { slots: 1 }));
    const slot = 'waits for a free slot of build.x86_64-linux.std';
    // Three times the slots are in flight.
    assert.deepEqual(Object.values(waits).toSorted(), [
      slot,
      slot,
      slot,
      `${slot}: 0 steps go before it`,
      `${slot}: 1 steps go before it`,
      `${slot}: 2 steps go before it`,
    ]);
  });

  test('where it runs; nothing when it has ended, and then what it held up waits no more', async () => {
    const waits = await waitsIn(
      { a: {}, b: {}, top: { inputs: ['b'] } },
      (connection) => addBuilder(connection, 'atlas'),
      async (connection) => {
        const { id = 0 } = (await stepsByName(connection)).get('a') ?? {};
        const start = { stepId: id, generation: 1, number: 1, builder: 'atlas', unit: 'u', gpu: null };
        await connection.transaction((tx) => startAttempt(tx, start));
        await endStep(connection, 'b', 'built');
      },
    );
    assert.deepEqual(waits, { a: 'runs on atlas', top: 'waits for a free slot of build.x86_64-linux.std' });
  });
});

test('of several steps the first that waits is told, of none nothing', async () => {
  await using database = await createTestDatabase();
  assert.equal(await describeWait(database.connection.db, []), null);
  assert.equal(await describeWait(database.connection.db, [4711]), null);
});
