/** Pieces of SQL that several statements share. */

import { type SQL, sql } from 'drizzle-orm';

/** `in ${texts(list)}`: one parameter whatever the length, so that a statement is prepared once. */
export function texts(values: readonly string[]): SQL {
  return sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`;
}

/** `in ${ids(list)}`, as `texts`. */
export function ids(values: readonly number[]): SQL {
  return sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb)::bigint)`;
}

/** A JSON parameter, for `jsonb_to_recordset(${json(rows)})`. */
export function json(value: unknown): SQL {
  return sql`${JSON.stringify(value)}::jsonb`;
}

/** A time as RFC 3339 text in UTC with milliseconds, as the API gives it. */
export function iso(column: SQL): SQL {
  return sql`to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
