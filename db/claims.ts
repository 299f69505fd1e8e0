/** Handing ready steps to workflows: a window per pool keeps the rest where one UPDATE can reorder or cancel it. */

import { sql } from 'drizzle-orm';
import type { Architecture } from '../domain/ci/architecture.ts';
import type { StepKind } from '../domain/ci/step-state.ts';
import { addToOutbox, startStepMessage } from './outbox.ts';
import type { Database } from './database.ts';
import { lockPool } from './locks.ts';
import { builderIsOnline } from './served.ts';

/** Steps in flight per slot: one runs, one waits at the builder's door, one covers the way of a message. */
const WINDOW_PER_SLOT = 3;

/**
 * Claims ready steps of `pools` up to their windows, and asks for their workflows by the outbox.
 * Order within a pool: priority, then jobsets that have least in flight for their shares, then height (critical path), then age.
 * Returns how many were claimed.
 */
export async function claimReadySteps(tx: Database, pools: readonly string[]): Promise<number> {
  let claimed = 0;
  for (const pool of [...new Set(pools)].toSorted()) {
    await lockPool(tx, pool);
    const room = await windowOf(tx, pool);
    if (room > 0) claimed += await claim(tx, pool, room);
  }
  return claimed;
}

async function windowOf(tx: Database, pool: string): Promise<number> {
  const [row] = await tx.execute<{ slots: number; inFlight: number }>(sql`
    select
      (select coalesce(sum(b.slots), 0)::int from builders b where ${pool} = any(b.pools) and ${builderIsOnline})
      + (select count(*)::int from gpus g join builders b on b.name = g.builder
         where 'gpu.' || g.architecture = ${pool} and ${builderIsOnline}) as slots,
      (select count(*)::int from steps where pool = ${pool} and state in ('dispatched', 'running')) as "inFlight"`);
  return row === undefined ? 0 : Math.max(0, WINDOW_PER_SLOT * row.slots - row.inFlight);
}

interface ClaimedStep extends Record<string, unknown> {
  readonly stepId: number;
  readonly kind: StepKind;
  readonly drvHash: string;
  readonly name: string;
  readonly architecture: Architecture | null;
  readonly scope: number;
  readonly generation: number;
  readonly pool: string;
  readonly priority: number;
  readonly jobsetId: number | null;
  readonly project: string | null;
}

async function claim(tx: Database, pool: string, limit: number): Promise<number> {
  const steps = await tx.execute<ClaimedStep>(sql`
    with in_flight as (
      select jobset_id, count(*)::float as steps from steps where state in ('dispatched', 'running') group by jobset_id
    ), candidates as (
      select s.id, s.priority, s.height, coalesce(f.steps, 0) / (j.config ->> 'shares')::float as share_used
      from jobsets j
      left join in_flight f on f.jobset_id = j.id
      cross join lateral (
        select id, priority, height from steps
        where state = 'ready' and pool = ${pool} and jobset_id = j.id
        order by priority, height desc, id limit ${limit}
      ) s
    ), chosen as (
      select id from candidates order by priority, share_used, height desc, id limit ${limit}
    )
    update steps s set state = 'dispatched', dispatched_at = now()
    from chosen c, derivations d, jobsets j, projects p
    where s.id = c.id and s.state = 'ready' and d.drv_hash = s.drv_hash and j.id = s.jobset_id and p.id = j.project_id
    returning ${claimedColumns}`);
  await addToOutbox(tx, steps.map(startMessageOf));
  return steps.length;
}

const claimedColumns = sql`s.id as "stepId", s.kind, s.drv_hash as "drvHash", d.name, s.architecture, s.scope, s.generation,
  s.pool, s.priority, s.jobset_id as "jobsetId", p.slug as project`;

/**
 * Asks again for the workflows of all steps that are in flight: after the loss of Temporal's database, or, with
 * `olderThanSeconds`, for those that may have lost theirs. A step goes back to the builder that last tried it.
 */
export async function redriveStepsInFlight(tx: Database, olderThanSeconds: number): Promise<number> {
  const steps = await tx.execute<ClaimedStep & { attempt: number | null; builder: string | null }>(sql`
    select ${claimedColumns}, a.number as attempt, a.builder
    from steps s
    join derivations d on d.drv_hash = s.drv_hash
    left join jobsets j on j.id = s.jobset_id
    left join projects p on p.id = j.project_id
    left join lateral (
      select number, builder from attempts
      where step_id = s.id and generation = s.generation and ended_at is null order by number desc limit 1
    ) a on true
    where s.state in ('dispatched', 'running')
      and s.dispatched_at <= now() - make_interval(secs => ${olderThanSeconds})`);
  await addToOutbox(
    tx,
    steps.map((step) => ({
      ...startMessageOf(step),
      dedupeKey: `redrive/${step.stepId}/${step.generation}`,
    })),
  );
  return steps.length;
}

function startMessageOf(step: ClaimedStep & { attempt?: number | null; builder?: string | null }) {
  const { stepId, kind, drvHash, name, architecture, scope, generation, pool, priority, jobsetId, project } =
    step;
  const resume =
    step.attempt == null || step.builder == null ? null : { attempt: step.attempt, builder: step.builder };
  return startStepMessage({
    stepId,
    kind,
    drvHash,
    name,
    architecture,
    scope,
    generation,
    pool,
    priority,
    fairnessKey: `jobset-${jobsetId ?? 0}`,
    resume,
    project: project ?? 'default',
  });
}
