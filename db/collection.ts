/** Collecting what nothing holds any more: mark from roots, sweep the index, and the bytes when no client can come for them. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { lockPending } from './pending-paths.ts';
import { ids, texts } from './sql.ts';

export interface Retention {
  /** Paths that were declared or taken in within this time stay, whatever refers to them. */
  readonly graceSeconds: number;
  /** Evaluations that the quota leaves no room for: their outputs are no roots. */
  readonly dropped: readonly number[];
}

/** Of a jobset that says nothing (`keep` in its configuration). */
const KEEP_EVALUATIONS = 10;
const KEEP_DAYS = 30;

/** Evaluations whose outputs are kept: unfinished ones, and of each jobset the newest and the young ones. */
const KEPT = sql`
  select e.id, e.state <> 'finished' as open, coalesce(e.finished_at, e.created_at) as at, e.place from (
    select e.*, j.config as jobset_config, row_number() over (partition by e.jobset_id order by e.id desc) as place
    from evaluations e join jobsets j on j.id = e.jobset_id
  ) e
  where e.state <> 'finished'
    or e.place <= coalesce((e.jobset_config -> 'keep' ->> 'evaluations')::int, ${KEEP_EVALUATIONS})
    or coalesce(e.finished_at, e.created_at) > now() - make_interval(days =>
      coalesce((e.jobset_config -> 'keep' ->> 'days')::int, ${KEEP_DAYS}))`;

/** Evaluations that the quota may drop, oldest first: finished ones, but never the newest of a jobset. */
export async function listDroppable(db: Database): Promise<number[]> {
  const rows = await db.execute<{ id: number }>(sql`
    select id from (${KEPT}) k where not open and place > 1 order by at, id`);
  return rows.map((row) => row.id);
}

const roots = ({ graceSeconds, dropped }: Retention) => sql`
  with kept as (select id, open from (${KEPT}) k where id not in ${ids(dropped)})
  select path_hash as hash from store_paths where declared_at > now() - make_interval(secs => ${graceSeconds})
  union all
  -- Revisions of a name: the newest, and as many before it as are to be kept.
  select path_hash from (
    select path_hash, released_at, row_number() over w - 1 as age, first_value(keep) over w as keep from named_pins
    window w as (partition by name order by revision desc)
  ) n where released_at is null and age <= keep
  union all
  select p.path_hash from pins p where p.evaluation_id is null or p.evaluation_id in (select id from kept)
  union all
  select o.path_hash from kept k join jobs j on j.evaluation_id = k.id join outputs o on o.drv_hash = j.drv_hash
  union all
  select j.drv_hash from kept k join jobs j on j.evaluation_id = k.id
  union all
  -- What is built now: derivations, and what they take.
  select x.hash from kept k join wanted w on w.evaluation_id = k.id and k.open join steps s on s.id = w.step_id
  cross join lateral (
    select s.drv_hash as hash union all select path_hash from outputs where drv_hash = s.drv_hash
    union all
    select i.path_hash from derivation_inputs d join outputs i on i.drv_hash = d.input_drv_hash and i.name = any (d.output_names)
    where d.drv_hash = s.drv_hash
  ) x
  union all
  select reference_hash from pending_references`;

export interface Marked {
  readonly live: number;
  readonly liveBytes: number;
  readonly dead: number;
  readonly deadBytes: number;
}

/**
 * Marks what nothing holds: into a table of this transaction, `collection_dead`. Others may publish meanwhile; `sweepMarked`
 * looks again at what they did.
 */
export async function markDead(tx: Database, retention: Retention): Promise<Marked> {
  await tx.execute(sql`drop table if exists collection_dead`);
  await tx.execute(sql`create temporary table collection_dead (path_hash text primary key) on commit drop`);
  await tx.execute(sql`
    with recursive live (hash) as (
      select hash from (${roots(retention)}) r
      union
      select r.reference_hash from live l join path_references r on r.path_hash = l.hash
    )
    insert into collection_dead select path_hash from store_paths p where not exists (select 1 from live l where l.hash = p.path_hash)`);
  await tx.execute(sql`analyze collection_dead`);
  return countMarked(tx);
}

async function countMarked(tx: Database): Promise<Marked> {
  const [row] = await tx.execute<Marked & Record<string, unknown>>(sql`
    select count(*) filter (where d.path_hash is null)::int as live, count(d.path_hash)::int as dead,
      coalesce(sum(p.file_size) filter (where d.path_hash is null), 0)::bigint as "liveBytes",
      coalesce(sum(p.file_size) filter (where d.path_hash is not null), 0)::bigint as "deadBytes"
    from store_paths p left join collection_dead d on d.path_hash = p.path_hash`);
  if (row === undefined) throw new Error('nothing was counted');
  return row;
}

