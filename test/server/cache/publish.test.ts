/** Publishing a closure: resumable uploads, one commit, and a server that is restarted in between. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import type { Committed, Declared } from '../../../domain/api/ingest.ts';
import { sweepIngest } from '../../../server/cache/sweep-ingest.ts';
import { requestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { until } from '../../support/runs.ts';
import { claimOf, type SamplePath, samplePath } from '../../support/sample-paths.ts';
import { basic, type SampleServer, startSampleServer } from '../../support/sample-server.ts';

let database: TestDatabase;
let folder: string;
let server: SampleServer;
before(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-publish-'));
  server = await startSampleServer({ database, folder });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const declare = async (samples: readonly SamplePath[]): Promise<Declared> => {
  const payload = { attemptId: null, claims: samples.map(claimOf) };
  const { status, body } = await requestApi<Declared>(server.sample.app, 'POST /publish', {
    token: 'builder',
    payload,
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const commit = (publishId: string) =>
  requestApi<Committed & { detail: string }>(server.sample.app, `POST /publish/${publishId}/commit`, {
    token: 'builder',
  });
const isVisible = async (sample: SamplePath): Promise<boolean> =>
  (await fetch(`${server.url}/${sample.pathHash}.narinfo`)).status === 200;
const placeOf = (publishId: string, { pathHash }: SamplePath): string =>
  `api/v1/publish/${publishId}/${pathHash}`;

async function offsetOf(publishId: string, sample: SamplePath): Promise<number> {
  const response = await fetch(`${server.url}/${placeOf(publishId, sample)}`, {
    method: 'HEAD',
    headers: basic('builder'),
  });
  assert.equal(response.status, 204);
  return Number(response.headers.get('upload-offset'));
}

/** Sends the beginning, then cuts the connection. */
async function sendPart(publishId: string, sample: SamplePath, bytes: number, from = 0): Promise<void> {
  const sent = request(`${server.url}/${placeOf(publishId, sample)}?offset=${from}`, {
    method: 'PUT',
    headers: {
      ...basic('builder'),
      'content-length': sample.nar.length - from,
      'content-type': 'application/x-nix-nar',
    },
  });
  sent.on('error', () => {});
  await new Promise((resolve) => sent.write(sample.nar.subarray(from, from + bytes), resolve));
  await until('the bytes are on disk', async () => (await offsetOf(publishId, sample)) >= from + bytes);
  sent.destroy();
}

const large = (name: string): SamplePath =>
  samplePath(name, { blob: { content: randomBytes(8_000_000).toString('latin1') } });

describe('a closure', () => {
  test('becomes visible all at once, by its commit', async () => {
    const leaf = samplePath('p-leaf', {});
    const middle = samplePath('p-middle', {}, { references: [leaf] });
    const root = samplePath('p-root', {}, { references: [middle, leaf], self: true });
    const all = [root, leaf, middle];
    const { publishId, missing, committed } = await declare(all);
    assert.equal(committed, false);
    assert.deepEqual(
      missing.map((one) => one.pathHash).toSorted(),
      all.map((one) => one.pathHash).toSorted(),
    );
    await Promise.all(all.map((one) => server.put(placeOf(publishId, one), one.nar)));
    for (const one of all) assert.equal(await isVisible(one), false);
    const first = await commit(publishId);
    assert.deepEqual(first.body, { published: 3, differing: [] });
    for (const one of all) assert.equal(await isVisible(one), true);
    assert.deepEqual((await commit(publishId)).body, first.body);
    assert.deepEqual((await declare(all)).missing, []);
  });

  test('is not committed while bytes of it are missing', async () => {
    const leaf = samplePath('q-leaf', {});
    const root = samplePath('q-root', {}, { references: [leaf] });
    const { publishId } = await declare([leaf, root]);
    await server.put(placeOf(publishId, root), root.nar);
    const refused = await commit(publishId);
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail, /1 of 2 paths .* are missing, such as .*q-leaf/);
    assert.equal(await isVisible(root), false);
    // Another publish of the same closure asks only for what is not here.
    const second = await declare([leaf, root]);
    assert.deepEqual(second.missing, [{ pathHash: leaf.pathHash, offset: 0 }]);
    await server.put(placeOf(second.publishId, leaf), leaf.nar);
    assert.equal((await commit(second.publishId)).status, 200);
    assert.equal((await commit(publishId)).status, 200);
    assert.equal(await isVisible(root), true);
  });

  test('that is declared again is as young as a new one, so that it is not collected', async () => {
    const sample = samplePath('young', {});
    const { publishId } = await declare([sample]);
    await server.put(placeOf(publishId, sample), sample.nar);
    await commit(publishId);
    const { db } = database.connection;
    await db.execute(
      sql`update store_paths set declared_at = now() - interval '9 days' where path_hash = ${sample.pathHash}`,
    );
    await declare([sample]);
    const rows = await db.execute(sql`
      select 1 from store_paths where path_hash = ${sample.pathHash} and declared_at > now() - interval '1 hour'`);
    assert.equal(rows.length, 1);
  });

  test('may come compressed', async () => {
    const sample = samplePath('compressed', { file: { content: 'x'.repeat(100_000) } });
    const { publishId } = await declare([sample]);
    const put = await server.put(
      `${placeOf(publishId, sample)}?compression=zstd`,
      zstdCompressSync(sample.nar),
    );
    assert.equal(put.status, 204, put.detail);
    assert.equal((await commit(publishId)).status, 200);
  });
});

