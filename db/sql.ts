/** Pieces of SQL that several statements share. */

import { type SQL, sql } from 'drizzle-orm';

/** `in ${texts(list)}`: one parameter whatever the length, so that a statement is prepared once. */
export function texts(values: readonly string[]): SQL {
  return sql`(select jsonb_array_elements_text(${storable(values)}::jsonb))`;
}

/** `in ${ids(list)}`, as `texts`. */
export function ids(values: readonly number[]): SQL {
  return sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb)::bigint)`;
}

/** A JSON parameter, for `jsonb_to_recordset(${json(rows)})`. */
export function json(value: unknown): SQL {
  return sql`${storable(value)}::jsonb`;
}

/** A zero character, or one half of a pair, as JSON writes them. */
const UNSTORABLE = /\\u(0000|d[89a-f])/;

/**
 * JSON that Postgres takes: it refuses zero characters and halves of pairs, which builds print and cut texts end in. Each
 * becomes the replacement character.
 */
function storable(value: unknown): string {
  const text = JSON.stringify(value);
  if (!UNSTORABLE.test(text)) return text;
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'string' ? one.replaceAll('\0', '\ufffd').toWellFormed() : one,
  );
}

/** A time as RFC 3339 text in UTC with milliseconds, as the API gives it. */
export function iso(column: SQL): SQL {
  return sql`to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
