/** Going through all paths of the cache, and what care does with one: other bytes, other signatures, or none. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { lockPending } from './pending-paths.ts';
import { json } from './sql.ts';

export interface StoredPath extends Record<string, unknown> {
  readonly pathHash: string;
  readonly path: string;
  readonly narHash: string;
  readonly narSize: number;
  readonly url: string;
  readonly compression: string;
  readonly fileHash: string;
  readonly fileSize: number;
}

/** The next paths by their hash part, after one that was seen. */
export async function listStoredPaths(db: Database, after: string, limit: number): Promise<StoredPath[]> {
  return db.execute<StoredPath>(sql`
    select path_hash as "pathHash", path, nar_hash as "narHash", nar_size as "narSize", url, compression,
      file_hash as "fileHash", file_size as "fileSize"
    from store_paths where path_hash > ${after} order by path_hash limit ${limit}`);
}

/**
 * Gives a path another file with the same NAR. The old URL goes on leading to the bytes: clients remember a narinfo for 30 days.
 * Only where both are compressed in the same way, which the old narinfo names. False where the path is gone.
 */
export async function replaceNar(
  tx: Database,
  old: StoredPath,
  file: { readonly url: string; readonly fileHash: string; readonly fileSize: number },
): Promise<boolean> {
  await lockPending(tx);
  const rows = await tx.execute(sql`
    update store_paths set url = ${file.url}, file_hash = ${file.fileHash}, file_size = ${file.fileSize}
    where path_hash = ${old.pathHash} and nar_hash = ${old.narHash} and compression = ${old.compression} returning path_hash`);
  if (rows.length === 0) return false;
  await tx.execute(sql`delete from nar_aliases where url = ${file.url}`);
  if (file.url !== old.url)
    await tx.execute(sql`
      insert into nar_aliases (url, path_hash) values (${old.url}, ${old.pathHash})
      on conflict (url) do update set path_hash = excluded.path_hash, replaced_at = now()`);
  return true;
}

/** The file that a path had before stays where it is for a while; collecting takes it, if no other path has it. */
export async function retireNar(tx: Database, old: StoredPath): Promise<void> {
  await tx.execute(sql`
    insert into swept_nars (url, file_size, was_public)
    select ${old.url}, ${old.fileSize}::bigint, is_public from path_visibility where path_hash = ${old.pathHash}
    on conflict (url) do update set was_public = swept_nars.was_public or excluded.was_public, swept_at = now()`);
}

/** Where the bytes are now that an earlier narinfo named so. */
export async function findNarAlias(db: Database, url: string): Promise<string | undefined> {
  const [row] = await db.execute<{ url: string }>(sql`
    select p.url from nar_aliases a join store_paths p on p.path_hash = a.path_hash where a.url = ${url}`);
  return row?.url;
}

/** A path whose bytes are lost: its narinfo goes, and what refers to it is incomplete. */
export async function withdrawPath(tx: Database, pathHash: string): Promise<void> {
  await lockPending(tx);
  await tx.execute(sql`delete from store_paths where path_hash = ${pathHash}`);
}

export interface NewSignature {
  readonly pathHash: string;
  readonly keyName: string;
  readonly signature: string;
}

/** Returns how many are new. */
export async function insertSignatures(tx: Database, signatures: readonly NewSignature[]): Promise<number> {
  if (signatures.length === 0) return 0;
  const rows = await tx.execute(sql`
    insert into signatures as known (path_hash, key_name, signature)
    select "pathHash", "keyName", signature
    from jsonb_to_recordset(${json(signatures)}) as s ("pathHash" text, "keyName" text, signature text)
    where exists (select 1 from store_paths p where p.path_hash = "pathHash")
    on conflict (path_hash, key_name) do update set signature = excluded.signature
    where known.signature <> excluded.signature returning path_hash`);
  return rows.length;
}

/** Hash parts of paths that lost a signature of this key, as many at a time as `limit` says. */
export async function dropSignatures(tx: Database, keyName: string, limit: number): Promise<string[]> {
  const rows = await tx.execute<{ hash: string }>(sql`
    delete from signatures where key_name = ${keyName} and path_hash in (
      select path_hash from signatures where key_name = ${keyName} limit ${limit}) returning path_hash as hash`);
  return rows.map((row) => row.hash);
}
