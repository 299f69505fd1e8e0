/** Publishing, reading and collecting at once: nothing that is visible ever lacks a reference or its bytes. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { formatHash } from '../../../domain/nix/hash.ts';
import { parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { collectGarbage } from '../../../server/cache/collect.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { outHash, outPath } from '../../support/paths.ts';
import { publishNames } from '../../support/publish.ts';

const ROUNDS = 25;
/** With no time of grace: what protects is only that declaring, publishing and sweeping exclude each other. */
const RUTHLESS = { graceSeconds: 0, narDelaySeconds: 0, quotaBytes: undefined };
const SHARED = { s0: [], s1: ['s0'], s2: ['s1'] };

/** What was there when it was declared may be collected before it is committed: then it is declared again. */
async function publishAgain(site: OpenApp, name: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await publishNames(site.deps.ingest, { ...SHARED, [name]: ['s2'] });
      return;
    } catch (error) {
      if (tries > 50 || !(error instanceof Error) || error.name !== 'ConflictError') throw error;
    }
  }
}

async function publishers(site: OpenApp, worker: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const name = `w${worker}r${round}`;
    await publishAgain(site, name);
    // It may be collected before it is pinned, which is said.
    while (round % 5 === 0) {
      const { statusCode } = await site.app.inject({
        method: 'PUT',
        url: `/api/v1/pins/w${worker}`,
        headers: { authorization: 'Bearer admin' },
        payload: { path: outPath(name) },
      });
      if (statusCode === 200) break;
      assert.equal(statusCode, 404);
      await publishAgain(site, name);
    }
  }
}

async function readers(site: OpenApp, done: () => boolean): Promise<number> {
  let read = 0;
  const names = [...Object.keys(SHARED), ...Array.from({ length: ROUNDS }, (_, round) => `w0r${round}`)];
  while (!done())
    for (const name of names) {
      const answer = await site.app.inject({ url: `/${outHash(name)}.narinfo` });
      assert.ok([200, 404].includes(answer.statusCode), answer.body);
      if (answer.statusCode === 404) continue;
      const info = parseNarInfo(answer.body);
      const nar = await site.app.inject({ url: `/${info.url}` });
      // Without a delay bytes may go right after their narinfo; but never others come in their place.
      if (nar.statusCode === 404) continue;
      const digest = createHash('sha256').update(zstdDecompressSync(nar.rawPayload)).digest();
      assert.equal(formatHash({ algorithm: 'sha256', bytes: digest }), formatHash(info.narHash));
      read++;
    }
  return read;
}

test('publish, read and collect together lose nothing that is held, and leave nothing half-there', async () => {
  await using site = await openApp('everything');
  const { connection } = site.database;
  const deps = { connection, folder: site.deps.folder };
  let finished = false;
  const collecting = (async () => {
    let removed = 0;
    while (!finished) removed += (await collectGarbage(deps, RUTHLESS, false)).removed;
    return removed;
  })();
  const reading = readers(site, () => finished);
  await Promise.all([publishers(site, 0), publishers(site, 1), publishers(site, 2)]).finally(
    () => (finished = true),
  );
  const [removed, read] = await Promise.all([collecting, reading]);
  assert.ok(removed > 10, `${removed} removed`);
  assert.ok(read > 10, `${read} read`);

  // What the pins hold is whole: its closure in the index, its bytes on disk, as signed.
  const pinned = await connection.db.execute<{ path: string }>(sql`
    with recursive closure (hash) as (
      select path_hash from (select distinct on (name) path_hash from named_pins order by name, revision desc) p
      union select r.reference_hash from closure c join path_references r on r.path_hash = c.hash
    ) select coalesce(p.path, 'LOST ' || c.hash) as path from closure c left join store_paths p on p.path_hash = c.hash`);
  assert.equal(pinned.length, 6);
  for (const { path } of pinned) {
    const hash = path.slice('/nix/store/'.length).slice(0, 32);
    const info = parseNarInfo((await site.app.inject({ url: `/${hash}.narinfo` })).body);
    const nar = await site.app.inject({ url: `/${info.url}` });
    assert.equal(nar.statusCode, 200, path);
    assert.equal(zstdDecompressSync(nar.rawPayload).length, info.narSize);
  }
  const dangling = await connection.db.execute(sql`
    select 1 from path_references r where not exists (select 1 from store_paths p where p.path_hash = r.reference_hash)`);
  assert.equal(dangling.length, 0);
});
