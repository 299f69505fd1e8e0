/** Pins by name, each with its history. */

import { sql } from 'drizzle-orm';
import type { Pin } from '../domain/api/paths.ts';
import type { Database } from './database.ts';
import { iso } from './sql.ts';

export interface NewPin {
  readonly name: string;
  readonly pathHash: string;
  /** Earlier revisions that go on holding their paths. */
  readonly keep: number;
  readonly actor: string;
}

/** The new revision; `undefined` where the cache does not have the path. */
export async function insertNamedPin(tx: Database, pin: NewPin): Promise<number | undefined> {
  // Collecting waits until we are done, or is done: then the path is gone, and said to be.
  await tx.execute(sql`select lock_publishing()`);
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`pin/${pin.name}`}, 0))`);
  const [row] = await tx.execute<{ revision: number }>(sql`
    insert into named_pins (name, revision, path_hash, path, keep, pinned_by)
    select ${pin.name}, coalesce((select max(revision) from named_pins where name = ${pin.name}), 0) + 1, path_hash, path,
      ${pin.keep}, ${pin.actor}
    from store_paths where path_hash = ${pin.pathHash} returning revision`);
  return row?.revision;
}

/** All revisions of the name hold nothing any more; false where there is no such name. */
export async function releaseNamedPin(tx: Database, name: string): Promise<boolean> {
  const rows = await tx.execute(sql`
    update named_pins set released_at = coalesce(released_at, now()) where name = ${name} returning revision`);
  return rows.length > 0;
}

/** By name, newest revision first. */
export async function listNamedPins(db: Database): Promise<Pin[]> {
  return db.execute<Pin & Record<string, unknown>>(sql`
    select name, revision, path, keep, released_at is null and age <= latest_keep as held, pinned_by as "pinnedBy",
      ${iso(sql`pinned_at`)} as "pinnedAt", ${iso(sql`released_at`)} as "releasedAt"
    from (
      select *, row_number() over w - 1 as age, first_value(keep) over w as latest_keep from named_pins
      window w as (partition by name order by revision desc)
    ) n order by name, revision desc`);
}
