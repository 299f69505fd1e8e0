/** What steps wait for. */

import { sql } from 'drizzle-orm';
import type { StepState } from '../../domain/ci/step-state.ts';
import type { Database } from '../database.ts';
import { poolIsServed, poolLastSeen } from '../served.ts';
import { ids } from '../sql.ts';

export interface StepWait extends Record<string, unknown> {
  readonly state: StepState;
  readonly pool: string;
  readonly builder: string | null;
  readonly unmet: number;
  /** An input that has not ended, by name. */
  readonly blockedBy: string | null;
  readonly served: boolean;
  readonly lastSeenAt: string | null;
  /** Ready steps of the pool that are claimed earlier. */
  readonly ahead: number;
  /** Below a waiting step: a ready one whose pool nobody serves. */
  readonly rootPool: string | null;
  readonly rootName: string | null;
  readonly rootLastSeenAt: string | null;
}

export async function findWaits(db: Database, stepIds: readonly number[]): Promise<StepWait[]> {
  if (stepIds.length === 0) return [];
  return db.execute<StepWait>(sql`
    select s.state, s.pool, s.unmet, ${poolIsServed(sql`s.pool`)} as served, ${poolLastSeen(sql`s.pool`)} as "lastSeenAt",
      (select a.builder from attempts a where a.step_id = s.id and a.ended_at is null order by a.id desc limit 1) as builder,
      (select d.name from step_inputs i join steps x on x.id = i.input_step_id join derivations d on d.drv_hash = x.drv_hash
        where i.step_id = s.id and x.state <> 'done' order by x.id limit 1) as "blockedBy",
      case when s.state = 'ready' then (select count(*)::int from steps x where x.pool = s.pool and x.state = 'ready'
        and (x.priority, -x.height, x.id) < (s.priority, -s.height, s.id)) else 0 end as ahead,
      root.pool as "rootPool", root.name as "rootName", root.last_seen as "rootLastSeenAt"
    from steps s
    left join lateral (
      with recursive below (id) as (
        select i.input_step_id from step_inputs i where i.step_id = s.id
        union select i.input_step_id from below b join step_inputs i on i.step_id = b.id
      )
      select x.pool, d.name, ${poolLastSeen(sql`x.pool`)} as last_seen
      from below b join steps x on x.id = b.id join derivations d on d.drv_hash = x.drv_hash
      where s.state = 'waiting' and x.state = 'ready' and not ${poolIsServed(sql`x.pool`)} limit 1
    ) root on true
    where s.id in ${ids(stepIds)}`);
}
