/**
 * Who may see which path. The contract: `path_visibility` has a row for every row of `store_paths`, right at every commit
 * (triggers of migration 0006 see to it), and each commit that changes `is_public` sends a NOTIFY on `nixwarp_visibility` with
 * the hash parts that changed, separated by spaces, or nothing where they are too many. Deletions are those of `store_paths`.
 */

import { sql } from 'drizzle-orm';
import { type Licence, type LicenceClass, licenceClassOf } from '../domain/ci/licence.ts';
import type { Database } from './database.ts';

export const VISIBILITY_CHANNEL = 'nixwarp_visibility';

/** `public`: strangers may see it; `complete`: the closure is all there, which is what the internal view asks. */
export type Audience = 'public' | 'complete';

const condition = (audience: Audience) => (audience === 'public' ? sql`v.is_public` : sql`v.rank < 4`);

export async function isPathVisible(db: Database, pathHash: string, audience: Audience): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from path_visibility v where v.path_hash = ${pathHash} and ${condition(audience)}`);
  return rows.length > 0;
}

/**
 * Whether the bytes at a URL belong to a path that may be seen: a content-addressed URL is no capability. Bytes that were
 * swept or compressed anew are still asked for by clients that remember their narinfo.
 */
export async function isNarVisible(db: Database, url: string, audience: Audience): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from store_paths p join path_visibility v on v.path_hash = p.path_hash
      where p.url = ${url} and ${condition(audience)}
    union all
    select 1 from nar_aliases a join path_visibility v on v.path_hash = a.path_hash where a.url = ${url} and ${condition(audience)}
    union all
    select 1 from swept_nars s where s.url = ${url} and (${audience !== 'public'} or s.was_public)
    limit 1`);
  return rows.length > 0;
}

/**
 * Whether what concerns a derivation as a whole (its log) may be seen: by all of its outputs that are there, and by its own
 * licence where it has none, since a build that failed has no closure.
 */
export async function isDerivationVisible(
  db: Database,
  drvHash: string,
  audience: Audience,
): Promise<boolean> {
  if (audience === 'complete') return true;
  const rows = await db.execute(sql`
    select 1 from (
      select bool_and(v.is_public) as shown, count(*) as present from outputs o
      join path_visibility v on v.path_hash = o.path_hash where o.drv_hash = ${drvHash}
    ) present, policy_settings s
    where (present = 0 or shown) and (
      present > 0 or not exists (
        select 1 from own_ranks(array(select path_hash from outputs where drv_hash = ${drvHash})) k where k.own_rank > s.max_rank
      ) and exists (select 1 from outputs where drv_hash = ${drvHash}))`);
  return rows.length > 0;
}

export interface PathFact {
  readonly path: string;
  readonly pathHash: string;
  readonly class: LicenceClass;
  /** Where it comes from. */
  readonly source: 'licence' | 'upstream' | 'package' | 'source' | 'withdrawn' | 'derivation' | 'unknown';
  readonly licences: readonly Licence[];
  readonly jobName: string | null;
  readonly evaluationId: number | null;
  /** Of a path that was withdrawn. */
  readonly reason: string | null;
}

/** What is known of one path by itself, whether the cache has it or only an upstream. */
export async function findPathFact(db: Database, pathHash: string): Promise<PathFact> {
  const [row] = await db.execute<Omit<PathFact, 'class'> & { rank: number } & Record<string, unknown>>(sql`
    select k.path_hash as "pathHash", k.own_rank as rank, k.own_source as source, w.reason,
      coalesce(p.path, o.path, ${pathHash}) as path, coalesce(l.licences, '[]') as licences, l.job_name as "jobName",
      l.evaluation_id as "evaluationId"
    from own_ranks(array[${pathHash}]::text[]) k
    left join store_paths p on p.path_hash = k.path_hash
    left join lateral (select path from outputs where path_hash = k.path_hash limit 1) o on true
    left join withdrawn_paths w on w.path_hash = k.path_hash
    left join lateral (
      select f.* from derivation_licences f join outputs x on x.drv_hash = f.drv_hash where x.path_hash = k.path_hash
      order by f.rank desc, f.drv_hash limit 1
    ) l on true`);
  if (row === undefined) throw new Error(`own_ranks does not answer for ${pathHash}`);
  const { rank, ...fact } = row;
  return { ...fact, class: licenceClassOf(rank) };
}

export interface Visibility {
  readonly class: LicenceClass;
  readonly restrictedBy: string;
  readonly isPublic: boolean;
}

export async function findVisibility(db: Database, pathHash: string): Promise<Visibility | undefined> {
  const [row] = await db.execute<{ rank: number; restrictedBy: string; isPublic: boolean }>(sql`
    select rank, restricted_by as "restrictedBy", is_public as "isPublic" from path_visibility where path_hash = ${pathHash}`);
  return row === undefined
    ? undefined
    : { class: licenceClassOf(row.rank), restrictedBy: row.restrictedBy, isPublic: row.isPublic };
}

/** The way along references from a path to the member of its closure that restricts it, both ends included. */
export async function findReferenceChain(db: Database, from: string, to: string): Promise<string[]> {
  // Every path that is restricted by another has a reference that is restricted by the same.
  const rows = await db.execute<{ path: string }>(sql`
    with recursive walk (hash, depth) as (
      select ${from}::text, 0
      union all
      select next.hash, w.depth + 1 from walk w cross join lateral (
        select r.reference_hash as hash from path_references r left join path_visibility v on v.path_hash = r.reference_hash
        where r.path_hash = w.hash and r.reference_hash <> w.hash and (r.reference_hash = ${to} or v.restricted_by = ${to})
        order by r.reference_hash = ${to} desc, r.reference_hash limit 1
      ) next where w.hash <> ${to}
    )
    select coalesce(p.path, o.path, w.hash) as path from walk w left join store_paths p on p.path_hash = w.hash
    left join lateral (select path from outputs where path_hash = w.hash limit 1) o on true order by w.depth`);
  return rows.map((row) => row.path);
}
