/** Paths that were taken in and are not visible yet. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json, texts } from './sql.ts';
import { type IndexedPath, insertStorePaths } from './store-paths.ts';

/** What a pending path waits for: all that it refers to, or the commit of a publish. */
export type WaitsFor = 'references' | 'commit';

const PENDING_LOCK = 0x70656e64;

/**
 * Whoever makes paths visible or pending does so alone: of two at once neither would see that the other's path is what its own
 * has waited for. Whoever removes files of pending paths holds it, too. Taken before any other lock.
 */
export async function lockPending(tx: Database): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${PENDING_LOCK})`);
}

/** One that is pending with the same bytes stays; it waits for less from now on, if this one does (by the words, `references` is greater). */
export async function insertPendingPaths(
  tx: Database,
  paths: readonly IndexedPath[],
  waitsFor: WaitsFor,
): Promise<void> {
  if (paths.length === 0) return;
  await tx.execute(sql`
    insert into pending_paths (path_hash, nar_hash, path, nar_size, url, compression, file_hash, file_size, deriver, ca, signatures, waits_for)
    select "pathHash", "narHash", path, "narSize", url, compression, "fileHash", "fileSize", deriver, ca, signatures, ${waitsFor}
    from jsonb_to_recordset(${json(paths)}) as p ("pathHash" text, path text, "narHash" text, "narSize" bigint, url text,
      compression text, "fileHash" text, "fileSize" bigint, deriver text, ca text, signatures jsonb)
    on conflict (path_hash, nar_hash) do update set received_at = now(),
      waits_for = greatest(pending_paths.waits_for, excluded.waits_for)`);
  await tx.execute(sql`
    insert into pending_references (path_hash, nar_hash, reference, reference_hash)
    select "pathHash", "narHash", r, substring(r from '^.*/([^/]{32})-[^/]*$')
    from jsonb_to_recordset(${json(paths)}) as p ("pathHash" text, "narHash" text, "references" jsonb)
    cross join lateral jsonb_array_elements_text("references") r on conflict do nothing`);
}

/** Path hashes of those that are pending with exactly these bytes. */
export async function listPendingPaths(
  db: Database,
  wanted: ReadonlyMap<string, { readonly narHash: string }>,
): Promise<IndexedPath[]> {
  if (wanted.size === 0) return [];
  const keys = [...wanted].map(([path_hash, { narHash }]) => ({ path_hash, nar_hash: narHash }));
  return db.execute<IndexedPath & Record<string, unknown>>(sql`
    select ${COLUMNS} from pending_paths p
    join jsonb_to_recordset(${json(keys)}) as k (path_hash text, nar_hash text)
      on k.path_hash = p.path_hash and k.nar_hash = p.nar_hash`);
}

const COLUMNS = sql`p.path_hash as "pathHash", p.path, p.nar_hash as "narHash", p.nar_size as "narSize", p.url, p.compression,
  p.file_hash as "fileHash", p.file_size as "fileSize", p.deriver, p.ca, p.signatures,
  coalesce((select jsonb_agg(r.reference order by r.reference) from pending_references r
    where r.path_hash = p.path_hash and r.nar_hash = p.nar_hash), '[]') as references`;

/** Of these references (full store paths) those that neither the cache nor a trusted upstream has. */
export async function listAbsent(tx: Database, references: readonly string[]): Promise<string[]> {
  if (references.length === 0) return [];
  const rows = await tx.execute<{ path: string }>(sql`
    select path from (select path, substring(path from '^.*/([^/]{32})-[^/]*$') as hash
      from jsonb_array_elements_text(${json(references)}) as r (path)) wanted
    where not exists (select 1 from store_paths s where s.path_hash = hash)
      and not exists (select 1 from upstream_paths u where u.path_hash = hash and u.upstream is not null)
    order by path`);
  return rows.map((row) => row.path);
}

/**
 * Makes paths visible, and with them those that waited for nothing else. Call under `lockPending`.
 * Returns all that are visible now and were not; a path that is visible with other bytes stays as it is.
 */
export async function makeVisible(tx: Database, paths: readonly IndexedPath[]): Promise<IndexedPath[]> {
  const visible: IndexedPath[] = [];
  for (let next = paths; next.length > 0;) {
    const entered = new Set(await insertStorePaths(tx, next));
    const fresh = next.filter((path) => entered.has(path.pathHash));
    visible.push(...fresh);
    await deletePending(tx, next);
    next = await listReady(
      tx,
      fresh.map((path) => path.pathHash),
    );
  }
  return visible;
}

async function deletePending(tx: Database, paths: readonly IndexedPath[]): Promise<void> {
  const keys = paths.map(({ pathHash, narHash }) => ({ path_hash: pathHash, nar_hash: narHash }));
  await tx.execute(sql`
    delete from pending_paths p using jsonb_to_recordset(${json(keys)}) as k (path_hash text, nar_hash text)
    where p.path_hash = k.path_hash and p.nar_hash = k.nar_hash`);
}

/** Those that refer to one of these, wait for references, and have them all. */
async function listReady(tx: Database, pathHashes: readonly string[]): Promise<IndexedPath[]> {
  if (pathHashes.length === 0) return [];
  return tx.execute<IndexedPath & Record<string, unknown>>(sql`
    select ${COLUMNS} from pending_paths p
    where p.waits_for = 'references'
      and (p.path_hash, p.nar_hash) in (
        select path_hash, nar_hash from pending_references where reference_hash in ${texts(pathHashes)})
      and not exists (select 1 from pending_references r
        where r.path_hash = p.path_hash and r.nar_hash = p.nar_hash and r.reference_hash <> p.path_hash
          and not exists (select 1 from store_paths s where s.path_hash = r.reference_hash)
          and not exists (select 1 from upstream_paths u where u.path_hash = r.reference_hash and u.upstream is not null))`);
}

/** Those of the hash parts of which some bytes are pending. */
export async function listPendingOfPaths(tx: Database, pathHashes: readonly string[]): Promise<string[]> {
  if (pathHashes.length === 0) return [];
  const rows = await tx.execute<{ pathHash: string }>(sql`
    select distinct path_hash as "pathHash" from pending_paths where path_hash in ${texts(pathHashes)}`);
  return rows.map((row) => row.pathHash);
}

/** A file that holds this NAR, of any path, visible or not: the same bytes need not be sent twice. */
export async function findStoredNar(
  db: Database,
  narHash: string,
  narSize: number,
): Promise<{ readonly url: string; readonly compression: string } | undefined> {
  const [row] = await db.execute<{ url: string; compression: string }>(sql`
    select url, compression from pending_paths where nar_hash = ${narHash} and nar_size = ${narSize}
    union all
    select url, compression from store_paths where nar_hash = ${narHash} and nar_size = ${narSize} limit 1`);
  return row;
}

/**
 * Forgets pending paths that nobody came back for, and gives the URLs of files that nothing needs any more.
 * Call under `lockPending`, and remove the files before it is released.
 */
export async function forgetPendingPaths(tx: Database, olderThanSeconds: number): Promise<string[]> {
  const rows = await tx.execute<{ url: string }>(sql`
    with gone as (
      delete from pending_paths p where received_at < now() - make_interval(secs => ${olderThanSeconds})
        and not exists (select 1 from publish_claims c join publishes b on b.id = c.publish_id
          where c.path_hash = p.path_hash and b.committed is null and b.expires_at > now())
      returning path_hash, nar_hash, url
    )
    select distinct url from gone g
    where not exists (select 1 from store_paths s where s.url = g.url)
      and not exists (select 1 from pending_paths o where o.url = g.url
        and (o.path_hash, o.nar_hash) not in (select path_hash, nar_hash from gone))`);
  return rows.map((row) => row.url);
}
