import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { insertStorePaths } from '../../../db/store-paths.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { createApp } from '../../../server/app.ts';
import { openPathFollower } from '../../../server/cache/path-follower.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createSampleApp } from '../../support/sample-app.ts';

const HASH = '1'.repeat(32);
const hash = (letter: string): string => letter.repeat(32);
const sha256 = `sha256:${'0'.repeat(52)}`;

/** The whole application, with its index in memory, and how many statements Postgres was sent in between. */
async function openApp(folder: string, database: Awaited<ReturnType<typeof createTestDatabase>>) {
  const { connection } = database;
  const logger = createLogger('test');
  logger.level = 'fatal';
  const { deps } = await createSampleApp(connection, folder);
  const paths = await openPathFollower({ connection, logger, pollMs: 2 ** 31 - 1 });
  let statements = 0;
  const counted = new Proxy(connection.db, {
    get: (target, name, receiver) => {
      if (name === 'execute') statements++;
      const value: unknown = Reflect.get(target, name, receiver);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const app = await createApp(
    { ...deps, connection: { ...connection, db: counted }, memory: { paths, maxBytes: 10_000_000 } },
    logger,
  );
  return { app, paths, statements: () => statements };
}

test('the application answers misses and what it answered before without a statement to Postgres', async () => {
  await using database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-memory-'));
  const { app, paths, statements } = await openApp(folder, database);
  try {
    await database.connection.transaction((tx) =>
      insertStorePaths(tx, [
        {
          pathHash: HASH,
          path: `/nix/store/${HASH}-name`,
          narHash: sha256,
          narSize: 1,
          url: `nar/${'0'.repeat(52)}.nar.zst`,
          compression: 'zstd',
          fileHash: sha256,
          fileSize: 1,
          deriver: null,
          ca: null,
          references: [],
          signatures: [],
        },
      ]),
    );
    await paths.catchUp();
    const first = await app.inject(`/${HASH}.narinfo`);
    assert.equal(first.statusCode, 200);
    assert.ok(statements() > 0);
    const before = statements();
    for (let round = 0; round < 3; round++) {
      assert.equal((await app.inject(`/${HASH}.narinfo`)).body, first.body);
      for (const letter of ['2', 'a', 'z']) {
        const miss = await app.inject({
          method: round === 0 ? 'HEAD' : 'GET',
          url: `/${hash(letter)}.narinfo`,
        });
        assert.equal(miss.statusCode, 404);
      }
    }
    assert.equal(statements(), before);
    await database.connection.db.execute(sql`delete from store_paths`);
    await paths.catchUp();
    assert.equal((await app.inject(`/${HASH}.narinfo`)).statusCode, 404);
    assert.equal(statements(), before);
  } finally {
    await app.close();
    await paths[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
});
