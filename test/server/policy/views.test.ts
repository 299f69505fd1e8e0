/** Views and tokens over HTTP: who gets which resource under which URL. */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { recordLicences } from '../../../db/licences.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { hashFor, storeGraph } from '../../support/graph.ts';
import { enterPaths, narUrl, outHash, outPath } from '../../support/paths.ts';

let site: OpenApp;
before(async () => {
  site = await openApp();
  const { connection } = site.database;
  await storeGraph(connection, { free: {}, wrapper: { inputs: ['secret'] }, secret: {} });
  const licence = (name: string, free: boolean) => ({
    name,
    drvHash: hashFor(name),
    meta: { license: [{ shortName: name, free, redistributable: free }] },
  });
  await connection.transaction((tx) =>
    recordLicences(tx, 1, [licence('free', true), licence('wrapper', true), licence('secret', false)]),
  );
  await enterPaths(connection, { free: [], secret: [], wrapper: ['secret'] });
  for (const name of ['free', 'wrapper', 'secret']) await putFiles(join(site.folder, 'cache'), name);
});
after(() => site[Symbol.asyncDispose]());

const REALISATION = `sha256:${'0'.repeat(63)}`;
const digit = (name: string): string => ({ free: '1', wrapper: '2', secret: '3' })[name] ?? '4';

/** Everything that a cache may have of a path, as other parts of nixwarp put it there. */
function resourcesOf(name: string): string[] {
  return [
    `${outHash(name)}.narinfo`,
    `${outHash(name)}.ls`,
    narUrl(name),
    `realisations/${REALISATION}${digit(name)}!out.doi`,
    `build-trace-v2/${hashFor(name)}-${name}.drv/out.doi`,
    `debuginfo/${digit(name).repeat(40)}.debug`,
    `log/${hashFor(name)}-${name}.drv`,
  ];
}

async function putFiles(folder: string, name: string): Promise<void> {
  for (const key of resourcesOf(name)) {
    const file = join(folder, key);
    await mkdir(dirname(file), { recursive: true });
    const text = key.startsWith('debuginfo/')
      ? JSON.stringify({ archive: `../${narUrl(name)}`, member: 'x' })
      : key.endsWith('.doi')
        ? JSON.stringify({ outPath: outPath(name).slice('/nix/store/'.length), signatures: [] })
        : `${key} of ${name}`;
    await writeFile(file, text);
  }
}

async function statusesOf(prefix: string, name: string, authorization?: string): Promise<number[]> {
  const statuses = [];
  for (const key of resourcesOf(name))
    for (const method of ['GET', 'HEAD'] as const) {
      const headers = authorization === undefined ? {} : { authorization };
      const { statusCode } = await site.app.inject({ method, url: `${prefix}/${key}`, headers });
      statuses.push(statusCode);
    }
  return [...new Set(statuses)];
}

const basic = (token: string): string => `Basic ${Buffer.from(`any:${token}`).toString('base64')}`;

interface Made {
  readonly id: number;
  readonly token: string;
}

async function makeToken(view: string, can: readonly string[], extra: object = {}): Promise<Made> {
  const answer = await site.app.inject({
    method: 'POST',
    url: '/api/v1/tokens',
    headers: { authorization: 'Bearer admin' },
    payload: { view, can, name: `${view} ${can.join(' ')}`, ...extra },
  });
  assert.equal(answer.statusCode, 200, answer.body);
  return answer.json();
}

test('the public view has all of a free path, and nothing of one whose closure is not, by GET and HEAD alike', async () => {
  assert.deepEqual(await statusesOf('', 'free'), [200]);
  assert.deepEqual(await statusesOf('', 'secret'), [404]);
  assert.deepEqual(await statusesOf('', 'wrapper'), [404]);
});

