/** A step with its attempts and verdicts. */

import { sql } from 'drizzle-orm';
import type { AttemptGpu } from '../../domain/api/builder.ts';
import type { Database } from '../database.ts';
import { ids, iso } from '../sql.ts';
import type { VerdictView } from './run-document.ts';

export interface StepView extends Record<string, unknown> {
  readonly id: number;
  readonly kind: string;
  readonly drvPath: string;
  readonly name: string;
  readonly architecture: string | null;
  readonly generation: number;
  readonly pool: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly priority: number;
  readonly height: number;
  readonly root: { readonly stepId: number; readonly name: string } | null;
  readonly createdAt: string;
  readonly readyAt: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly attempts: readonly AttemptView[];
}

export interface AttemptView {
  readonly id: number;
  readonly generation: number;
  readonly number: number;
  readonly builder: string;
  readonly outcome: string | null;
  readonly message: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly logBytes: number | null;
  readonly gpu: AttemptGpu | null;
  readonly verdict: VerdictView | null;
}

/** Steps with all attempts at their key, of earlier generations too: what was tried, where, and how it ended. */
export async function listStepViews(db: Database, stepIds: readonly number[]): Promise<StepView[]> {
  if (stepIds.length === 0) return [];
  return db.execute<StepView>(sql`
    select s.id, s.kind, d.drv_path as "drvPath", d.name, s.architecture, s.generation, s.pool, s.state, s.outcome, s.reason,
      s.priority, s.height,
      case when r.id is null then null else jsonb_build_object('stepId', r.id, 'name', rd.name) end as root,
      ${iso(sql`s.created_at`)} as "createdAt", ${iso(sql`s.ready_at`)} as "readyAt", ${iso(sql`s.started_at`)} as "startedAt",
      ${iso(sql`s.ended_at`)} as "endedAt",
      coalesce((
        select jsonb_agg(jsonb_build_object('id', a.id, 'generation', a.generation, 'number', a.number, 'builder', a.builder,
          'outcome', a.outcome, 'message', a.message, 'startedAt', ${iso(sql`a.started_at`)}, 'endedAt', ${iso(sql`a.ended_at`)},
          'logBytes', l.bytes, 'gpu', a.gpu, 'verdict', f.verdict) order by a.id)
        from attempts a join steps x on x.id = a.step_id
        left join logs l on l.attempt_id = a.id left join findings f on f.attempt_id = a.id
        where x.kind = s.kind and x.drv_hash = s.drv_hash and x.scope = s.scope
          and x.architecture is not distinct from s.architecture and x.id <= s.id
      ), '[]') as attempts
    from steps s join derivations d on d.drv_hash = s.drv_hash
    left join steps r on r.id = s.root_step_id left join derivations rd on rd.drv_hash = r.drv_hash
    where s.id in ${ids(stepIds)} order by s.architecture nulls first, s.id`);
}
