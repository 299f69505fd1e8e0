/** The index of the binary cache: which store paths it holds, with what they refer to and who signed them. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json, texts } from './sql.ts';

/** Everything that a narinfo says. */
export interface IndexedPath {
  readonly pathHash: string;
  readonly path: string;
  readonly narHash: string;
  readonly narSize: number;
  readonly url: string;
  readonly compression: string;
  readonly fileHash: string;
  readonly fileSize: number;
  readonly deriver: string | null;
  readonly ca: string | null;
  /** Full store paths. */
  readonly references: readonly string[];
  readonly signatures: readonly { readonly keyName: string; readonly signature: string }[];
}

export interface StorePathRow extends Record<string, unknown> {
  readonly pathHash: string;
  readonly path: string;
  readonly narHash: string;
  readonly narSize: number;
  readonly url: string;
}

/** Those of the hashes that the cache holds. */
export async function listStorePaths(db: Database, pathHashes: readonly string[]): Promise<StorePathRow[]> {
  if (pathHashes.length === 0) return [];
  return db.execute<StorePathRow>(sql`
    select path_hash as "pathHash", path, nar_hash as "narHash", nar_size as "narSize", url
    from store_paths where path_hash in ${texts(pathHashes)}`);
}

/** A path of the cache with all that its narinfo says. */
export async function findIndexedPath(db: Database, pathHash: string): Promise<IndexedPath | undefined> {
  const [row] = await db.execute<IndexedPath & Record<string, unknown>>(sql`
    select path_hash as "pathHash", path, nar_hash as "narHash", nar_size as "narSize", url, compression, file_hash as "fileHash",
      file_size as "fileSize", deriver, ca,
      coalesce((select jsonb_agg(coalesce(r.reference, p.path, o.path) order by coalesce(r.reference, p.path, o.path)) from path_references r
        left join store_paths p on p.path_hash = r.reference_hash
        left join lateral (select path from outputs where path_hash = r.reference_hash limit 1) o on true
        where r.path_hash = store_paths.path_hash), '[]') as references,
      coalesce((select jsonb_agg(jsonb_build_object('keyName', s.key_name, 'signature', s.signature)) from signatures s
        where s.path_hash = store_paths.path_hash), '[]') as signatures
    from store_paths where path_hash = ${pathHash}`);
  // Rows from before migration 0005 have no names. A reference without one would make the signature wrong: better no narinfo.
  return row === undefined || row.references.some((reference) => reference === null) ? undefined : row;
}

/** What is declared again is as young as what is new: collecting leaves it alone. Not written for every build, but once an hour. */
export async function renewStorePaths(db: Database, pathHashes: readonly string[]): Promise<void> {
  if (pathHashes.length === 0) return;
  await db.execute(sql`
    update store_paths set declared_at = now()
    where path_hash in ${texts(pathHashes)} and declared_at < now() - interval '1 hour'`);
}

