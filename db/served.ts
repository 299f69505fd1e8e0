/** Whether anybody serves a pool, as SQL expressions. */

import { type SQL, sql } from 'drizzle-orm';

/** A builder that said nothing for so long counts as gone. */
export const BUILDER_SILENCE_SECONDS = 60;

/** Condition on `builders b`: takes work now. */
export const builderIsOnline = sql`b.left_at is null and b.state = 'active' and b.wanted = 'active'
  and b.last_seen_at > now() - make_interval(secs => ${BUILDER_SILENCE_SECONDS})`;

/** Condition: a builder that takes work serves `pool`. */
export function poolIsServed(pool: SQL): SQL {
  return sql`(exists (select 1 from builders b where ${pool} = any(b.pools) and ${builderIsOnline})
    or exists (select 1 from gpus g join builders b on b.name = g.builder
      where 'gpu.' || g.architecture = ${pool} and ${builderIsOnline}))`;
}

/** A builder of `pool` that is there and takes no work, with the reason that it or a person gave, as JSON; null if none. */
export function poolDrainedBuilder(pool: SQL): SQL {
  return sql`(select jsonb_build_object('name', b.name, 'reason', case when b.wanted = 'drained' then b.wanted_reason else b.reason end)
    from builders b
    where b.left_at is null and (b.state = 'drained' or b.wanted = 'drained')
      and b.last_seen_at > now() - make_interval(secs => ${BUILDER_SILENCE_SECONDS})
      and (${pool} = any(b.pools) or exists (select 1 from gpus g where g.builder = b.name and 'gpu.' || g.architecture = ${pool}))
    order by b.name limit 1)`;
}

/** When a builder of `pool` was last seen, as RFC 3339 text; null if never. */
export function poolLastSeen(pool: SQL): SQL {
  return sql`to_char(greatest(
    (select max(b.last_seen_at) from builders b where ${pool} = any(b.pools)),
    (select max(g.last_seen_at) from gpus g where 'gpu.' || g.architecture = ${pool})
  ) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
}
