/** Facts of this installation that outlive every process: which Temporal cluster it last spoke to. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

export async function findInstanceFact(db: Database, name: string): Promise<string | undefined> {
  const [row] = await db.execute<{ value: string }>(
    sql`select value from instance_facts where name = ${name}`,
  );
  return row?.value;
}

export async function recordInstanceFact(db: Database, name: string, value: string): Promise<void> {
  await db.execute(sql`
    insert into instance_facts (name, value) values (${name}, ${value})
    on conflict (name) do update set value = excluded.value, recorded_at = now()`);
}
