/** Pages of views, keys, and logs of what is held back. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { formatPublicKey, publicKeyOf } from '../../../domain/nix/signature.ts';
import { recordLicences } from '../../../db/licences.ts';
import { sql } from 'drizzle-orm';
import { hashFor, planned, storeGraph } from '../../support/graph.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { enterPaths, outHash } from '../../support/paths.ts';

let site: OpenApp;
before(async () => {
  site = await openApp();
  const { connection } = site.database;
  await storeGraph(connection, { free: {}, secret: {} });
  const licence = (name: string, free: boolean) => ({
    name,
    drvHash: hashFor(name),
    meta: { license: [{ shortName: `licence of ${name}`, free, redistributable: free }] },
  });
  await connection.transaction((tx) =>
    recordLicences(tx, 1, [licence('free', true), licence('secret', false)]),
  );
  await planned(connection, { jobs: [{ name: 'free' }, { name: 'secret' }] });
  await enterPaths(connection, { free: [], secret: [] });
  await connection.db.execute(sql`
    insert into attempts (step_id, generation, number, builder, unit) select id, 1, 1, 'b', 'u' from steps`);
});
after(() => site[Symbol.asyncDispose]());

const ask = (url: string, headers: Record<string, string> = {}) => site.app.inject({ url, headers });
const html = { accept: 'text/html' };
const admin = { authorization: 'Bearer admin' };

test('each view has a page with snippets that can be copied, and its twin', async () => {
  const [key] = site.deps.secretKeys.map((one) => formatPublicKey(publicKeyOf(one)));
  const url = site.deps.publicUrl;
  for (const [path, more] of [
    ['/cache', ''],
    ['/internal', '/internal'],
    ['/staging/pr-1', '/staging/pr-1'],
  ] as const) {
    const page = await ask(path, { ...html, ...admin });
    assert.equal(page.statusCode, 200, page.body);
    const text = page.body.replaceAll('&#61;', '=');
    assert.ok(text.includes(`extra-substituters = ${url}${more}\nextra-trusted-public-keys = ${key}`), text);
    assert.equal(page.body.includes('machine 127.0.0.1 login nixwarp password'), path !== '/cache');
    const twin = (await ask(`${path}?format=json`, admin)).json<{
      url: string;
      mode: string;
      stats: { paths: number };
    }>();
    assert.deepEqual([twin.url, twin.mode, twin.stats.paths], [`${url}${more}`, 'policy', 2]);
  }
  assert.equal((await ask('/pubkey')).body, `${key}\n`);
});

test('pages of views that need a token ask for it', async () => {
  for (const path of ['/internal', '/staging/pr-1']) {
    const page = await ask(path, html);
    assert.equal(page.statusCode, 401);
    assert.equal(page.headers['www-authenticate'], 'Basic realm="nixwarp"');
  }
  assert.equal((await ask('/cache', html)).statusCode, 200);
});

test('logs follow the view of their outputs, over the API, as events and as pages', async () => {
  const rows = await site.database.connection.db.execute<{ id: number; name: string }>(sql`
    select a.id, d.name from attempts a join steps s on s.id = a.step_id join derivations d on d.drv_hash = s.drv_hash`);
  const idOf = new Map(rows.map((row) => [row.name, row.id]));
  for (const id of idOf.values()) {
    await site.logs.append(id, 0, Buffer.from('a line\n'));
    await site.logs.close(id);
  }
  const paths = (name: string): string[] =>
    ['/api/v1', '']
      .flatMap((prefix) => [`${prefix}/attempts/${idOf.get(name)}/log`])
      .concat(`/api/v1/attempts/${idOf.get(name)}/log/events`);
  for (const path of paths('free')) assert.equal((await ask(path, html)).statusCode, 200, path);
  for (const path of paths('secret')) {
    const refused = await ask(path, html);
    assert.deepEqual(
      [refused.statusCode, refused.headers['www-authenticate']],
      [401, 'Basic realm="nixwarp"'],
      path,
    );
    assert.ok(!refused.body.includes('a line'));
    assert.equal((await ask(path, { ...html, ...admin })).statusCode, 200, path);
  }
});

test('why says which member of the closure holds a path back, and by which licence', async () => {
  const why = (await ask(`/api/v1/paths/${outHash('secret')}/why`)).json<Record<string, unknown>>();
  assert.equal(why['visible'], false);
  assert.equal(why['class'], 'unfree');
  assert.equal(why['rule'], 'Held back: it is unfree by the licence (licence of secret) of job secret');
  const shown = (await ask(`/api/v1/paths/${outHash('free')}/why`)).json<Record<string, unknown>>();
  assert.equal(shown['visible'], true);
  assert.equal((await ask(`/api/v1/paths/${outHash('none')}/why`)).statusCode, 404);
});
