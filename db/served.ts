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

/** When a builder of `pool` was last seen, as RFC 3339 text; null if never. */
export function poolLastSeen(pool: SQL): SQL {
  return sql`to_char(greatest(
    (select max(b.last_seen_at) from builders b where ${pool} = any(b.pools)),
    (select max(g.last_seen_at) from gpus g where 'gpu.' || g.architecture = ${pool})
  ) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
}
