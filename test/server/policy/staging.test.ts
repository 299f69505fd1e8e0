/** Uploads to a staging view by real clients: seen there, signed by its own key, and nowhere else. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { PROJECT_FOLDER } from '../../../cli/config.ts';
import { formatHash } from '../../../domain/nix/hash.ts';
import { formatNarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../domain/nix/signature.ts';
import { createWarningLogger } from '../../../runtime/logger.ts';
import { openStagingKey } from '../../../server/cache/staging-key.ts';
import { openFolderSource } from '../../../server/cache/sources/folder.ts';
import { type Standalone, startStandalone } from '../../../server/cache/standalone.ts';
import { type NixClient, nixClients } from '../../support/nix-clients.ts';
import { narInfoOf, type SamplePath, samplePath, writeSampleCache } from '../../support/sample-paths.ts';
import { ownKey, type SampleServer, startSampleServer } from '../../support/sample-server.ts';

let server: SampleServer;
let origin: Standalone;
let folder: string;
/** In the public view from the beginning. */
const base = samplePath('staging-base', { file: { content: 'public' } });
const closures = new Map<string, readonly [SamplePath, SamplePath]>();
for (const name of Object.keys(nixClients)) {
  const id = name.replaceAll(' ', '-');
  const lower = samplePath(
    `${id}-staged-lower`,
    { f: { content: 'x'.repeat(100_000) } },
    { references: [base] },
  );
  closures.set(name, [lower, samplePath(`${id}-staged`, {}, { references: [lower, base], self: true })]);
}