/** Whether the file at a URL is that of a path in the index. */
export async function isIndexedUrl(db: Database, url: string): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from store_paths where url = ${url} union all select 1 from nar_aliases where url = ${url} limit 1`);
  return rows.length > 0;
}

/** Hash parts of what was taken in within so many seconds. */
export async function listRecentPaths(db: Database, seconds: number): Promise<string[]> {
  const rows = await db.execute<{ pathHash: string }>(sql`
    select path_hash as "pathHash" from store_paths where ingested_at > now() - make_interval(secs => ${seconds})`);
  return rows.map((row) => row.pathHash);
}

/** Those of the hashes that a trusted upstream was found to serve. */
export async function findUpstreamPaths(db: Database, pathHashes: readonly string[]): Promise<string[]> {
  if (pathHashes.length === 0) return [];
  const rows = await db.execute<{ pathHash: string }>(sql`
    select path_hash as "pathHash" from upstream_paths where upstream is not null and path_hash in ${texts(pathHashes)}`);
  return rows.map((row) => row.pathHash);
}

/** Everything that an output of this derivation could refer to: the runtime closures of its inputs, and its own outputs. */
export async function listInputClosureHashes(db: Database, drvHash: string): Promise<string[]> {
  const rows = await db.execute<{ hash: string }>(sql`
    with recursive closure (hash) as (
      select o.path_hash from derivation_inputs i
      join outputs o on o.drv_hash = i.input_drv_hash and o.name = any(i.output_names)
      where i.drv_hash = ${drvHash}
      union
      select path_hash from outputs where drv_hash = ${drvHash}
      union
      select r.reference_hash from closure c join path_references r on r.path_hash = c.hash
    )
    select hash from closure`);
  return rows.map((row) => row.hash);
}

/**
 * Enters paths into the index. A path that is there stays as it is: published bytes never change.
 * Returns the hash parts of those that were not.
 */
export async function insertStorePaths(tx: Database, all: readonly IndexedPath[]): Promise<string[]> {
  if (all.length === 0) return [];
  const entered = await tx.execute<{ pathHash: string }>(sql`
    insert into store_paths (path_hash, path, nar_hash, nar_size, url, compression, file_hash, file_size, deriver, ca)
    select "pathHash", path, "narHash", "narSize", url, compression, "fileHash", "fileSize", deriver, ca
    from jsonb_to_recordset(${json(all)}) as p ("pathHash" text, path text, "narHash" text, "narSize" bigint, url text,
      compression text, "fileHash" text, "fileSize" bigint, deriver text, ca text)
    on conflict (path_hash) do nothing returning path_hash as "pathHash"`);
  const fresh = new Set(entered.map((row) => row.pathHash));
  const paths = all.filter((path) => fresh.has(path.pathHash));
  await tx.execute(sql`
    insert into path_references (path_hash, reference_hash, reference)
    select "pathHash", substring(r from '^.*/([^/]{32})-[^/]*$'), r
    from jsonb_to_recordset(${json(paths)}) as p ("pathHash" text, "references" jsonb)
    cross join lateral jsonb_array_elements_text("references") r on conflict do nothing`);
  await tx.execute(sql`
    insert into signatures (path_hash, key_name, signature)
    select "pathHash", s ->> 'keyName', s ->> 'signature'
    from jsonb_to_recordset(${json(paths)}) as p ("pathHash" text, signatures jsonb)
    cross join lateral jsonb_array_elements(signatures) s on conflict do nothing`);
  return [...fresh];
}

/** Adds signatures to a path; of one key the first stays. Returns whether any was new. */
export async function addSignatures(
  tx: Database,
  pathHash: string,
  signatures: IndexedPath['signatures'],
): Promise<boolean> {
  if (signatures.length === 0) return false;
  const rows = await tx.execute(sql`
    insert into signatures (path_hash, key_name, signature)
    select ${pathHash}, "keyName", signature
    from jsonb_to_recordset(${json(signatures)}) as s ("keyName" text, signature text)
    where exists (select 1 from store_paths where path_hash = ${pathHash})
    on conflict do nothing returning 1`);
  return rows.length > 0;
}

/** The attempt may be gone with its jobset; the bytes are there all the same. */
export async function recordProvenance(
  db: Database,
  made: {
    readonly pathHash: string;
    readonly attemptId: number | null;
    readonly narHash: string;
    readonly accepted: boolean;
  },
): Promise<void> {
  await db.execute(sql`
    insert into path_provenance (path_hash, attempt_id, nar_hash, accepted)
    values (${made.pathHash}, (select id from attempts where id = ${made.attemptId}), ${made.narHash}, ${made.accepted})`);
}

/** Pins what an evaluation shows: the outputs of its good jobs, by job, variant and output. */
export async function pinEvaluation(tx: Database, evaluationId: number): Promise<number> {
  const rows = await tx.execute(sql`
    insert into pins (evaluation_id, path_hash, name)
    select j.evaluation_id, o.path_hash, j.name || '.' || j.system || coalesce('.' || j.variant, '') || '!' || o.name
    from jobs j join outputs o on o.drv_hash = j.drv_hash
    where j.evaluation_id = ${evaluationId} and j.outcome in ('built', 'substituted')
      and exists (select 1 from store_paths p where p.path_hash = o.path_hash)
    on conflict (evaluation_id, name) do nothing returning id`);
  return rows.length;
}
