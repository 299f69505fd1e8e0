/** What did not run or still waits, in groups that have the same reason. */

import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { JobRef } from './pages-changes.ts';

export interface WaitGroup extends Record<string, unknown> {
  /** A step that waits for the same as all of the group: its wait can be told in a sentence. */
  readonly stepId: number;
  readonly state: string;
  readonly pool: string;
  /** The first by name. */
  readonly jobs: JobRef[];
  readonly total: number;
}

/** Jobs that were not run, by what their step needs; largest group first. */
export async function listNotRun(db: Database, evaluationId: number, jobLimit: number): Promise<WaitGroup[]> {
  return db.execute<WaitGroup>(sql`
    select min(w.step_id) as "stepId", w.step_state as state, w.pool, count(*)::int as total,
      jsonb_agg(jsonb_build_object('id', w.id, 'name', w.name, 'system', w.system, 'variant', w.variant, 'outcome', 'not-run',
        'change', null) order by w.name, w.variant) filter (where w.place <= ${jobLimit}) as jobs
    from (
      select j.id, j.name, j.system, j.variant, s.step_id, s.step_state, s.pool,
        row_number() over (partition by s.step_state, s.pool order by j.name, j.variant) as place
      from jobs j
      cross join lateral (
        select x.id as step_id, x.state as step_state, x.pool from job_steps js join steps x on x.id = js.step_id
        join wanted n on n.step_id = x.id and n.evaluation_id = j.evaluation_id and n.state = 'not-run'
        where js.job_id = j.id order by x.id limit 1
      ) s
      where j.evaluation_id = ${evaluationId} and j.outcome = 'not-run'
    ) w
    -- Ready steps say themselves what they lack, waiting ones name what they wait for.
    group by w.step_state, w.pool order by w.step_state = 'ready' desc, total desc, w.pool`);
}

export interface QueueGroup extends Record<string, unknown> {
  readonly stepId: number;
  readonly pool: string;
  readonly total: number;
}

/** Steps of an open evaluation that could run, by pool. */
export async function listQueued(db: Database, evaluationId: number): Promise<QueueGroup[]> {
  return db.execute<QueueGroup>(sql`
    select min(s.id) as "stepId", s.pool, count(*)::int as total
    from wanted w join steps s on s.id = w.step_id
    where w.evaluation_id = ${evaluationId} and w.state = 'open' and s.state in ('ready', 'dispatched')
    group by s.pool order by total desc, s.pool`);
}
