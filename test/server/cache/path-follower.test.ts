import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { type Connection, connectDatabase } from '../../../db/database.ts';
import { VIEW_BITS } from '../../../db/path-changes.ts';
import { migrate } from '../../../db/migrate.ts';
import { insertStorePaths } from '../../../db/store-paths.ts';
import { openPathFollower, type PathFollower } from '../../../server/cache/path-follower.ts';
import { createTestDatabase } from '../../support/database.ts';
import { startOwnPostgres } from '../../support/own-postgres.ts';

const logger = { info: () => {}, warn: () => {} };
/** Nobody is to be helped by asking now and then. */
const NEVER_MS = 2 ** 31 - 1;

const hashOf = (name: string): string => name.padEnd(32, '0');

function enter(connection: Connection, ...names: string[]): Promise<string[]> {
  return connection.transaction((tx) => insertStorePaths(tx, names.map(rowOf)));
}

function rowOf(name: string) {
  return {
    pathHash: hashOf(name),
    path: `/nix/store/${hashOf(name)}-${name}`,
    narHash: 'sha256:0',
    narSize: 1,
    url: `nar/${name}`,
    compression: 'zstd',
    fileHash: 'sha256:0',
    fileSize: 1,
    deriver: null,
    ca: null,
    references: [],
    signatures: [],
  };
}

/** Resolves with the follower's next change of this path. */
function nextChange(paths: PathFollower, name: string): Promise<void> {
  return new Promise((resolve) => paths.onChange((hash) => hash === hashOf(name) && resolve()));
}

test('what is there when it opens is known, with who may see it', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await enter(connection, 'a', 'b', 'c');
  await connection.db.execute(
    sql`update path_visibility set is_public = true, rank = 0 where path_hash = ${hashOf('a')}`,
  );
  await connection.db.execute(
    sql`update path_visibility set is_public = false, rank = 3 where path_hash = ${hashOf('b')}`,
  );
  await connection.db.execute(
    sql`update path_visibility set is_public = false, rank = 4 where path_hash = ${hashOf('c')}`,
  );
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS });
  assert.equal(paths.size, 3);
  assert.equal(paths.views(hashOf('a')), VIEW_BITS.public | VIEW_BITS.complete);
  assert.equal(paths.views(hashOf('b')), VIEW_BITS.complete);
  assert.equal(paths.views(hashOf('c')), 0);
  assert.equal(paths.views(hashOf('d')), undefined);
});

test('more paths than are read at once are all known', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  // 200,000 rows of 100 bytes are more than 1,000 pages.
  await connection.db.execute(sql`alter table path_visibility disable trigger user`);
  await connection.db.execute(
    sql`alter table path_visibility drop constraint path_visibility_path_hash_fkey`,
  );
  await connection.db.execute(sql`
    insert into path_visibility (path_hash, own_rank, own_source, rank, restricted_by, is_public)
    select lpad(n::text, 32, '0'), 0, 'licence', 0, lpad(n::text, 32, '0'), n % 2 = 0 from generate_series(1, 200000) n`);
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS });
  assert.equal(paths.size, 200_000);
  for (const number of [1, 2, 99_999, 100_000, 199_999, 200_000])
    assert.equal(
      paths.views(String(number).padStart(32, '0')),
      number % 2 === 0 ? VIEW_BITS.public | VIEW_BITS.complete : VIEW_BITS.complete,
    );
  assert.equal(paths.views('200001'.padStart(32, '0')), undefined);
});