describe('an upload whose connection was cut', () => {
  test('goes on where it ended, as often as it is cut', async () => {
    const sample = large('resumed');
    const { publishId } = await declare([sample]);
    await sendPart(publishId, sample, 3_000_000);
    const first = await offsetOf(publishId, sample);
    await sendPart(publishId, sample, 2_000_000, first);
    const offset = await offsetOf(publishId, sample);
    assert.equal(offset, 5_000_000);
    const rest = await server.put(
      `${placeOf(publishId, sample)}?offset=${offset}`,
      sample.nar.subarray(offset),
    );
    assert.equal(rest.status, 204, rest.detail);
    assert.equal((await commit(publishId)).status, 200);
    assert.equal(await isVisible(sample), true);
    assert.deepEqual(await readdir(join(server.cacheFolder, 'staging', 'publish')), []);
  });

  test('cannot leave a gap', async () => {
    const sample = large('gap');
    const { publishId } = await declare([sample]);
    const put = await server.put(`${placeOf(publishId, sample)}?offset=100`, sample.nar.subarray(100));
    assert.equal(put.status, 409);
    assert.match(put.detail, /begins at byte 100, but only 0 bytes are here/);
  });

  test('goes on in another server, after the first was killed', async () => {
    const sample = large('restarted');
    const small = samplePath('restarted-small', {}, { references: [sample] });
    const { publishId } = await declare([sample, small]);
    await server.put(placeOf(publishId, small), small.nar);
    await sendPart(publishId, sample, 6_000_000);
    await server[Symbol.asyncDispose]();
    server = await startSampleServer({ database, folder });
    const offset = await offsetOf(publishId, sample);
    assert.equal(offset, 6_000_000);
    const put = await server.put(
      `${placeOf(publishId, sample)}?offset=${offset}`,
      sample.nar.subarray(offset),
    );
    assert.equal(put.status, 204, put.detail);
    assert.deepEqual((await commit(publishId)).body, { published: 2, differing: [] });
    assert.equal(await isVisible(small), true);
  });

  test('may be sent in parts on purpose, for proxies that limit bodies', async () => {
    const sample = large('parts');
    const { publishId } = await declare([sample]);
    const total = sample.nar.length;
    for (let at = 0; at < total; at += 3_000_000) {
      const end = Math.min(total, at + 3_000_000);
      const headers = { 'content-range': `bytes ${at}-${end - 1}/${total}` };
      const put = await server.put(placeOf(publishId, sample), sample.nar.subarray(at, end), headers);
      assert.equal(put.status, 204, put.detail);
    }
    assert.equal((await commit(publishId)).status, 200);
  });

  test('of wrong bytes begins anew', async () => {
    const sample = large('wrong');
    const { publishId } = await declare([sample]);
    const wrong = Buffer.from(sample.nar);
    wrong[5_000_000] = (wrong[5_000_000] ?? 0) ^ 1;
    const refused = await server.put(placeOf(publishId, sample), wrong);
    assert.equal(refused.status, 422);
    assert.match(refused.detail, /claimed hash/);
    assert.equal(await offsetOf(publishId, sample), 0);
    assert.equal((await server.put(placeOf(publishId, sample), sample.nar)).status, 204);
  });
});

test('what nobody commits is cleared away, and what is published stays', async () => {
  const kept = samplePath('kept', {});
  const abandoned = samplePath('abandoned', { file: { content: 'nobody comes back' } });
  const partly = large('partly');
  const first = await declare([kept]);
  await server.put(placeOf(first.publishId, kept), kept.nar);
  await commit(first.publishId);
  const { publishId } = await declare([abandoned, partly]);
  await server.put(placeOf(publishId, abandoned), abandoned.nar);
  await sendPart(publishId, partly, 1_000_000);
  const nars = (await readdir(join(server.cacheFolder, 'nar'))).length;
  const deps = server.sample.deps.ingestDeps;
  await sweepIngest(deps);
  assert.equal((await readdir(join(server.cacheFolder, 'nar'))).length, nars);
  assert.equal(await offsetOf(publishId, partly), 1_000_000);
  await database.connection.db.execute(sql`update publishes set expires_at = now() - interval '1 second'`);
  await database.connection.db.execute(sql`update pending_paths set received_at = now() - interval '2 days'`);
  await sweepIngest(deps);
  assert.equal((await commit(publishId)).status, 404);
  assert.deepEqual(await readdir(join(server.cacheFolder, 'staging', 'publish')), []);
  assert.ok((await readdir(join(server.cacheFolder, 'nar'))).length < nars);
  assert.equal(await isVisible(kept), true);
  const [row] = await database.connection.db.execute<{ count: number }>(
    sql`select count(*) as count from pending_paths`,
  );
  assert.equal(row?.count, 0);
});

