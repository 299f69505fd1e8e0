/** GPU checks of an evaluation by architecture. */

import { sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';
import type { NotScheduled } from '../schema/graph.ts';

export interface GpuCell {
  /** `null`: no architecture could be named, the check waits for any GPU. */
  readonly architecture: string | null;
  readonly stepId: number;
  readonly state: string;
  readonly outcome: Outcome | null;
  readonly model: string | null;
  readonly driver: string | null;
  readonly standIn: boolean;
  /** With a log. */
  readonly attemptId: number | null;
}

export interface GpuCheckRow extends Record<string, unknown> {
  readonly jobId: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly cells: readonly GpuCell[];
  readonly notScheduled: readonly NotScheduled[];
  /** How many checks there are in all. */
  readonly total: number;
}

/** By name; beyond the limit those that failed are kept before the others. */
export async function listGpuChecks(
  db: Database,
  evaluationId: number,
  limit: number,
): Promise<GpuCheckRow[]> {
  return db.execute<GpuCheckRow>(sql`
    with chosen as (
      select j.*, count(*) over ()::int as total from jobs j
      where j.evaluation_id = ${evaluationId} and j.kind = 'gpu-check'
      order by j.outcome is not null and j.outcome not in ('built', 'substituted', 'not-run') desc, j.name, j.system, j.variant
      limit ${limit}
    )
    select j.id as "jobId", j.name, j.system, j.variant, j.total,
      (select coalesce(jsonb_agg(jsonb_build_object('architecture', n ->> 'architecture', 'reason', n ->> 'reason')), '[]')
        from jsonb_array_elements(j.not_scheduled) n) as "notScheduled",
      coalesce((
        select jsonb_agg(jsonb_build_object('architecture', s.architecture, 'stepId', s.id, 'state', s.state,
          'outcome', coalesce(s.outcome, case when w.state in ('not-run', 'cancelled') then w.state end),
          'model', a.gpu ->> 'model', 'driver', a.gpu ->> 'driver', 'standIn', coalesce((a.gpu -> 'standIn')::boolean, false),
          'attemptId', a.id) order by s.id)
        from job_steps js join steps s on s.id = js.step_id
        left join wanted w on w.step_id = s.id and w.evaluation_id = j.evaluation_id
        left join lateral (
          select x.id, x.gpu from attempts x join logs l on l.attempt_id = x.id where x.step_id = s.id order by x.id desc limit 1
        ) a on true
        where js.job_id = j.id
      ), '[]') as cells
    from chosen j order by j.name, j.system, j.variant nulls first`);
}
