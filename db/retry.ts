/** Retrying: failed steps get a new generation; what evaluations recorded of the old one stays as it was. */

import { sql } from 'drizzle-orm';
import { claimReadySteps } from './claims.ts';
import type { Database } from './database.ts';
import { refreshJobsOfEvaluation } from './job-outcomes.ts';
import { lockGraphForPlanning } from './locks.ts';
import { addToOutbox, type EvaluationKey, startEvaluationMessage } from './outbox.ts';
import { ids } from './sql.ts';

export interface RetryRequest {
  readonly key: EvaluationKey;
  /** Jobs to retry; `null` for all failed ones of the evaluation. */
  readonly jobIds: readonly number[] | null;
  /** Also those that failed only because of these. */
  readonly dependents: boolean;
}

/**
 * Asks anew for failed steps of an evaluation, and opens the evaluation again.
 * A job that failed by a dependency retries that dependency and what lies between.
 * Returns how many steps were reset: 0 means that nothing of it had failed.
 */
export async function retrySteps(tx: Database, { key, jobIds, dependents }: RetryRequest): Promise<number> {
  await lockGraphForPlanning(tx);
  const chosen = await chooseSteps(tx, key.evaluationId, jobIds, dependents);
  if (chosen.length === 0) return 0;
  const pools = await replaceSteps(tx, key.evaluationId, chosen);
  await refreshJobsOfEvaluation(tx, key.evaluationId);
  await tx.execute(sql`
    update evaluations set state = 'building', outcome = null, message = null, finished_at = null, drained_at = null,
      cancel_requested_at = null, cancel_reason = null where id = ${key.evaluationId}`);
  await claimReadySteps(tx, pools);
  await addToOutbox(tx, [startEvaluationMessage(key, 'build')]);
  return chosen.length;
}

/** The failed steps behind the jobs, the inherited failures between, and on request those that inherited from them. */
async function chooseSteps(
  tx: Database,
  evaluationId: number,
  jobIds: readonly number[] | null,
  dependents: boolean,
): Promise<number[]> {
  const ofJobs = jobIds === null ? sql`true` : sql`j.id in ${ids(jobIds)}`;
  const rows = await tx.execute<{ id: number }>(sql`
    with recursive failed as (
      select s.id, s.root_step_id from steps s join wanted w on w.step_id = s.id
      where w.evaluation_id = ${evaluationId} and s.current and s.state = 'done' and s.outcome not in ('built', 'substituted')
    ), below (id) as (
      select f.id from failed f join job_steps js on js.step_id = f.id join jobs j on j.id = js.job_id
      where j.evaluation_id = ${evaluationId} and ${ofJobs}
      union
      select f.id from below b join step_inputs i on i.step_id = b.id join failed f on f.id = i.input_step_id
    ), above (id) as (
      select id from below
      union
      select f.id from above a join step_inputs i on i.input_step_id = a.id join failed f on f.id = i.step_id
      where ${dependents}
    )
    select distinct s.id from above a join steps s on s.id = a.id order by s.id`);
  return rows.map((row) => row.id);
}

/** Replaces steps by their next generation, with edges to what is current now. Returns the pools that have ready steps. */
async function replaceSteps(
  tx: Database,
  evaluationId: number,
  stepIds: readonly number[],
): Promise<string[]> {
  await tx.execute(
    sql`create temporary table replaced (old_id bigint primary key, new_id bigint) on commit drop`,
  );
  await tx.execute(sql`update steps set current = false where id in ${ids(stepIds)}`);
  await tx.execute(sql`
    with new as (
      insert into steps (kind, drv_hash, architecture, scope, generation, pool, state, height, priority, jobset_id, limits)
      select kind, drv_hash, architecture, scope, generation + 1, pool, 'waiting', height, priority, jobset_id, limits
      from steps where id in ${ids(stepIds)}
      returning id, kind, drv_hash, architecture, scope
    )
    insert into replaced (old_id, new_id)
    select o.id, n.id from new n join steps o on o.id in ${ids(stepIds)} and o.kind = n.kind and o.drv_hash = n.drv_hash
      and o.scope = n.scope and o.architecture is not distinct from n.architecture`);
  await tx.execute(sql`
    insert into step_inputs (step_id, input_step_id)
    select r.new_id, c.id
    from replaced r
    join step_inputs i on i.step_id = r.old_id
    join steps o on o.id = i.input_step_id
    join steps c on c.current and c.kind = o.kind and c.drv_hash = o.drv_hash and c.scope = o.scope
      and c.architecture is not distinct from o.architecture
    on conflict do nothing`);
  await tx.execute(sql`
    update wanted w set step_id = r.new_id, state = 'open' from replaced r
    where w.evaluation_id = ${evaluationId} and w.step_id = r.old_id`);
  await tx.execute(sql`
    update job_steps js set step_id = r.new_id from replaced r, jobs j
    where js.step_id = r.old_id and j.id = js.job_id and j.evaluation_id = ${evaluationId}`);
  await tx.execute(sql`
    update evaluations set remaining = greatest(remaining, 0) + (select count(*) from replaced) where id = ${evaluationId}`);
  const ready = await tx.execute<{ pool: string }>(sql`
    with counted as (
      select r.new_id, count(s.id) filter (where s.outcome is null or s.outcome not in ('built', 'substituted'))::int as unmet
      from replaced r left join step_inputs i on i.step_id = r.new_id left join steps s on s.id = i.input_step_id
      group by r.new_id
    )
    update steps s set unmet = c.unmet, state = case when c.unmet = 0 then 'ready' else 'waiting' end,
      ready_at = case when c.unmet = 0 then now() end
    from counted c where s.id = c.new_id returning case when c.unmet = 0 then s.pool end as pool`);
  return ready.map((row) => row.pool).filter((pool) => pool !== null);
}
