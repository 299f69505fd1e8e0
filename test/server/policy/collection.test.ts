/** Garbage collection: what something holds stays with its closure, and bytes outlive their narinfo. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { markDead, sweepMarked } from '../../../db/collection.ts';
import { isNarVisible } from '../../../db/visibility.ts';
import { collectGarbage } from '../../../server/cache/collect.ts';
import { hashFor, openWith, storeGraph } from '../../support/graph.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { enterPaths, narUrl, outHash, outPath } from '../../support/paths.ts';

const NOTHING = { graceSeconds: 0, narDelaySeconds: 30 * 86_400, quotaBytes: undefined };
const CHAIN = { driver: {}, library: { inputs: ['driver'] }, tool: { inputs: ['library'] }, other: {} };

async function filled(): Promise<OpenApp> {
  const site = await openApp();
  await storeGraph(site.database.connection, CHAIN);
  await enterPaths(site.database.connection, {
    driver: [],
    library: ['driver'],
    tool: ['library'],
    other: [],
  });
  for (const name of Object.keys(CHAIN)) {
    await mkdir(join(site.folder, 'cache', 'nar'), { recursive: true });
    await writeFile(join(site.folder, 'cache', narUrl(name)), name);
    await writeFile(join(site.folder, 'cache', `${outHash(name)}.narinfo`), name);
  }
  return site;
}

async function left({ database }: OpenApp): Promise<string[]> {
  const rows = await database.connection.db.execute<{ name: string }>(sql`
    select substring(path from 45) as name from store_paths order by 1`);
  return rows.map((row) => row.name);
}

const collect = (site: OpenApp, settings: Partial<typeof NOTHING> = {}, dryRun = false) =>
  collectGarbage(
    { connection: site.database.connection, folder: site.deps.folder },
    { ...NOTHING, ...settings },
    dryRun,
  );
const has = (site: OpenApp, key: string): boolean => existsSync(join(site.folder, 'cache', key));

async function ask(site: OpenApp, method: 'PUT' | 'DELETE' | 'GET' | 'POST', url: string, payload?: object) {
  return site.app.inject({
    method,
    url: `/api/v1${url}`,
    headers: { authorization: 'Bearer admin' },
    ...(payload === undefined ? {} : { payload }),
  });
}

test('a pin by name holds a closure; let go of, its narinfos go, and the bytes 30 days later', async () => {
  await using site = await filled();
  const pinned = await ask(site, 'PUT', '/pins/stable', { path: outPath('library') });
  assert.deepEqual(pinned.json(), { name: 'stable', revision: 1, path: outPath('library') });
  assert.equal((await collect(site, {}, true)).removed, 2);
  assert.deepEqual(await left(site), ['driver', 'library', 'other', 'tool']);
  const first = await collect(site);
  assert.deepEqual([first.live, first.removed, first.sweptNars], [2, 2, 0]);
  assert.deepEqual(await left(site), ['driver', 'library']);
  assert.equal(has(site, `${outHash('tool')}.narinfo`), false);
  assert.equal(has(site, narUrl('tool')), true);
  assert.equal(await isNarVisible(site.database.connection.db, narUrl('tool'), 'complete'), true);

  await ask(site, 'DELETE', '/pins/stable');
  await collect(site);
  assert.deepEqual(await left(site), []);
  assert.equal(has(site, narUrl('library')), true);
  const late = await collect(site, { narDelaySeconds: 0 });
  assert.equal(late.sweptNars, 4);
  assert.equal(has(site, narUrl('library')), false);
});

test('a new revision of a pin lets go of the old one, but for as many as it keeps', async () => {
  await using site = await filled();
  for (const name of ['other', 'driver', 'library'])
    await ask(site, 'PUT', '/pins/p', { path: outPath(name), keep: 1 });
  const { items } = (await ask(site, 'GET', '/pins')).json<{
    items: { revision: number; held: boolean }[];
  }>();
  assert.deepEqual(
    items.map((item) => [item.revision, item.held]),
    [
      [3, true],
      [2, true],
      [1, false],
    ],
  );
  await collect(site);
  assert.deepEqual(await left(site), ['driver', 'library']);
  const refused = await ask(site, 'PUT', '/pins/p', { path: outPath('other') });
  assert.equal(refused.statusCode, 404);
});

test('young paths stay, and so does what is declared again', async () => {
  await using site = await filled();
  await collect(site, { graceSeconds: 3600 });
  assert.deepEqual(await left(site), ['driver', 'library', 'other', 'tool']);
  await site.database.connection.db.execute(sql`
    update store_paths set declared_at = now() - interval '2 hours' where path_hash <> ${outHash('library')}`);
  await collect(site, { graceSeconds: 3600 });
  assert.deepEqual(await left(site), ['driver', 'library']);
});

test('outputs of open, of young and of the newest evaluations stay; a quota takes the oldest of the rest', async () => {
  await using site = await filled();
  const { connection } = site.database;
  const keep = { keep: { evaluations: 1, days: 0 } };
  const evaluations = [];
  for (const name of ['other', 'driver', 'tool'])
    evaluations.push(await openWith(connection, { config: keep, jobs: [{ name }] }));
  await collect(site);
  assert.deepEqual(await left(site), ['driver', 'library', 'other', 'tool']);
  await connection.db.execute(
    sql`update evaluations set state = 'finished', finished_at = now() - interval '1 day'`,
  );
  await collect(site);
  assert.deepEqual(await left(site), ['driver', 'library', 'tool']);
  await connection.db.execute(sql`update jobsets set config = jsonb_set(config, '{keep,evaluations}', '3')`);
  await enterPaths(connection, { other: [] });
  assert.equal((await collect(site)).removed, 0);
  // Each file has ten bytes; the closure of the newest has thirty and is never taken.
  const tight = await collect(site, { quotaBytes: 30 } as object);
  assert.deepEqual([tight.removed, tight.droppedEvaluations, tight.overQuotaBytes], [1, 1, 0]);
  assert.deepEqual(await left(site), ['driver', 'library', 'tool']);
  assert.equal((await collect(site, { quotaBytes: 20 } as object)).overQuotaBytes, 10);
  assert.deepEqual(await left(site), ['driver', 'library', 'tool']);
});

test('what is published or declared between marking and sweeping is not swept, nor what it refers to', async () => {
  await using site = await filled();
  const { connection } = site.database;
  await storeGraph(connection, { late: { inputs: ['library'] } });
  const retention = { graceSeconds: 1, dropped: [] };
  await connection.db.execute(sql`update store_paths set declared_at = now() - interval '1 hour'`);
  await connection.transaction(async (tx) => {
    assert.equal((await markDead(tx, retention)).dead, 4);
    // Other connections, at this very moment.
    await enterPaths(connection, { late: ['library'] });
    await connection.db.execute(
      sql`update store_paths set declared_at = now() where path_hash = ${outHash('other')}`,
    );
    const swept = await sweepMarked(tx, retention);
    assert.deepEqual(swept, [outHash('tool')]);
  });
  assert.deepEqual(await left(site), ['driver', 'late', 'library', 'other']);
});

test('a command takes a path with all that depends on it, bytes at once, and why says so when it comes back', async () => {
  await using site = await filled();
  const removed = await ask(site, 'POST', `/paths/${outHash('library')}/remove`, { reason: 'a letter came' });
  assert.equal(removed.statusCode, 200, removed.body);
  assert.deepEqual(removed.json(), { removed: [outPath('library'), outPath('tool')], bytes: 20 });
  for (const name of ['library', 'tool']) {
    assert.equal(has(site, narUrl(name)), false);
    assert.equal(has(site, `${outHash(name)}.narinfo`), false);
  }
  assert.equal(has(site, narUrl('driver')), true);
  await enterPaths(site.database.connection, { library: ['driver'] });
  const why = (await ask(site, 'GET', `/paths/${outHash('library')}/why`)).json<{
    visible: boolean;
    rule: string;
  }>();
  assert.deepEqual([why.visible, why.rule], [false, 'Held back: it was withdrawn: a letter came']);
  const audit = await site.database.connection.db.execute<{ actor: string; details: unknown }>(sql`
    select actor, details from audit_events where action = 'path.remove'`);
  assert.deepEqual([...audit], [{ actor: 'admin', details: { reason: 'a letter came' } }]);
  assert.equal(
    (await ask(site, 'POST', `/paths/${hashFor('none')}/remove`, { reason: 'x' })).statusCode,
    404,
  );
});

test('statistics count what is there', async () => {
  await using site = await filled();
  await collect(site);
  await enterPaths(site.database.connection, { driver: [] });
  const stats = (await ask(site, 'GET', '/cache/stats')).json<Record<string, unknown>>();
  assert.deepEqual(stats, {
    paths: 1,
    publicPaths: 0,
    fileBytes: 10,
    narBytes: 100,
    sweptNars: 4,
    sweptBytes: 40,
    held: { unknown: 1 },
    keys: {},
  });
});
