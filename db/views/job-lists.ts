/** Lists of jobs by page. */

import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

export interface JobFilter {
  readonly outcome?: string | undefined;
  readonly search?: string | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

/** Ids of an evaluation's jobs in the order of their ids, a page at a time. */
export async function listJobIds(db: Database, evaluationId: number, filter: JobFilter): Promise<number[]> {
  const { outcome, search, after, limit } = filter;
  const ofOutcome =
    outcome === undefined
      ? sql`true`
      : outcome === 'unfinished'
        ? sql`outcome is null`
        : sql`outcome = ${outcome}`;
  const rows = await db.execute<{ id: number }>(sql`
    select id from jobs where evaluation_id = ${evaluationId} and ${ofOutcome}
      and ${search === undefined ? sql`true` : sql`position(lower(${search}) in lower(name)) > 0`}
      and ${after === undefined ? sql`true` : sql`id > ${after}`}
    order by id limit ${limit}`);
  return rows.map((row) => row.id);
}
