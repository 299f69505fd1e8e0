/**
 * The cache's index as processes keep it in memory: all of it once, then what changed.
 * Triggers of migration 0007 record each change with its transaction and send a NOTIFY on `nixwarp_paths`.
 */

import { sql } from 'drizzle-orm';
import type { Connection, Database } from './database.ts';

export const PATHS_CHANNEL = 'nixwarp_paths';

/** Who may see a path: bits of `path_visibility`. */
export const VIEW_BITS = { public: 1, complete: 2 } as const;

const bits = sql.raw(
  `(case when v.is_public then ${VIEW_BITS.public} else 0 end + case when v.rank < 4 then ${VIEW_BITS.complete} else 0 end)`,
);

/** Up to which transaction everything is known; only `listPathChanges` reads it. */
export type Watermark = string;

/** Of the table's file, read at once: some 80,000 paths, in 3 MB. */
const PAGES = 1_000;
/** Letters of a hash part, and one for its bits. */
export const ENTRY_LENGTH = 33;

/**
 * Reads who may see which path. Ten million paths take seconds, and memory for one part of them.
 * @param onEntries gets parts of it: entries of 32 letters and one digit, without anything between them.
 * Returns the mark from which on changes are to be read.
 */
export function readPathIndex(
  connection: Connection,
  onEntries: (entries: string, expected: number) => void,
): Promise<Watermark> {
  return connection.transaction(async (tx) => {
    // One snapshot: a row that moves while we read is neither lost nor met twice.
    await tx.execute(sql`set transaction isolation level repeatable read, read only`);
    const [facts] = await tx.execute<{ mark: string; pages: number; expected: number }>(sql`
      select pg_snapshot_xmin(pg_current_snapshot())::text as mark,
        pg_relation_size('path_visibility') / current_setting('block_size')::int as pages,
        greatest(0, reltuples)::bigint as expected from pg_class where oid = 'path_visibility'::regclass`);
    if (facts === undefined)
      throw new Error('there is no table path_visibility: the database was not migrated');
    for (let page = 0; page < facts.pages; page += PAGES) {
      const [row] = await tx.execute<{ entries: string | null }>(sql`
        select string_agg(v.path_hash || ${bits}, '') as entries from path_visibility v
        where v.ctid >= ${`(${page},0)`}::tid and v.ctid < ${`(${page + PAGES},0)`}::tid`);
      if (row?.entries !== null && row?.entries !== undefined) onEntries(row.entries, facts.expected);
    }
    return facts.mark;
  });
}

export interface PathChanges {
  /** `views` is `undefined` where the path is gone. */
  readonly paths: readonly {
    readonly pathHash: string;
    readonly views: number | undefined;
    /** The transaction that changed it: all that it changed is told at once. */
    readonly transaction: string;
  }[];
  readonly mark: Watermark;
}

/** What is different since the mark; while an older transaction runs, what was told before is told again. */
export async function listPathChanges(db: Database, since: Watermark): Promise<PathChanges> {
  const rows = await db.execute<{
    mark: string;
    hash: string | null;
    views: number | null;
    transaction: string;
  }>(sql`
    select pg_snapshot_xmin(pg_current_snapshot())::text as mark, c.path_hash as hash, c.xid::text as transaction,
      case when v.path_hash is not null then ${bits} end as views
    from (select 1) as always
    left join path_changes c on c.xid >= ${since}::xid8
    left join path_visibility v on v.path_hash = c.path_hash`);
  const paths = rows.flatMap(({ hash, views, transaction }) =>
    hash === null ? [] : [{ pathHash: hash, views: views ?? undefined, transaction }],
  );
  return { paths, mark: rows[0]?.mark ?? since };
}

/** How long changes are remembered: who heard nothing for longer reads all of the index again. */
export const CHANGES_KEPT_MS = 24 * 3600 * 1000;

/** Several processes may do it at once. */
export async function forgetOldPathChanges(db: Database): Promise<void> {
  await db.execute(sql`
    delete from path_changes where changed_at < now() - make_interval(secs => ${(2 * CHANGES_KEPT_MS) / 1000})`);
}
