/** Taking paths out of the cache by command: the bytes go at once, and the like of them is never public again. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { texts } from './sql.ts';
import { lockPending } from './pending-paths.ts';

export interface Dependent extends Record<string, unknown> {
  readonly pathHash: string;
  readonly path: string;
}

/** The path itself first, then all that refer to it, however far away; empty where it is not in the cache. */
export async function listDependents(tx: Database, pathHash: string): Promise<Dependent[]> {
  await lockPending(tx);
  return tx.execute<Dependent>(sql`
    with recursive up (hash) as (
      select ${pathHash}::text
      union
      select r.path_hash from up join path_references r on r.reference_hash = up.hash
    )
    select p.path_hash as "pathHash", p.path from up join store_paths p on p.path_hash = up.hash
    order by p.path_hash <> ${pathHash}, p.path`);
}

/** Returns files that no other path needs. The first path is the one that was asked for: it is withdrawn for good. */
export async function removePaths(
  tx: Database,
  paths: readonly Dependent[],
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<{ urls: string[]; bytes: number }> {
  const hashes = texts(paths.map((path) => path.pathHash));
  const [first] = paths;
  if (first === undefined) return { urls: [], bytes: 0 };
  await tx.execute(sql`
    insert into withdrawn_paths (path_hash, path, reason, withdrawn_by)
    values (${first.pathHash}, ${first.path}, ${reason}, ${actor})
    on conflict (path_hash) do update set reason = excluded.reason, withdrawn_by = excluded.withdrawn_by, withdrawn_at = now()`);
  const urls = await tx.execute<{ url: string; bytes: number }>(sql`
    with gone as (delete from store_paths where path_hash in ${hashes} returning path_hash, url, file_size)
    select url, max(file_size)::bigint as bytes from gone g
    where not exists (select 1 from store_paths p where p.url = g.url and p.path_hash not in (select path_hash from gone))
    group by url`);
  for (const { url, bytes } of urls)
    await tx.execute(sql`
      insert into swept_nars (url, file_size, was_public, swept_at) values (${url}, ${bytes}, false, 'epoch')
      on conflict (url) do update set was_public = false, swept_at = 'epoch'`);
  return { urls: urls.map((row) => row.url), bytes: urls.reduce((sum, row) => sum + row.bytes, 0) };
}
