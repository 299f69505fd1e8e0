/** What the coordinator asks again and again, in case a message, a workflow or all of Temporal was lost. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { endSteps } from './step-endings.ts';
import { lockGraphForEnding } from './locks.ts';

/** Pools with steps that are not done: each has a dispatcher. */
export async function listPoolsInUse(db: Database): Promise<string[]> {
  const rows = await db.execute<{ pool: string }>(sql`
    select distinct pool from steps where state in ('ready', 'dispatched', 'running') order by pool`);
  return rows.map((row) => row.pool);
}

/** Evaluations whose last step ended, but whose counter does not say so: a repair that should find nothing. */
export async function repairRemaining(tx: Database): Promise<number> {
  const rows = await tx.execute(sql`
    update evaluations e set remaining = c.open
    from (
      select x.id, (select count(*)::int from wanted w where w.evaluation_id = x.id and w.state = 'open') as open
      from evaluations x where x.state = 'building'
    ) c
    where e.id = c.id and e.remaining <> c.open and e.cancel_requested_at is null returning e.id`);
  return rows.length;
}

/** Steps that were asked to stop long ago, whose workflow or builder must be gone: they end as cancelled. */
export async function endForgottenCancels(tx: Database, olderThanSeconds: number): Promise<number> {
  await lockGraphForEnding(tx);
  const rows = await tx.execute<{ id: number }>(sql`
    select id from steps where state in ('dispatched', 'running')
      and cancel_requested_at < now() - make_interval(secs => ${olderThanSeconds})
      and not exists (select 1 from wanted w where w.step_id = steps.id and w.state in ('open', 'not-run'))
    order by id for update skip locked`);
  await endSteps(
    tx,
    rows.map(({ id }) => ({ stepId: id, outcome: 'cancelled' as const, reason: 'its workflow was gone' })),
  );
  return rows.length;
}

/** GPU checks that wait for any GPU, with the variant facts they were planned by. */
export async function listChecksWaitingForAnyGpu(db: Database) {
  return db.execute<{
    stepId: number;
    features: string[];
    cudaCapabilities: string[] | null;
    cudaForwardCompat: boolean | null;
  }>(sql`
    select s.id as "stepId", to_jsonb(d.features) as features, v.variant -> 'cudaCapabilities' as "cudaCapabilities",
      (v.variant -> 'cudaForwardCompat')::boolean as "cudaForwardCompat"
    from steps s
    join derivations d on d.drv_hash = s.drv_hash
    left join lateral (
      select x.variant from job_steps js join jobs j on j.id = js.job_id join evaluations e on e.id = j.evaluation_id
      cross join lateral jsonb_array_elements(e.config -> 'variants') as x (variant)
      where js.step_id = s.id and x.variant ->> 'name' = j.variant limit 1
    ) v on true
    where s.kind = 'gpu-test' and s.architecture is null and s.state = 'ready' limit 1000`);
}

/** Moves a check that waited for any GPU to the first architecture that came, and adds steps for the others. */
export async function assignArchitectures(
  tx: Database,
  stepId: number,
  architectures: readonly string[],
): Promise<void> {
  const [first, ...others] = architectures;
  if (first === undefined) return;
  await tx.execute(sql`
    update steps set architecture = ${first}, pool = 'gpu.' || ${first}
    where id = ${stepId} and architecture is null and state = 'ready'
      and not exists (select 1 from steps x where x.current and x.kind = 'gpu-test' and x.drv_hash = steps.drv_hash
        and x.architecture = ${first} and x.scope = steps.scope)`);
  for (const architecture of others) {
    const [added] = await tx.execute<{ id: number }>(sql`
      insert into steps (kind, drv_hash, architecture, scope, generation, pool, state, height, priority, jobset_id, limits, ready_at)
      select kind, drv_hash, ${architecture}, scope, 1, 'gpu.' || ${architecture}, 'ready', height, priority, jobset_id, limits, now()
      from steps where id = ${stepId} on conflict do nothing returning id`);
    if (added === undefined) continue;
    await tx.execute(sql`
      insert into wanted (evaluation_id, step_id, state)
      select evaluation_id, ${added.id}, state from wanted where step_id = ${stepId} and state in ('open', 'not-run')`);
    await tx.execute(sql`
      insert into job_steps (job_id, step_id) select job_id, ${added.id} from job_steps where step_id = ${stepId}`);
    await tx.execute(sql`
      update evaluations set remaining = remaining + 1
      where id in (select evaluation_id from wanted where step_id = ${added.id} and state = 'open')`);
  }
}
