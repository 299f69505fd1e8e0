/** Applies the SQL files of `migrations/` in order, each once, under an advisory lock. */

import { readdir, readFile } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import type { Connection } from './database.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any constant that nothing else locks: "nixwarp" as a number. */
const LOCK_KEY = 0x6e6978;

/**
 * Brings the database to the current schema and returns the names of the files applied.
 * Several processes may call it at once; each file and its mark are one transaction, so a failure leaves nothing half-done.
 * @throws Error naming the file when one fails, or when the database was migrated by a newer nixwarp.
 */
export async function migrate(connection: Connection): Promise<string[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).toSorted();
  return connection.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_KEY})`);
    await tx.execute(
      sql`create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())`,
    );
    const rows = await tx.execute<{ name: string }>(sql`select name from migrations`);
    const applied = new Set(rows.map((row) => row.name));
    const unknown = [...applied].find((name) => !files.includes(name));
    if (unknown !== undefined)
      throw new Error(
        `the database has migration ${unknown}, which this nixwarp does not know: it is older than the database`,
      );
    const missing = files.filter((name) => !applied.has(name));
    for (const name of missing) {
      const text = await readFile(new URL(name, FOLDER), 'utf8');
      await tx.execute(sql.raw(text)).catch((error: unknown) => {
        throw new Error(`migration ${name} failed`, { cause: error });
      });
      await tx.execute(sql`insert into migrations (name) values (${name})`);
    }
    return missing;
  });
}
