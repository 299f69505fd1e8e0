/** Which outputs need no building: those in our cache, and those that a trusted upstream serves. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json, texts } from './sql.ts';

/** How long an upstream's answer is believed: a path may be collected there, or arrive. */
const UPSTREAM_HIT_SECONDS = 86_400;
const UPSTREAM_MISS_SECONDS = 3_600;

export interface OutputOfDerivation {
  readonly drvHash: string;
  readonly name: string;
  readonly path: string;
  readonly pathHash: string;
}

/** The named outputs of these derivations that our cache does not have. `null` names all outputs. */
export async function listUncachedOutputs(
  db: Database,
  wanted: ReadonlyMap<string, ReadonlySet<string> | null>,
): Promise<OutputOfDerivation[]> {
  if (wanted.size === 0) return [];
  const rows = await db.execute<OutputOfDerivation & Record<string, unknown>>(sql`
    select o.drv_hash as "drvHash", o.name, o.path, o.path_hash as "pathHash"
    from outputs o
    where o.drv_hash in ${texts([...wanted.keys()])}
      and not exists (select 1 from store_paths p where p.path_hash = o.path_hash)`);
  return rows.filter((row) => wanted.get(row.drvHash)?.has(row.name) ?? true);
}

/** What upstreams were found to say of these paths, as far as it is believed still. */
export async function findUpstreamAnswers(
  db: Database,
  pathHashes: readonly string[],
): Promise<Map<string, string | null>> {
  if (pathHashes.length === 0) return new Map();
  const rows = await db.execute<{ pathHash: string; upstream: string | null }>(sql`
    select path_hash as "pathHash", upstream from upstream_paths
    where path_hash in ${texts(pathHashes)} and checked_at > now() - make_interval(secs =>
      case when upstream is null then ${UPSTREAM_MISS_SECONDS}::int else ${UPSTREAM_HIT_SECONDS}::int end)`);
  return new Map(rows.map((row) => [row.pathHash, row.upstream]));
}

export async function recordUpstreamAnswers(
  db: Database,
  answers: ReadonlyMap<string, string | null>,
): Promise<void> {
  if (answers.size === 0) return;
  const rows = [...answers].map(([path_hash, upstream]) => ({ path_hash, upstream }));
  await db.execute(sql`
    insert into upstream_paths (path_hash, upstream)
    select path_hash, upstream from jsonb_to_recordset(${json(rows)}) as a (path_hash text, upstream text)
    on conflict (path_hash) do update set upstream = excluded.upstream, checked_at = now()`);
}

/** A path that turned out to be missing: what was known of it is forgotten, so that it is made again. */
export async function forgetPaths(tx: Database, pathHashes: readonly string[]): Promise<void> {
  if (pathHashes.length === 0) return;
  await tx.execute(sql`delete from upstream_paths where path_hash in ${texts(pathHashes)}`);
  await tx.execute(sql`delete from store_paths where path_hash in ${texts(pathHashes)}`);
}

/** The derivations that make these store paths. */
export async function findDerivationsOfPaths(db: Database, pathHashes: readonly string[]): Promise<string[]> {
  if (pathHashes.length === 0) return [];
  const rows = await db.execute<{ drvHash: string }>(sql`
    select distinct drv_hash as "drvHash" from outputs where path_hash in ${texts(pathHashes)}`);
  return rows.map((row) => row.drvHash);
}

/** Derivations whose outputs are there and say themselves that they failed (`nix-support/failed`): no success, though available. */
export async function listFailedWithOutput(db: Database, drvHashes: readonly string[]): Promise<string[]> {
  if (drvHashes.length === 0) return [];
  const rows = await db.execute<{ drvHash: string }>(sql`
    select distinct drv_hash as "drvHash" from steps
    where current and outcome = 'failed-with-output' and drv_hash in ${texts(drvHashes)}`);
  return rows.map((row) => row.drvHash);
}
