/** What runs now, for the pages of builders and the overview. */

import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { iso } from '../sql.ts';

export interface RunningAttempt extends Record<string, unknown> {
  readonly builder: string;
  readonly attemptId: number;
  readonly stepId: number;
  readonly number: number;
  readonly name: string;
  readonly architecture: string | null;
  readonly startedAt: string;
  readonly gpuUuid: string | null;
  /** In the newest evaluation that wants it. */
  readonly jobId: number | null;
}

/** Attempts that run now, longest first. */
export async function listRunningAttempts(db: Database, limit: number): Promise<RunningAttempt[]> {
  return db.execute<RunningAttempt>(sql`
    select a.builder, a.id as "attemptId", s.id as "stepId", a.number, d.name, s.architecture,
      ${iso(sql`a.started_at`)} as "startedAt", a.gpu ->> 'uuid' as "gpuUuid",
      (select j.id from job_steps js join jobs j on j.id = js.job_id where js.step_id = s.id
        order by j.evaluation_id desc limit 1) as "jobId"
    from attempts a join steps s on s.id = a.step_id and s.state = 'running' join derivations d on d.drv_hash = s.drv_hash
    where a.ended_at is null order by a.started_at limit ${limit}`);
}
