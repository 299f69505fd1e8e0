/** Compressing stored NARs anew: smaller files, and every URL that clients remember goes on working. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Recompressed } from '../../../domain/api/paths.ts';
import { parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { collectGarbage } from '../../../server/cache/collect.ts';
import { decompress } from '../../../server/cache/decompress.ts';
import { createRecompress } from '../../../server/cache/recompress.ts';
import { verifyCache } from '../../../server/cache/verify.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { publish } from '../../support/publish.ts';
import { claimOf, samplePath } from '../../support/sample-paths.ts';

const SAMPLES = ['one', 'two', 'three'].map((name) =>
  samplePath(`recompressed-${name}`, {
    text: { content: lines(name) },
  }),
);
let site: OpenApp;
let cache: string;
before(async () => {
  site = await openApp('everything');
  cache = join(site.folder, 'cache');
  await publish(
    site.deps.ingest,
    SAMPLES.map((sample) => ({ claim: claimOf(sample), nar: sample.nar })),
  );
});
after(() => site[Symbol.asyncDispose]());

/** Text that a higher level finds more in. */
function lines(name: string): string {
  return Array.from(
    { length: 12_000 },
    (_, line) => `${name} ${(line * 7919) % 4099} is ${(line * line) % 523}\n`,
  ).join('');
}

async function narInfo(hash: string) {
  const response = await site.app.inject({ url: `/${hash}.narinfo` });
  assert.equal(response.statusCode, 200);
  return parseNarInfo(response.body);
}

async function narAt(url: string): Promise<Buffer> {
  const response = await site.app.inject({ url: `/${url}` });
  assert.equal(response.statusCode, 200, url);
  const pieces = [];
  for await (const piece of decompress('zstd', chunks(response.rawPayload), 2 ** 30)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function ask(body: object, authorization = 'Bearer admin') {
  const response = await site.app.inject({
    method: 'POST',
    url: '/api/v1/cache/recompress',
    headers: { authorization },
    payload: body,
  });
  return { status: response.statusCode, body: response.json<Recompressed>() };
}

const paths = () => site.database.connection;
const collect = () => collectGarbage({ connection: paths(), folder: site.deps.folder }, GRACE, false);
const GRACE = { graceSeconds: 86_400, narDelaySeconds: 30 * 86_400, quotaBytes: undefined };

test('needs an administrator, and a level of zstd', async () => {
  assert.equal((await ask({}, 'Bearer builder')).status, 403);
  for (const body of [{ level: 0 }, { level: 20 }, { after: '../..' }, { seconds: 0 }])
    assert.equal((await ask(body)).status, 400, JSON.stringify(body));
});

test('files become smaller, and both URLs lead to the same NAR, after the old file is gone, too', async () => {
  const urls = new Map<string, string>();
  for (const { pathHash } of SAMPLES) urls.set(pathHash, (await narInfo(pathHash)).url);
  const { status, body } = await ask({ level: 15 });
  assert.equal(status, 200);
  assert.deepEqual(
    { paths: body.paths, replaced: body.replaced, broken: body.broken, next: body.next },
    { paths: 3, replaced: 3, broken: [], next: null },
  );
  assert.ok(body.bytesAfter < body.bytesBefore);
  const check = async (): Promise<void> => {
    for (const { pathHash, nar } of SAMPLES) {
      const old = urls.get(pathHash) ?? '';
      const info = await narInfo(pathHash);
      assert.notEqual(info.url, old);
      assert.equal(info.fileSize, (await readFile(join(cache, info.url))).length);
      assert.ok((await narAt(info.url)).equals(nar));
      assert.ok((await narAt(old)).equals(nar));
    }
  };
  await check();
  await collect();
  for (const url of urls.values()) assert.ok(existsSync(join(cache, url)), 'somebody may be fetching it');
  await paths().db.execute(sql`update swept_nars set swept_at = now() - interval '25 hours'`);
  await collect();
  for (const url of urls.values()) assert.ok(!existsSync(join(cache, url)));
  await check();
  const { broken } = await verifyCache({
    connection: paths(),
    folder: site.deps.folder,
    upstreams: [],
    storeDir: '/nix/store',
  });
  assert.deepEqual(broken, []);
  assert.deepEqual(await readdir(join(cache, 'tmp')), []);
});

test('what becomes no smaller stays as it is', async () => {
  const { url } = await narInfo(SAMPLES[0]?.pathHash ?? '');
  assert.equal((await ask({ level: 1 })).body.replaced, 0);
  assert.equal((await narInfo(SAMPLES[0]?.pathHash ?? '')).url, url);
});

test('a path that takes longer than a request goes on, and who comes back goes on behind what is done', async () => {
  const recompress = createRecompress({
    connection: paths(),
    folder: site.deps.folder,
    storeDir: '/nix/store',
  });
  let looked = 0;
  let requests = 0;
  for (let next: string | null = ''; next !== null; requests++) {
    const part: Recompressed = await recompress({ level: 19, after: next, seconds: 0.001 });
    looked += part.paths;
    next = part.next;
    assert.ok(requests < 100_000);
  }
  assert.equal(looked, 3);
  assert.ok(requests > 1);
});

test('a file that does not hold what was signed is told, and left to verification', async () => {
  const { pathHash, path } = SAMPLES[1] as (typeof SAMPLES)[number];
  const { url } = await narInfo(pathHash);
  await writeFile(join(cache, url), 'rotten');
  const { body } = await ask({ level: 18 });
  assert.deepEqual(body.broken, [path]);
  assert.equal((await narInfo(pathHash)).url, url);
  assert.deepEqual(await readdir(join(cache, 'tmp')), []);
});