test('a path that another process enters, hides or removes is known here without asking', async () => {
  await using database = await createTestDatabase();
  await using paths = await openPathFollower({ connection: database.connection, logger, pollMs: NEVER_MS });
  const other = fork(new URL('../../support/enter-paths.ts', import.meta.url), [database.url], {
    stdio: 'inherit',
  });
  const does = async (what: string, name: string): Promise<void> => {
    const changed = nextChange(paths, name);
    other.send({ what, row: rowOf(name) });
    await changed;
  };
  try {
    await does('enter', 'a');
    assert.notEqual(paths.views(hashOf('a')), undefined);
    await does('show', 'a');
    assert.equal(paths.views(hashOf('a')), VIEW_BITS.public | VIEW_BITS.complete);
    await does('hide', 'a');
    assert.equal(paths.views(hashOf('a')), VIEW_BITS.complete);
    await does('sign', 'a');
    await does('remove', 'a');
    assert.equal(paths.views(hashOf('a')), undefined);
    assert.equal(paths.size, 0);
  } finally {
    other.disconnect();
    await new Promise((resolve) => other.once('exit', resolve));
  }
});

test('a transaction that began before others and ends after them is not overlooked', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS });
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: hasEntered, resolve: entered } = Promise.withResolvers<void>();
  const slow = connection.transaction(async (tx) => {
    await insertStorePaths(tx, [rowOf('s')]);
    entered();
    await mayEnd;
  });
  await hasEntered;
  await enter(connection, 'f');
  await paths.catchUp();
  assert.notEqual(paths.views(hashOf('f')), undefined);
  assert.equal(paths.views(hashOf('s')), undefined);
  end();
  await slow;
  await paths.catchUp();
  assert.notEqual(paths.views(hashOf('s')), undefined);
});

test('a change is told once, however long another transaction runs', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS });
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: hasBegun, resolve: begun } = Promise.withResolvers<void>();
  const slow = connection.transaction(async (tx) => {
    await tx.execute(sql`select pg_current_xact_id()`);
    begun();
    await mayEnd;
  });
  await hasBegun;
  const told: (string | undefined)[] = [];
  paths.onChange((hash) => told.push(hash));
  await enter(connection, 'a');
  for (let turn = 0; turn < 3; turn++) await paths.catchUp();
  end();
  await slow;
  await paths.catchUp();
  await enter(connection, 'b');
  await paths.catchUp();
  assert.deepEqual(told, [hashOf('a'), hashOf('b')]);
});

test('whoever enters a path and catches up knows it, though no message came yet', async () => {
  await using database = await createTestDatabase();
  await using paths = await openPathFollower({ connection: database.connection, logger, pollMs: NEVER_MS });
  for (const name of ['a', 'b', 'c', 'd']) {
    await enter(database.connection, name);
    await paths.catchUp();
    assert.notEqual(paths.views(hashOf(name)), undefined);
  }
});

test('what changes while Postgres restarts is known when it is there again', async () => {
  await using server = await startOwnPostgres();
  await using connection = connectDatabase({ url: server.url, applicationName: 'test', maxConnections: 3 });
  await migrate(connection);
  await enter(connection, 'a');
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS });
  const changed = nextChange(paths, 'd');
  await server.stop();
  await server.start();
  // The follower hears of it only by coming back.
  await using writer = connectDatabase({ url: server.url, applicationName: 'test', maxConnections: 1 });
  await enter(writer, 'd');
  await changed;
  assert.notEqual(paths.views(hashOf('d')), undefined);
  const later = nextChange(paths, 'l');
  await enter(connection, 'l');
  await later;
});

test('an index that heard nothing for a day is read again as a whole, since changes are forgotten', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  let time = Date.now();
  await using paths = await openPathFollower({ connection, logger, pollMs: NEVER_MS, now: () => time });
  assert.equal(paths.isCurrent, true);
  await enter(connection, 'a');
  await paths.catchUp();
  // As if its changes had been recorded and forgotten since.
  await connection.db.execute(sql`alter table store_paths disable trigger user`);
  await connection.db.execute(sql`delete from store_paths`);
  await paths.catchUp();
  assert.equal(paths.size, 1);
  const all = new Promise((resolve) => paths.onChange(resolve));
  time += 25 * 3600 * 1000;
  assert.equal(paths.isCurrent, false);
  await paths.catchUp();
  assert.equal(await all, undefined);
  assert.equal(paths.size, 0);
  assert.equal(paths.isCurrent, true);
});
