/**
 * `npm run bench -- cache-index [ROWS]`: ten million paths in Postgres: how long a server takes to know them, how much memory
 * that takes, and how fast a lookup is, with changes coming in. Asserts nothing. Ten million rows take some 3 GB of disk.
 */

import { createHash } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { sql } from 'drizzle-orm';
import { connectDatabase } from '../../db/database.ts';
import { migrate } from '../../db/migrate.ts';
import { openPathFollower } from '../../server/cache/path-follower.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { processFacts } from './cache/servers.ts';
import { median } from './statistics.ts';

const ROWS = 10_000_000;
const BYTES_PER_ROW = 400;
const BATCH = 1_000_000;
const LOOKUPS = 500_000;
const LOADS = 3;

export async function cacheIndex(args: readonly string[]): Promise<void> {
  const rows = Number(args[0] ?? ROWS);
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < rows * BYTES_PER_ROW) {
    console.log(
      `bench cache-index is skipped: ${rows} rows need ${((rows * BYTES_PER_ROW) / 1e9).toFixed(1)} GB below ${tmpdir()}`,
    );
    return;
  }
  await using database = await startOwnPostgres([
    ...['fsync=off', 'wal_level=minimal', 'max_wal_senders=0', 'autovacuum=off', 'shared_buffers=512MB'],
  ]);
  await using connection = connectDatabase({ url: database.url, applicationName: 'bench' });
  await migrate(connection);
  const startedAt = performance.now();
  await generate(connection, rows);
  console.log(`${rows} rows made in ${seconds(startedAt)} s`);

  const before = (await processFacts(process.pid)).residentMebibytes;
  const loads: number[] = [];
  for (let load = 1; load < LOADS; load++) {
    const at = performance.now();
    await using paths = await openPathFollower({ connection, logger: { info: () => {}, warn: () => {} } });
    loads.push((performance.now() - at) / 1000);
    if (paths.size !== rows) throw new Error(`${paths.size} of ${rows} paths are known`);
  }
  const at = performance.now();
  await using paths = await openPathFollower({ connection, logger: { info: () => {}, warn: () => {} } });
  loads.push((performance.now() - at) / 1000);
  const { residentMebibytes, peakMebibytes } = await processFacts(process.pid);
  console.log(
    `loaded in ${median(loads).toFixed(1)} s (${loads.map((load) => load.toFixed(1)).join(', ')}); resident ${residentMebibytes.toFixed(0)} MiB ` +
      `(${before.toFixed(0)} before), peak ${peakMebibytes.toFixed(0)} MiB`,
  );
  measureLookups('lookups', (hash) => paths.views(hash), rows);
  const changing = connection.db.execute(sql`
    update path_visibility set is_public = not is_public where path_hash in (select path_hash from path_visibility limit 50000)`);
  measureLookups('lookups with 50,000 changes under way', (hash) => paths.views(hash), rows);
  await changing;
  const changedAt = performance.now();
  await paths.catchUp();
  console.log(`50,000 changes known after ${(performance.now() - changedAt).toFixed(0)} ms`);
}

const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);

/** Hash parts are spread as real ones are: letters of a digest, of which Nix's base32 has no e, o, t, u. */
async function generate(connection: ReturnType<typeof connectDatabase>, rows: number): Promise<void> {
  await connection.db.execute(sql`alter table path_visibility disable trigger user`);
  await connection.db.execute(
    sql`alter table path_visibility drop constraint path_visibility_path_hash_fkey`,
  );
  await connection.db.execute(sql`drop index path_visibility_held`);
  for (let from = 1; from <= rows; from += BATCH) {
    await connection.db.execute(sql`
      insert into path_visibility (path_hash, own_rank, own_source, rank, restricted_by, is_public)
      select h, n % 3, 'licence', n % 3, h, n % 3 < 2
      from generate_series(${from}::bigint, ${Math.min(rows, from + BATCH - 1)}::bigint) n
      cross join lateral (select translate(md5(n::text), 'e', 'g') as h) as hashed`);
    console.log(`  ${Math.min(rows, from + BATCH - 1)} rows`);
  }
  await connection.db.execute(sql`alter table path_visibility enable trigger user`);
  await connection.db.execute(sql`analyze path_visibility`);
}

function measureLookups(what: string, look: (hash: string) => unknown, rows: number): void {
  const times = new Float64Array(LOOKUPS);
  let state = 1;
  for (let lookup = 0; lookup < LOOKUPS; lookup++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Half of them are there.
    const hash = createHash('md5')
      .update(String((state % (2 * rows)) + 1))
      .digest('hex')
      .replaceAll('e', 'g');
    const from = performance.now();
    look(hash);
    times[lookup] = performance.now() - from;
  }
  times.sort();
  const at = (share: number): string => ((times[Math.floor(LOOKUPS * share)] ?? 0) * 1000).toFixed(1);
  console.log(
    `${what} among ${rows}: median ${at(0.5)} µs, P99 ${at(0.99)} µs, P99.9 ${at(0.999)} µs, most ${at(1 - 1 / LOOKUPS)} µs`,
  );
}