test('the internal view has everything, for a token of it as Basic and as Bearer', async () => {
  const { token } = await makeToken('internal', ['read']);
  assert.match(token, /^nixwarp_[A-Za-z0-9_-]{43}$/);
  for (const authorization of [basic(token), `Bearer ${token}`, 'Bearer builder', basic('admin')])
    for (const name of ['free', 'secret', 'wrapper'])
      assert.deepEqual(await statusesOf('/internal', name, authorization), [200], name);
});

test('without a token, or with a wrong one, the internal view asks for Basic', async () => {
  for (const authorization of [undefined, basic('wrong'), basic('nixwarp_wrong'), 'Bearer x'])
    assert.deepEqual(await statusesOf('/internal', 'free', authorization), [401]);
  const { headers } = await site.app.inject({ url: `/internal/${outHash('free')}.narinfo` });
  assert.equal(headers['www-authenticate'], 'Basic realm="nixwarp"');
});

test('a token of another view is told that there is no such view', async () => {
  for (const made of [await makeToken('public', ['read', 'push']), await makeToken('staging/pr-1', ['read'])])
    assert.deepEqual(await statusesOf('/internal', 'free', basic(made.token)), [404]);
  const pusher = await makeToken('internal', ['push']);
  assert.deepEqual(await statusesOf('/internal', 'free', basic(pusher.token)), [404]);
});

test('nix-cache-info is never refused, and public paths are not refused for a token that comes along', async () => {
  for (const prefix of ['', '/internal', '/staging/pr-1', '/staging/none'])
    for (const headers of [{}, { authorization: basic('wrong') }]) {
      const { statusCode, body } = await site.app.inject({ url: `${prefix}/nix-cache-info`, headers });
      assert.equal(statusCode, 200, prefix);
      assert.match(body, /^StoreDir: \/nix\/store\n/);
    }
  assert.deepEqual(await statusesOf('', 'free', basic('wrong')), [200]);
});

test('answers of a view that asks for a token are not for shared caches', async () => {
  const url = `/internal/${outHash('secret')}.narinfo`;
  const { headers } = await site.app.inject({ url, headers: { authorization: 'Bearer builder' } });
  assert.match(String(headers['cache-control']), /^private, /);
  assert.equal(headers['vary'], 'authorization');
});

test('a staging view is its own folder over what is public, for its own token', async () => {
  const { token } = await makeToken('staging/pr-1', ['read']);
  const other = await makeToken('staging/pr-2', ['read']);
  await putFiles(join(site.folder, 'staging', 'pr-1'), 'staged');
  assert.deepEqual(await statusesOf('/staging/pr-1', 'staged', basic(token)), [200]);
  assert.deepEqual(await statusesOf('/staging/pr-1', 'free', basic(token)), [200]);
  assert.deepEqual(await statusesOf('/staging/pr-1', 'secret', basic(token)), [404]);
  assert.deepEqual(await statusesOf('/staging/pr-1', 'staged', basic(other.token)), [404]);
  assert.deepEqual(await statusesOf('/staging/pr-1', 'staged'), [401]);
  for (const elsewhere of ['', '/internal', '/staging/pr-2'])
    assert.deepEqual(
      await statusesOf(elsewhere, 'staged', basic(elsewhere === '/staging/pr-2' ? other.token : 'admin')),
      [404],
    );
  for (const name of ['..', '%2e%2e', 'a%2f..%2f..', '.', 'x'.repeat(64)])
    assert.deepEqual(await statusesOf(`/staging/${name}`, 'staged', basic('admin')), [404], name);
});

