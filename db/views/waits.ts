/** What steps wait for. */

import { type SQL, sql } from 'drizzle-orm';
import type { StepState } from '../../domain/ci/step-state.ts';
import type { Database } from '../database.ts';
import { poolDrainedBuilder, poolIsServed, poolLastSeen } from '../served.ts';
import { ids } from '../sql.ts';

/** A pool that nobody serves: who would, or when somebody last did. */
export interface Unserved {
  readonly pool: string;
  readonly lastSeenAt: string | null;
  readonly drained: { readonly name: string; readonly reason: string | null } | null;
}

export interface StepWait extends Record<string, unknown> {
  readonly stepId: number;
  readonly state: StepState;
  readonly pool: string;
  readonly builder: string | null;
  readonly unmet: number;
  /** An input that has not ended, by name. */
  readonly blockedBy: string | null;
  /** Of its own pool, where that is not served. */
  readonly unserved: Unserved | null;
  /** Ready steps of the pool that are claimed earlier. */
  readonly ahead: number;
  /** Below a waiting step: a ready one whose pool nobody serves. */
  readonly root: (Unserved & { readonly name: string }) | null;
}

export async function findWaits(db: Database, stepIds: readonly number[]): Promise<StepWait[]> {
  if (stepIds.length === 0) return [];
  return db.execute<StepWait>(sql`
    select s.id as "stepId", s.state, s.pool, s.unmet,
      case when not ${poolIsServed(sql`s.pool`)} then ${unserved(sql`s.pool`)} end as unserved,
      (select a.builder from attempts a where a.step_id = s.id and a.ended_at is null order by a.id desc limit 1) as builder,
      (select d.name from step_inputs i join steps x on x.id = i.input_step_id join derivations d on d.drv_hash = x.drv_hash
        where i.step_id = s.id and x.state <> 'done' order by x.id limit 1) as "blockedBy",
      case when s.state = 'ready' then (select count(*)::int from steps x where x.pool = s.pool and x.state = 'ready'
        and (x.priority, -x.height, x.id) < (s.priority, -s.height, s.id)) else 0 end as ahead,
      root.wait as root
    from steps s
    left join lateral (
      with recursive below (id) as (
        select i.input_step_id from step_inputs i where i.step_id = s.id
        union select i.input_step_id from below b join step_inputs i on i.step_id = b.id
      )
      select ${unserved(sql`x.pool`)} || jsonb_build_object('name', d.name) as wait
      from below b join steps x on x.id = b.id join derivations d on d.drv_hash = x.drv_hash
      where s.state = 'waiting' and x.state = 'ready' and not ${poolIsServed(sql`x.pool`)} limit 1
    ) root on true
    where s.id in ${ids(stepIds)} order by s.id`);
}

function unserved(pool: SQL): SQL {
  return sql`jsonb_build_object('pool', ${pool}, 'lastSeenAt', ${poolLastSeen(pool)}, 'drained', ${poolDrainedBuilder(pool)})`;
}
