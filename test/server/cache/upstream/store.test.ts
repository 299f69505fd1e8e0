/** What is pulled may stay: verified like any upload, signed by us, and served when the upstream is gone. */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { parseNarInfo } from '../../../../domain/nix/narinfo.ts';
import { generateSecretKey } from '../../../../domain/nix/signature.ts';
import { ask } from '../../../support/cache-server.ts';
import { startPullingCache } from '../../../support/pulling-cache.ts';
import { until } from '../../../support/runs.ts';
import { type SamplePath, samplePath } from '../../../support/sample-paths.ts';
import { test } from '../../../support/test.ts';
import { startOddUpstream, type UpstreamPath, upstreamPath } from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const dependency = samplePath('library-1.0', { lib: { content: 'code' } });
const sample = samplePath(
  'program-1.0',
  { bin: { content: 'x'.repeat(300_000) } },
  { references: [dependency] },
);

function packed(one: SamplePath): UpstreamPath {
  return upstreamPath(one, key, { file: zstdCompressSync(one.nar), compression: 'zstd', extension: '.zst' });
}
const program = packed(sample);
const narinfo = `/${sample.pathHash}.narinfo`;

test('a pulled path is stored as ours, and outlives its upstream', async () => {
  await using upstream = await startOddUpstream();
  upstream.serve(program);
  upstream.serve(packed(dependency));
  await using cache = await startPullingCache({ policy: 'store', upstreams: [upstream.url], trusted: [key] });
  await ask(cache.url, narinfo);
  assert.deepEqual((await ask(cache.url, `/${program.info.url}`)).body, program.file);

  const text = (await ask(cache.url, narinfo)).body.toString();
  const info = parseNarInfo(text);
  assert.equal(info.compression, 'zstd');
  assert.notEqual(info.url, program.info.url, 'compressed anew, with a seek table');
  assert.deepEqual(
    new Set(info.signatures.map((one) => one.split(':')[0])),
    new Set(['nixwarp-test-1', 'upstream-1']),
    'signed by us, who have seen the bytes, and by them',
  );
  const { db } = cache.database.connection;
  const [made] = await db.execute(
    sql`select upstream, attempt_id as "attemptId", accepted from path_provenance where path_hash = ${sample.pathHash}`,
  );
  assert.deepEqual({ ...made }, { upstream: upstream.url, attemptId: null, accepted: true });

  await upstream.close();
  await cache.restart();
  const nar = await ask(cache.url, `/${info.url}`);
  assert.equal(nar.body.length, info.fileSize);
  const range = await ask(cache.url, `/${info.url}`, { headers: { range: 'bytes=5-14' } });
  assert.deepEqual(range.body, nar.body.subarray(5, 15));
  assert.equal((await ask(cache.url, `/${sample.pathHash}.ls`)).status, 200);
});

test('bytes that fit the file hash, which nobody signed, but not the NAR hash, are never stored', async () => {
  await using upstream = await startOddUpstream();
  const file = zstdCompressSync(samplePath('program-1.0', { bin: { content: 'evil' } }).nar);
  const forged = upstreamPath(sample, key, { file, compression: 'zstd', extension: '.zst' });
  upstream.serve(forged);
  await using cache = await startPullingCache({ policy: 'store', upstreams: [upstream.url], trusted: [key] });
  await ask(cache.url, narinfo);
  await assert.rejects(ask(cache.url, `/${forged.info.url}`), /aborted|ECONNRESET|socket hang up/);
  await until('the log says so', async () =>
    cache.messages.some((message) => message.includes('a NAR is not taken over')),
  );
  const rows = await cache.database.connection.db.execute(
    sql`select 1 from store_paths union all select 1 from pending_paths`,
  );
  assert.equal(rows.length, 0);
  assert.deepEqual(await readdir(join(cache.folder, 'nar')), []);
  assert.deepEqual(await readdir(join(cache.folder, 'tmp')), []);
});

test('one that is stored already is only passed on to who remembers the URL of the upstream', async () => {
  await using upstream = await startOddUpstream();
  upstream.serve(program);
  upstream.serve(packed(dependency));
  await using cache = await startPullingCache({ policy: 'store', upstreams: [upstream.url], trusted: [key] });
  await ask(cache.url, narinfo);
  const url = `/${program.info.url}`;
  await ask(cache.url, url);
  await cache.restart();
  assert.deepEqual((await ask(cache.url, url)).body, program.file);
  const [count] = await cache.database.connection.db.execute(
    sql`select count(*)::int as n from path_provenance`,
  );
  assert.equal(count?.['n'], 1);
});

test('strangers see of upstreams what is free by them, and nothing that was withdrawn', async () => {
  await using free = await startOddUpstream();
  free.serve(program);
  await using unknown = await startOddUpstream();
  const other = upstreamPath(samplePath('other-1.0', {}), key);
  unknown.serve(other);
  await using cache = await startPullingCache({
    policy: 'proxy',
    upstreams: [free.url, unknown.url],
    trusted: [key],
    audience: 'public',
  });
  const { db } = cache.database.connection;
  const answers = async (): Promise<number[]> =>
    Promise.all(
      [narinfo, `/${program.info.url}`, `/${other.sample.pathHash}.narinfo`, `/${other.info.url}`].map(
        async (path) => (await ask(cache.url, path)).status,
      ),
    );
  await answers();
  assert.deepEqual(await answers(), [404, 404, 404, 404], 'the operator said of neither that it is free');
  await db.execute(sql`update policy_settings set upstreams = array[${free.url}]`);
  assert.deepEqual(await answers(), [200, 200, 404, 404]);
  await db.execute(sql`
    insert into withdrawn_paths (path_hash, path, reason, withdrawn_by)
    values (${dependency.pathHash}, ${dependency.path}, 'a reason', 'a test')`);
  assert.deepEqual(await answers(), [404, 404, 404, 404], 'it refers to what was withdrawn');
});