test('a revoked token is none at once, an expired one too, and both are listed', async () => {
  const revoked = await makeToken('internal', ['read']);
  assert.deepEqual(await statusesOf('/internal', 'free', basic(revoked.token)), [200]);
  const headers = { authorization: 'Bearer admin' };
  const answer = await site.app.inject({
    method: 'POST',
    url: `/api/v1/tokens/${revoked.id}/revoke`,
    headers,
  });
  assert.deepEqual(answer.json(), { id: revoked.id, name: 'internal read' });
  assert.deepEqual(await statusesOf('/internal', 'free', basic(revoked.token)), [401]);
  const expired = await makeToken('internal', ['read'], { expiresInSeconds: 1000 });
  assert.deepEqual(await statusesOf('/internal', 'free', basic(expired.token)), [200]);
  await site.database.connection.db.execute(
    sql`update tokens set expires_at = now() - interval '1 second' where id = ${expired.id}`,
  );
  site.deps.tokens.forget();
  assert.deepEqual(await statusesOf('/internal', 'free', basic(expired.token)), [401]);
  const { items } = (await site.app.inject({ url: '/api/v1/tokens', headers })).json<{
    items: { id: number; state: string; lastUsedAt: string | null }[];
  }>();
  const states = new Map(items.map((item) => [item.id, item]));
  assert.equal(states.get(revoked.id)?.state, 'revoked');
  assert.equal(states.get(expired.id)?.state, 'expired');
  assert.ok(states.get(revoked.id)?.lastUsedAt);
  assert.ok(!JSON.stringify(items).includes('nixwarp_'));
});

test('a revocation by another process is heard of', async () => {
  const { id, token } = await makeToken('internal', ['read']);
  assert.deepEqual(await statusesOf('/internal', 'free', basic(token)), [200]);
  await site.database.connection.db.execute(sql`update tokens set revoked_at = now() where id = ${id}`);
  // Well within the five seconds for which it would be remembered.
  const deadline = Date.now() + 3_000;
  while ((await statusesOf('/internal', 'free', basic(token)))[0] !== 401)
    assert.ok(Date.now() < deadline, 'it is still believed');
});

test('neither the database nor the audit trail holds a token', async () => {
  const { id, token } = await makeToken('public', ['push'], { name: 'laptop' });
  const rows = await site.database.connection.db.execute<{ text: string }>(sql`
    select t::text || (select string_agg(a::text, ' ') from audit_events a) as text from tokens t where id = ${id}`);
  assert.match(rows[0]?.text ?? '', /token\.create.*laptop/);
  assert.ok(!rows[0]?.text.includes(token.slice(8)));
});

test('who administers the internal view gives commands; others do not, and are told why', async () => {
  const admin = await makeToken('internal', ['admin']);
  const reader = await makeToken('internal', ['read', 'push']);
  const stager = await makeToken('staging/pr-1', ['admin']);
  const ask = (token: string) =>
    site.app.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: { authorization: `Bearer ${token}` },
      payload: { view: 'public', can: ['read'] },
    });
  assert.equal((await ask(admin.token)).statusCode, 200);
  for (const { token } of [reader, stager]) {
    const answer = await ask(token);
    assert.equal(answer.statusCode, 403);
    assert.match(
      answer.json<{ detail: string }>().detail,
      /needs a token that administers the internal view/,
    );
  }
});

for (const [what, payload, problem] of [
  ['an unknown view', { view: 'private', can: ['read'] }, /"public", "internal" or "staging\/<name>"/],
  ['a staging view that is a path', { view: 'staging/../x', can: ['read'] }, /staging/],
  ['an unknown right', { view: 'public', can: ['write'] }, /"read", "push" and "admin"/],
  ['no right', { view: 'public', can: [] }, /can/],
  ['an unknown field', { view: 'public', can: ['read'], days: 3 }, /days|additional/i],
  ['an expiry of nothing', { view: 'public', can: ['read'], expiresInSeconds: 0 }, /expiresInSeconds|>= 1/],
] as const)
  test(`a token with ${what} is refused`, async () => {
    const answer = await site.app.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: { authorization: 'Bearer admin' },
      payload,
    });
    assert.ok([400, 422].includes(answer.statusCode), answer.body);
    assert.match(answer.json<{ detail: string }>().detail, problem);
  });