/** Many publish overlapping closures while others read: whoever sees a narinfo can fetch all that it refers to. */
test('whoever reads while closures are published never sees half of one', async () => {
  const base = samplePath('soak-base', {});
  const closures = Array.from({ length: 12 }, (_, index) => {
    const middle = samplePath(`soak-middle-${index % 4}`, {}, { references: [base] });
    return [
      base,
      middle,
      samplePath(
        `soak-root-${index}`,
        { n: { content: 'x'.repeat(index * 50_000) } },
        { references: [middle, base] },
      ),
    ];
  });
  let publishing = true;
  let reads = 0;
  const reader = async (): Promise<void> => {
    while (publishing)
      for (const closure of closures) {
        const root = closure.at(-1) as SamplePath;
        const found = await fetch(`${server.url}/${root.pathHash}.narinfo`);
        const text = await found.text();
        if (found.status !== 200) continue;
        for (const one of closure) assert.equal(await isVisible(one), true, one.path);
        const nar = await fetch(`${server.url}/${/^URL: (.*)$/m.exec(text)?.[1]}`);
        assert.equal((await nar.arrayBuffer()).byteLength, Number(/^FileSize: (.*)$/m.exec(text)?.[1]));
        reads += 1;
      }
  };
  const readers = [reader(), reader()];
  await Promise.all(
    closures.map(async (closure) => {
      const { publishId, missing, committed } = await declare(closure);
      const wanted = closure.filter((one) => missing.some(({ pathHash }) => pathHash === one.pathHash));
      for (const one of wanted) {
        const put = await server.put(placeOf(publishId, one), one.nar);
        assert.equal(put.status, 204, put.detail);
      }
      if (!committed) assert.equal((await commit(publishId)).status, 200);
    }),
  );
  await until('the readers saw some of it', async () => reads > 24);
  publishing = false;
  await Promise.all(readers);
  for (const closure of closures) for (const one of closure) assert.equal(await isVisible(one), true);
});

const run = promisify(execFile);
const mayMount = process.getuid?.() === 0;
test(
  'a full disk is said so (507), loses nothing that is published, and is over when there is room',
  { skip: mayMount ? false : 'mounting needs root' },
  async (context) => {
    const small = await mkdtemp(join(tmpdir(), 'nixwarp-full-'));
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', small]);
    } catch (error) {
      await rm(small, { recursive: true });
      context.skip(`no tmpfs can be mounted: ${String(error)}`);
      return;
    }
    const fullDatabase = await createTestDatabase();
    const full = await startSampleServer({ database: fullDatabase, folder: small });
    try {
      const one = samplePath('fits', { blob: { content: randomBytes(6_000_000).toString('latin1') } });
      const two = samplePath('does-not-fit', {
        blob: { content: randomBytes(13_000_000).toString('latin1') },
      });
      const publish = async (sample: SamplePath) => {
        const payload = { attemptId: null, claims: [claimOf(sample)] };
        const { body } = await requestApi<Declared>(full.sample.app, 'POST /publish', {
          token: 'builder',
          payload,
        });
        const put = await full.put(placeOf(body.publishId, sample), sample.nar);
        if (put.status === 204)
          await requestApi(full.sample.app, `POST /publish/${body.publishId}/commit`, { token: 'builder' });
        return put;
      };
      await mkdir(join(small, 'x'));
      assert.equal((await publish(one)).status, 204);
      const refused = await publish(two);
      assert.equal(refused.status, 507, refused.detail);
      assert.match(refused.detail, /ENOSPC|no space/i);
      const nar = await full.put(`nar/${'0'.repeat(52)}.nar`, two.nar);
      assert.equal(nar.status, 507, nar.detail);
      for (const place of ['tmp', 'staging/publish', 'staging/nar'])
        assert.deepEqual(await readdir(join(full.cacheFolder, place)), [], place);
      const text = await (await fetch(`${full.url}/${one.pathHash}.narinfo`)).text();
      assert.equal((await fetch(`${full.url}/${/^URL: (.*)$/m.exec(text)?.[1]}`)).status, 200);
      await run('mount', ['-o', 'remount,size=64m', small]);
      assert.equal((await publish(two)).status, 204);
    } finally {
      await full[Symbol.asyncDispose]();
      await fullDatabase[Symbol.asyncDispose]();
      await run('umount', [small]);
      await rm(small, { recursive: true });
    }
  },
);
