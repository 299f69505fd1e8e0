/** Jobs' outcomes, derived from those of their steps in the transaction that changes a step. */

import { sql } from 'drizzle-orm';
import { OUTCOMES } from '../domain/ci/outcome.ts';
import type { Database } from './database.ts';
import { ids } from './sql.ts';

const inOrder = sql`array[${sql.join(
  OUTCOMES.map((outcome) => sql`${outcome}`),
  sql`, `,
)}]::text[]`;

/**
 * A job has no outcome while a step of it is open; then the first of `OUTCOMES` that one of its steps has (`jobOutcome` in
 * `domain/ci/outcome.ts` says the same). An evaluation may give a step up: not run, or cancelled.
 */
const outcomeOfSteps = sql`
  case when bool_or(x.outcome is null) then null
       else (${inOrder})[min(array_position(${inOrder}, x.outcome))] end`;

/** Enters the outcomes of all jobs that have one of these steps. */
export async function refreshJobsOfSteps(tx: Database, stepIds: readonly number[]): Promise<void> {
  if (stepIds.length === 0) return;
  await refresh(tx, sql`select distinct job_id from job_steps where step_id in ${ids(stepIds)}`);
}

/** Enters the outcomes of all jobs of an evaluation that have steps. */
export async function refreshJobsOfEvaluation(tx: Database, evaluationId: number): Promise<void> {
  await refresh(tx, sql`select id as job_id from jobs where evaluation_id = ${evaluationId}`);
}

async function refresh(tx: Database, jobIds: ReturnType<typeof sql>): Promise<void> {
  await tx.execute(sql`
    with affected as (${jobIds}), outcomes as (
      select j.id, ${outcomeOfSteps} as outcome
      from affected a
      join jobs j on j.id = a.job_id
      join job_steps js on js.job_id = j.id
      join steps s on s.id = js.step_id
      left join wanted w on w.step_id = s.id and w.evaluation_id = j.evaluation_id
      cross join lateral (
        select coalesce(s.outcome, case when w.state in ('not-run', 'cancelled') then w.state end) as outcome
      ) x
      group by j.id
    ), locked as (
      select j.id, o.outcome from jobs j join outcomes o on o.id = j.id
      where j.outcome is distinct from o.outcome order by j.id for update of j
    )
    update jobs j set outcome = l.outcome from locked l where j.id = l.id`);
}