before(async () => {
  server = await startSampleServer();
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-staging-'));
  await writeSampleCache(folder, [base, ...[...closures.values()].flat()]);
  origin = await startStandalone({
    source: await openFolderSource({ path: folder, storeDir: '/nix/store', priority: undefined }),
    listen: { host: '127.0.0.1', port: 0 },
    logger: createWarningLogger('test'),
  });
  await upload('', 'builder', base);
});
after(async () => {
  await origin.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function makeToken(view: string, can: readonly string[] = ['read', 'push']) {
  const response = await fetch(`${server.url}/api/v1/tokens`, {
    method: 'POST',
    headers: { authorization: 'Bearer admin', 'content-type': 'application/json' },
    body: JSON.stringify({ view, can }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as { id: number; token: string };
}

/** As a client does it: the NAR, then its narinfo. The statuses of both. */
async function upload(
  prefix: string,
  token: string | undefined,
  sample: SamplePath,
  info = narInfoOf(sample),
): Promise<number[]> {
  const { status } = await server.put(`${prefix}${info.url}`, sample.nar, {}, token);
  const put = await server.put(`${prefix}${sample.pathHash}.narinfo`, formatNarInfo(info), {}, token);
  return [status, put.status];
}

async function statusOf(url: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await fetch(`${server.url}${url}`, { headers })).status;
}

const withPassword = (token: string): string => server.url.replace('http://', `http://any:${token}@`);
const stagingKeyText = (): string => formatPublicKey(publicKeyOf(server.sample.deps.stagingKey));

for (const [name, open] of Object.entries(nixClients))
  describe(name, { skip: typeof open === 'string' ? open : false }, () => {
    const openClient = open as Exclude<typeof open, string>;
    async function using(work: (client: NixClient) => Promise<void>): Promise<void> {
      const client = await openClient();
      try {
        await work(client);
      } finally {
        await client.close();
      }
    }

    test('copies a closure into a staging view, and others of its tokens get it from there alone', async () => {
      const view = `staging/${name.replaceAll(' ', '-')}`;
      const [lower, root] = closures.get(name) as readonly [SamplePath, SamplePath];
      const pusher = await makeToken(view);
      const reader = await makeToken(view, ['read']);
      await using(async (client) => {
        const got = await client.run(['copy', '--no-check-sigs', '--from', origin.url, root.path]);
        assert.ok(got.ok, got.output);
        const refused = await client.run([
          ...['copy', '--no-check-sigs', '--to', `${withPassword(reader.token)}/${view}/`],
          root.path,
        ]);
        assert.equal(refused.ok, false);
        assert.match(refused.output, /403/);
        const to = `${withPassword(pusher.token)}/${view}/?compression=zstd`;
        const put = await client.run(['copy', '--no-check-sigs', '--to', to, root.path]);
        assert.ok(put.ok, put.output);
      });
      // What everybody sees was not uploaded again.
      const own = join(server.folder, 'staging', view.slice('staging/'.length));
      await assert.rejects(stat(join(own, `${base.pathHash}.narinfo`)), { code: 'ENOENT' });
      const from = `${withPassword(reader.token)}/${view}`;
      const trust = (keys: string) => ['--option', 'trusted-public-keys', keys];
      await using(async (client) => {
        const mistrusted = await client.run(['copy', '--from', from, lower.path, ...trust(ownKeyText())]);
        assert.equal(mistrusted.ok, false, 'the key of the cache must not sign what is staged');
      });
      await using(async (client) => {
        const both = trust(`${ownKeyText()} ${stagingKeyText()}`);
        const got = await client.run(['copy', '--from', from, root.path, ...both]);
        assert.ok(got.ok, got.output);
        const verified = await client.run(['store', 'verify', '--all', ...both]);
        assert.ok(verified.ok, verified.output);
      });
      await nowhereElse(view, [lower, root]);
      const rows = await server.database.connection.db.execute<{ details: { view: string } }>(
        sql`select details from audit_events where action = 'cache.push' and actor like ${`token ${pusher.id} %`}`,
      );
      assert.deepEqual([...new Set(rows.map((row) => row.details.view))], [view]);
    });
  });

const ownKeyText = (): string => formatPublicKey(ownKey);

/** Neither by its narinfo nor by the NAR's own name, and not in the index that builders are answered from. */
async function nowhereElse(view: string, samples: readonly SamplePath[]): Promise<void> {
  const other = await makeToken('staging/elsewhere');
  for (const sample of samples) {
    const text = await readFile(
      join(server.folder, 'staging', view.slice('staging/'.length), `${sample.pathHash}.narinfo`),
      'utf8',
    );
    const info = parseNarInfo(text);
    assert.deepEqual(
      info.signatures.map((signature) => signature.split(':')[0]),
      [server.sample.deps.stagingKey.name],
    );
    for (const key of [`${sample.pathHash}.narinfo`, `${sample.pathHash}.ls`, info.url]) {
      assert.equal(await statusOf(`/${view}/${key}`, 'admin'), 200, key);
      assert.equal(await statusOf(`/${view}/${key}`), 401, key);
      assert.equal(await statusOf(`/${view}/${key}`, other.token), 404, key);
      for (const elsewhere of ['', '/internal', '/staging/elsewhere'])
        assert.equal(await statusOf(`${elsewhere}/${key}`, 'admin'), 404, `${elsewhere}/${key}`);
    }
    const rows = await server.database.connection.db.execute(
      sql`select 1 from store_paths where path_hash = ${sample.pathHash}
        union all select 1 from pending_paths where path_hash = ${sample.pathHash}`,
    );
    assert.equal(rows.length, 0);
  }
}

test('uploads to a staging view need a token of that view that may push', async () => {
  const sample = samplePath('staging-refused', {});
  const tokens = [
    [undefined, 401],
    ['builder', 403],
    [(await makeToken('staging/refused', ['read'])).token, 403],
    [(await makeToken('staging/other')).token, 403],
    [(await makeToken('internal')).token, 403],
  ] as const;
  for (const [token, status] of tokens)
    assert.deepEqual(await upload('staging/refused/', token, sample), [status, status]);
  await assert.rejects(stat(join(server.folder, 'staging', 'refused')), { code: 'ENOENT' });
  const { token } = await makeToken('staging/refused');
  assert.deepEqual(await upload('', token, sample), [403, 403]);
  assert.deepEqual(await upload('internal/', token, sample), [403, 403]);
  for (const name of ['%252e%252e', 'a%2f..%2f..', 'x'.repeat(64), '.hidden'])
    for (const status of await upload(`staging/${name}/`, 'admin', sample))
      assert.ok(status === 404 || status === 405, `${name}: ${status}`);
});

test('a lie is refused in a staging view, too, and leaves nothing', async () => {
  const { token } = await makeToken('staging/lies');
  const sample = samplePath('staging-lie', { file: { content: 'truth' } });
  const other = samplePath('staging-lie-other', { file: { content: 'a lie' } });
  const info = narInfoOf(sample);
  assert.deepEqual(
    await upload('staging/lies/', token, sample, { ...info, narHash: narInfoOf(other).narHash }),
    [201, 422],
  );
  assert.equal(await statusOf(`/staging/lies/${sample.pathHash}.narinfo`, token), 404);
  const dangling = samplePath('staging-dangling', {}, { references: [other] });
  assert.deepEqual((await upload('staging/lies/', token, dangling))[1], 409);
});

test('a path that everybody sees cannot be given another content in a staging view', async () => {
  const { token } = await makeToken('staging/shadow');
  const forged = { ...base, nar: samplePath('staging-forged', { file: { content: 'forged' } }).nar };
  assert.deepEqual((await upload('staging/shadow/', token, forged))[1], 409);
  const shown = await fetch(`${server.url}/staging/shadow/${base.pathHash}.narinfo`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(formatHash(parseNarInfo(await shown.text()).narHash), formatHash(narInfoOf(base).narHash));
  // The same content is there already.
  assert.deepEqual((await upload('staging/shadow/', token, base))[1], 204);
});

test('signatures that come along are dropped: in a staging view they could be anybody’s', async () => {
  const { token } = await makeToken('staging/signed');
  const sample = samplePath('staging-signed', { file: { content: 'signed' } });
  const info = { ...narInfoOf(sample), signatures: [`${ownKey.name}:${'A'.repeat(86)}==`] };
  for (const expected of [201, 204])
    assert.equal((await upload('staging/signed/', token, sample, info))[1], expected);
  const shown = await fetch(`${server.url}/staging/signed/${sample.pathHash}.narinfo`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.deepEqual(
    parseNarInfo(await shown.text()).signatures.map((one) => one.split(':')[0]),
    [server.sample.deps.stagingKey.name],
  );
});

test('the page of a staging view names its key, and that of the cache does not', async () => {
  const { token } = await makeToken('staging/page');
  const page = async (path: string): Promise<string> =>
    (
      await fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      })
    ).text();
  assert.ok((await page('/staging/page')).includes(stagingKeyText()));
  assert.ok(!(await page('/cache')).includes(stagingKeyText()));
});

test('the key of staging views is made once, by whichever process is first', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'nixwarp-key-'));
  try {
    const cacheKey = generateSecretKey('cache-1');
    const opened = await Promise.all(
      [1, 2, 3].map(() => openStagingKey({ stateDir, stagingSecretKey: undefined }, cacheKey)),
    );
    const texts = opened.map((key) => formatPublicKey(publicKeyOf(key)));
    assert.equal(new Set(texts).size, 1);
    assert.match(texts[0] ?? '', /^cache-1-staging:/);
    const { mode } = await stat(join(stateDir, 'keys', 'staging-secret-key'));
    assert.equal(mode & 0o777, 0o600);
  } finally {
    await rm(stateDir, { recursive: true });
  }
});

test('nixwarp push --view staging/<name> sends a closure of the local store there', async () => {
  const { token } = await makeToken('staging/pushed');
  const file = join(folder, 'pushed');
  const path = (await nix('store', 'add-path', '--name', `nixwarp-staging-${process.pid}`, folder)).trim();
  const pushed = async (view: string, secret = token) =>
    run(process.execPath, [join(PROJECT_FOLDER, 'cli', 'main.ts'), 'push', '--json', '--view', view, path], {
      ...process.env,
      NIXWARP_URL: server.url,
      NIXWARP_TOKEN: secret,
      NIXWARP_STATE_DIR: file,
    });
  const first = await pushed('staging/pushed');
  assert.equal(first.status, 0, first.text);
  assert.deepEqual(
    { ...JSON.parse(first.stdout), uploadedBytes: 0 },
    { paths: 1, uploaded: 1, uploadedBytes: 0, differing: [] },
  );
  assert.equal(JSON.parse((await pushed('staging/pushed')).stdout).uploaded, 0);
  const hash = path.slice('/nix/store/'.length, '/nix/store/'.length + 32);
  assert.equal(await statusOf(`/staging/pushed/${hash}.narinfo`, token), 200);
  for (const elsewhere of ['', '/internal'])
    assert.equal(await statusOf(`${elsewhere}/${hash}.narinfo`, 'admin'), 404);
  assert.match((await pushed('staging/..')).text, /staging\/<name>/);
  assert.equal((await pushed('staging/pushed', 'nobody')).status, 2);
});

async function nix(...args: string[]): Promise<string> {
  const done = await run('nix', ['--extra-experimental-features', 'nix-command', ...args], process.env);
  assert.equal(done.status, 0, done.text);
  return done.stdout;
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ status: number; stdout: string; text: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, text: stdout + stderr }),
    );
  });
}
