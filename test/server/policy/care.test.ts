/** Care of what is stored: verified, repaired, withdrawn; signed with new keys. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { findVisibility } from '../../../db/visibility.ts';
import type { Signed, Verified } from '../../../domain/api/paths.ts';
import { parseNarInfo } from '../../../domain/nix/narinfo.ts';
import {
  fingerprint,
  formatSecretKey,
  generateSecretKey,
  parseSecretKeys,
  parseSignature,
  publicKeyOf,
  verifyFingerprint,
} from '../../../domain/nix/signature.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { signAll } from '../../../server/cache/sign-all.ts';
import { createFolderSource } from '../../../server/cache/sources/folder.ts';
import { startStandalone, type Standalone } from '../../../server/cache/standalone.ts';
import { verifyCache } from '../../../server/cache/verify.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { outHash, outPath } from '../../support/paths.ts';
import { publishNames } from '../../support/publish.ts';

let site: OpenApp;
let cache: string;
before(async () => {
  site = await openApp('everything');
  cache = join(site.folder, 'cache');
});
after(() => site[Symbol.asyncDispose]());
beforeEach(() => publishNames(site.deps.ingest, { base: [], middle: ['base'], top: ['middle'] }));

const storeDir = '/nix/store';
const verify = (upstreams: readonly string[] = []): Promise<Verified> =>
  verifyCache({ connection: site.database.connection, folder: site.deps.folder, upstreams, storeDir });

async function narinfo(name: string) {
  const response = await site.app.inject({ url: `/${outHash(name)}.narinfo` });
  return response.statusCode === 200 ? parseNarInfo(response.body) : undefined;
}

async function narFile(name: string): Promise<string> {
  return join(cache, (await narinfo(name))?.url ?? 'no narinfo');
}

async function flipBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 4;
  await writeFile(file, bytes);
}

async function withUpstream(work: (url: string) => Promise<void>): Promise<void> {
  const copy = join(site.folder, 'upstream');
  await cp(cache, copy, { recursive: true });
  const logger = createLogger('test');
  logger.level = 'fatal';
  const upstream: Standalone = await startStandalone({
    source: createFolderSource({ path: copy, storeDir, priority: undefined }),
    listen: { host: '127.0.0.1', port: 0 },
    logger,
  });
  try {
    await work(upstream.url);
  } finally {
    await upstream.close();
    await rm(copy, { recursive: true, force: true });
  }
}

test('a cache as it should be has nothing broken', async () => {
  const verified = await verify();
  assert.equal(verified.paths, 3);
  assert.deepEqual(verified.broken, []);
  assert.ok(verified.bytes > 0);
});

for (const [what, harm, problem] of [
  ['a flipped bit', flipBit, /zstd|NAR is|file is|checksum|content|Data|Restored/i],
  ['a file that is gone', (file: string) => rm(file), /^there is no file$/],
  ['a file cut short', async (file: string) => writeFile(file, (await readFile(file)).subarray(0, 40)), /./],
  ['a file of nothing', (file: string) => writeFile(file, ''), /./],
  [
    'bytes behind the end',
    async (file: string) => writeFile(file, Buffer.concat([await readFile(file), Buffer.from('more')])),
    /./,
  ],
] as const)
  test(`${what} is found and repaired from an upstream that has the same NAR`, async () => {
    await withUpstream(async (upstream) => {
      const file = await narFile('middle');
      await harm(file);
      const { broken } = await verify([`${upstream}/none`, upstream]);
      assert.deepEqual(
        broken.map(({ path, action }) => [path, action]),
        [[outPath('middle'), 'repaired']],
      );
      assert.match(broken[0]?.problem ?? '', problem);
      assert.deepEqual((await verify()).broken, []);
      assert.ok((await narinfo('top')) !== undefined);
    });
  });

test('what no upstream has is put aside and withdrawn, and what refers to it is shown no more, until it is published again', async () => {
  const file = await narFile('base');
  await flipBit(file);
  const { broken } = await verify(['http://127.0.0.1:1']);
  assert.deepEqual(
    broken.map(({ path, action }) => [path, action]),
    [[outPath('base'), 'withdrawn']],
  );
  assert.equal(existsSync(file), false);
  assert.ok((await readdir(join(site.folder, 'quarantine'))).length > 0);
  for (const name of ['base', 'middle', 'top']) assert.equal(await narinfo(name), undefined, name);
  assert.equal((await findVisibility(site.database.connection.db, outHash('top')))?.class, 'missing');
  await publishNames(site.deps.ingest, { base: [], middle: ['base'], top: ['middle'] });
  for (const name of ['base', 'middle', 'top']) assert.ok((await narinfo(name)) !== undefined, name);
});

test('an upstream with another NAR of the same path repairs nothing', async () => {
  await withUpstream(async (upstream) => {
    // The file of another path, under the narinfo of this one.
    const base = await narFile('base');
    await writeFile(
      join(site.folder, 'upstream', base.slice(cache.length)),
      await readFile(await narFile('top')),
    );
    await flipBit(base);
    const { broken } = await verify([upstream]);
    assert.equal(broken[0]?.action, 'withdrawn');
  });
});

test('bytes that were compressed anew are found by their old URL', async () => {
  const { db } = site.database.connection;
  const old = (await narinfo('middle'))?.url ?? '';
  const now = `nar/0${'0'.repeat(51)}.nar.zst`;
  await cp(join(cache, old), join(cache, now));
  await db.execute(
    sql`insert into nar_aliases (url, path_hash) values (${old}, ${outHash('middle')}) on conflict do nothing`,
  );
  await db.execute(sql`update store_paths set url = ${now} where path_hash = ${outHash('middle')}`);
  const bytes = await readFile(join(cache, old));
  await rm(join(cache, old));
  const response = await site.app.inject({ url: `/${old}` });
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.rawPayload, bytes);
  assert.equal((await site.app.inject({ url: `/nar/0${'1'.repeat(51)}.nar.zst` })).statusCode, 404);
});

test('a new key signs what was published, and one that is given up is taken away', async () => {
  const [old] = site.deps.secretKeys;
  assert.ok(old !== undefined);
  const next = generateSecretKey('next-2');
  const deps = { connection: site.database.connection, folder: site.deps.folder, storeDir };
  const both: Signed = await signAll({ ...deps, secretKeys: [next, old] }, undefined);
  assert.deepEqual(both, { signed: 3, dropped: 0 });
  assert.deepEqual(await signAll({ ...deps, secretKeys: [next, old] }, undefined), { signed: 0, dropped: 0 });
  const info = await narinfo('top');
  assert.ok(info !== undefined);
  const valid = (key: typeof next): boolean =>
    info.signatures.some((text) =>
      verifyFingerprint(fingerprint(info), parseSignature(text), [publicKeyOf(key)]),
    );
  assert.deepEqual([valid(old), valid(next)], [true, true]);
  await assert.rejects(signAll({ ...deps, secretKeys: [next, old] }, old.name), /still signs/);
  assert.deepEqual(await signAll({ ...deps, secretKeys: [next] }, old.name), { signed: 0, dropped: 3 });
  assert.deepEqual(
    (await narinfo('top'))?.signatures.map((text) => text.split(':')[0]),
    ['next-2'],
  );
});

test('several keys are read with white space between, and one name twice is refused', () => {
  const [one, two] = ['a-1', 'b-1'].map((name) => formatSecretKey(generateSecretKey(name)));
  assert.deepEqual(
    parseSecretKeys(`${one}\n${two}\n`).map((key) => key.name),
    ['a-1', 'b-1'],
  );
  assert.throws(() => parseSecretKeys(`${one} ${one}`), /"a-1" is not the name of one key only/);
  assert.throws(() => parseSecretKeys(''), /secret key/);
});
