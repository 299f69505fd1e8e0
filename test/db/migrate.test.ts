import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { is } from 'drizzle-orm';
import { migrate } from '../../db/migrate.ts';
import * as cache from '../../db/schema/cache.ts';
import * as fleet from '../../db/schema/fleet.ts';
import * as graph from '../../db/schema/graph.ts';
import * as policy from '../../db/schema/policy.ts';
import * as pullThrough from '../../db/schema/pull-through.ts';
import * as publishing from '../../db/schema/publishing.ts';
import { createTestDatabase } from '../support/database.ts';

const MIGRATIONS = new URL('../../db/migrations/', import.meta.url);

test('an empty database gets every migration once, however often and by how many it is asked for', async () => {
  await using database = await createTestDatabase({ migrated: false });
  const [first, second] = await Promise.all([migrate(database.connection), migrate(database.connection)]);
  assert.deepEqual([...first, ...second].toSorted(), (await readdir(MIGRATIONS)).toSorted());
  assert.deepEqual(await migrate(database.connection), []);
});

test('a database of a newer nixwarp is refused by name', async () => {
  await using database = await createTestDatabase();
  await database.connection.db.execute(sql`insert into migrations (name) values ('9999_future.sql')`);
  await assert.rejects(migrate(database.connection), /9999_future\.sql, which this nixwarp does not know/);
});

test('the typed tables name the columns that the migrations make', async () => {
  await using database = await createTestDatabase();
  for (const table of Object.values({
    ...graph,
    ...fleet,
    ...cache,
    ...policy,
    ...publishing,
    ...pullThrough,
  })) {
    if (!is(table, PgTable)) continue;
    const { name, columns } = getTableConfig(table);
    const rows = await database.connection.db.execute<{ name: string; nullable: boolean }>(sql`
      select column_name as name, is_nullable = 'YES' as nullable from information_schema.columns where table_schema = 'public' and table_name = ${name}`);
    const made = new Map(rows.map((row) => [row.name, row.nullable]));
    assert.deepEqual(columns.map((column) => column.name).toSorted(), [...made.keys()].toSorted(), name);
    for (const column of columns)
      assert.equal(!column.notNull, made.get(column.name), `${name}.${column.name}: nullable`);
  }
});
