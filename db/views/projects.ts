/** Projects as lists show them. */

import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

export async function listProjects(db: Database) {
  return db.execute<{ slug: string; jobsets: number; lastEvaluationId: number | null }>(sql`
    select p.slug, count(distinct j.id)::int as jobsets, max(e.id) as "lastEvaluationId"
    from projects p left join jobsets j on j.project_id = p.id left join evaluations e on e.jobset_id = j.id
    group by p.id order by p.slug`);
}

export async function findNewestEvaluationOf(db: Database, jobsetId: number): Promise<number | undefined> {
  const [row] = await db.execute<{ id: number }>(sql`
    select id from evaluations where jobset_id = ${jobsetId} order by id desc limit 1`);
  return row?.id;
}
