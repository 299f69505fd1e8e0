/** What upstream caches serve through us: verified narinfos, and where the bytes are that ours name. */

import { sql } from 'drizzle-orm';
import { recordUpstreamAnswers } from './availability.ts';
import type { Database } from './database.ts';
import { texts } from './sql.ts';

export interface UpstreamNar {
  /** Ours, `nar/…`. */
  readonly url: string;
  readonly pathHash: string;
  /** The cache's URL, as it is configured. */
  readonly upstream: string;
  /** The absolute URL of the NAR there. */
  readonly source: string;
  /** The upstream's text; its signature was verified. */
  readonly narinfo: string;
}

/** How long an upstream's positive answer is believed: it may collect a path. As `UPSTREAM_HIT_SECONDS` of planning. */
const BELIEVED_SECONDS = 86_400;
/** Clients remember a narinfo, and with it a URL, for 30 days. */
const KEPT_DAYS = 31;

const COLUMNS = sql`n.url, n.path_hash as "pathHash", n.upstream, n.source, n.narinfo`;
type Row = UpstreamNar & Record<string, unknown>;

/** What one of these upstreams said of a path not long ago; of several the one that comes first in the list. */
export async function findUpstreamNarOf(
  db: Database,
  pathHash: string,
  upstreams: readonly string[],
): Promise<UpstreamNar | undefined> {
  const [row] = await db.execute<Row>(sql`
    select ${COLUMNS} from upstream_nars n
    where n.path_hash = ${pathHash} and n.upstream in ${texts(upstreams)}
      and n.verified_at > now() - make_interval(secs => ${BELIEVED_SECONDS})
    order by array_position(array${texts(upstreams)}, n.upstream), n.verified_at desc limit 1`);
  return row;
}

/** Paths that have the bytes of our URL, the one that was verified last first. */
export async function listUpstreamNars(db: Database, url: string): Promise<readonly UpstreamNar[]> {
  return db.execute<Row>(sql`
    select ${COLUMNS} from upstream_nars n where n.url = ${url} order by n.verified_at desc, n.path_hash`);
}

/** Enters a verified answer, also where planning and publishing look for what upstreams have. */
export async function recordUpstreamNar(db: Database, nar: UpstreamNar): Promise<void> {
  await db.execute(sql`
    insert into upstream_nars (url, path_hash, upstream, source, narinfo)
    values (${nar.url}, ${nar.pathHash}, ${nar.upstream}, ${nar.source}, ${nar.narinfo})
    on conflict (url, path_hash) do update set upstream = excluded.upstream, source = excluded.source,
      narinfo = excluded.narinfo, verified_at = now()`);
  await recordUpstreamAnswers(db, new Map([[nar.pathHash, nar.upstream]]));
}

/** The upstream has it no more: it is asked anew. */
export async function forgetUpstreamNar(db: Database, url: string): Promise<void> {
  await db.execute(sql`delete from upstream_nars where url = ${url}`);
}

/** Forgets what no client can remember any more. */
export async function forgetOldUpstreamNars(db: Database): Promise<void> {
  await db.execute(
    sql`delete from upstream_nars where verified_at < now() - make_interval(days => ${KEPT_DAYS})`,
  );
}

/**
 * Whether strangers may see a path that only upstreams have: it is free by itself, and nothing is known of what it refers to
 * that speaks against it. Of a path that the cache has the index decides.
 */
export async function isUpstreamPathPublic(
  db: Database,
  pathHash: string,
  referenceHashes: readonly string[],
): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from own_ranks(array[${pathHash}]::text[]) k, policy_settings s
    where k.own_rank <= s.max_rank
      and not exists (select 1 from store_paths p where p.path_hash = ${pathHash})
      and not exists (
        select 1 from own_ranks(array${texts(referenceHashes)}) r
        where r.own_source <> 'unknown' and r.own_rank > s.max_rank)`);
  return rows.length > 0;
}

/** Of the newest entry of these bytes that no attempt made: where they came from. */
export async function recordUpstreamProvenance(
  db: Database,
  {
    pathHash,
    narHash,
    upstream,
  }: { readonly pathHash: string; readonly narHash: string; readonly upstream: string },
): Promise<void> {
  await db.execute(sql`
    update path_provenance set upstream = ${upstream} where id = (
      select max(id) from path_provenance where path_hash = ${pathHash} and nar_hash = ${narHash} and attempt_id is null)`);
}