/**
 * Takes the marked paths out of the index, but for those that something holds by now, and returns the hash parts of the rest.
 * Nobody publishes or declares meanwhile: what was declared before is held, and what is declared later is missing.
 */
export async function sweepMarked(tx: Database, retention: Retention): Promise<string[]> {
  await lockPending(tx);
  await tx.execute(sql`select lock_publishing_exclusively()`);
  // All that was live has its closure alive: only what came since the marking can lead to the dead.
  await tx.execute(sql`
    with recursive again (hash) as (
      select hash from (
        select hash from (${roots(retention)}) r
        union
        select r.reference_hash from collection_dead d join path_references r on r.reference_hash = d.path_hash
        where not exists (select 1 from collection_dead x where x.path_hash = r.path_hash)
      ) s where exists (select 1 from collection_dead d where d.path_hash = s.hash)
      union
      select r.reference_hash from again a join path_references r on r.path_hash = a.hash
      join collection_dead d on d.path_hash = r.reference_hash
    )
    delete from collection_dead d using again a where d.path_hash = a.hash`);
  await tx.execute(sql`
    insert into swept_nars (url, file_size, was_public)
    select p.url, max(p.file_size), bool_or(v.is_public) from collection_dead d join store_paths p on p.path_hash = d.path_hash
    join path_visibility v on v.path_hash = p.path_hash group by p.url
    on conflict (url) do update set was_public = swept_nars.was_public or excluded.was_public, swept_at = now()`);
  // A row that was declared between the marking and our lock is younger than its mark: it is looked at by itself.
  const rows = await tx.execute<{ hash: string }>(sql`
    delete from store_paths p using collection_dead d where p.path_hash = d.path_hash
      and p.declared_at <= now() - make_interval(secs => ${retention.graceSeconds}) returning p.path_hash as hash`);
  return rows.map((row) => row.hash);
}

/** Of a file whose URL leads to another one already: for who is in the middle of it. */
const RETIRED_SECONDS = 86_400;

/** Bytes that no path has, and whose delay is over; from now on they are not known here. Call in a transaction that removes them. */
export async function takeSweptNars(
  tx: Database,
  delaySeconds: number,
): Promise<{ readonly url: string; readonly bytes: number }[]> {
  const retiredSeconds = Math.min(delaySeconds, RETIRED_SECONDS);
  await lockPending(tx);
  const rows = await tx.execute<{ url: string; bytes: number; used: boolean }>(sql`
    with over as (
      delete from swept_nars s where swept_at <= now() - make_interval(secs => case when
          exists (select 1 from nar_aliases a where a.url = s.url) then ${retiredSeconds}::float8 else ${delaySeconds}::float8 end)
        or exists (select 1 from store_paths p where p.url = s.url)
      returning url, file_size
    )
    select url, file_size as bytes, exists (select 1 from store_paths p where p.url = over.url)
      or exists (select 1 from pending_paths p where p.url = over.url) as used from over`);
  return rows.filter((row) => !row.used).map(({ url, bytes }) => ({ url, bytes }));
}

/**
 * Paths that somebody counts on from now on are as young as new ones. One that is being swept is gone when this returns, and
 * missing; any other is held for the time of grace.
 */
export async function holdPaths(db: Database, pathHashes: readonly string[]): Promise<void> {
  if (pathHashes.length === 0) return;
  await db.execute(sql`
    update store_paths set declared_at = now() where path_hash in (
      select path_hash from store_paths where path_hash in ${texts(pathHashes)} and declared_at < now() - interval '1 minute'
      order by path_hash for update)`);
}

export interface CacheCounts extends Record<string, unknown> {
  readonly paths: number;
  readonly publicPaths: number;
  readonly fileBytes: number;
  readonly narBytes: number;
  readonly sweptNars: number;
  readonly sweptBytes: number;
  readonly held: Readonly<Record<string, number>>;
  readonly keys: Readonly<Record<string, number>>;
}

export async function countCache(db: Database): Promise<CacheCounts> {
  const [row] = await db.execute<CacheCounts>(sql`
    select count(*)::int as paths, coalesce(sum(file_size), 0)::bigint as "fileBytes", coalesce(sum(nar_size), 0)::bigint as "narBytes",
      (select count(*)::int from path_visibility where is_public) as "publicPaths",
      (select count(*)::int from swept_nars) as "sweptNars",
      (select coalesce(sum(file_size), 0)::bigint from swept_nars) as "sweptBytes",
      coalesce((select jsonb_object_agg(class, n) from (
        select (array['free', 'redistributable', 'unfree', 'unknown', 'missing'])[rank + 1] as class, count(*)::int as n
        from path_visibility where not is_public group by rank) h), '{}') as held,
      coalesce((select jsonb_object_agg(key_name, n) from (
        select key_name, count(*)::int as n from signatures group by key_name) k), '{}') as keys
    from store_paths`);
  if (row === undefined) throw new Error('nothing was counted');
  return row;
}
