/** What an evaluation could not evaluate. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Names of attributes that did not become jobs. */
export async function listFailedNames(db: Database, evaluationId: number): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select distinct name from evaluation_errors where evaluation_id = ${evaluationId}`);
  return rows.map((row) => row.name);
}
