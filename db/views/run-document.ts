/** All jobs of an evaluation with their verdicts: what the run document and the evaluation's page are made from. */

import { sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { NotScheduled } from '../schema/graph.ts';
import type { Database } from '../database.ts';

export interface JobView extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly kind: 'build' | 'gpu-check' | 'aggregate';
  readonly nixName: string;
  readonly drvPath: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly outcome: Outcome | null;
  readonly attempts: number;
  readonly verdict: VerdictView | null;
  readonly constituents: readonly string[] | null;
  readonly gpu: readonly GpuView[];
  readonly notScheduled: readonly NotScheduled[];
  readonly stepIds: readonly number[];
  /** Name of the derivation whose failure it inherited. */
  readonly root: string | null;
  readonly pool: string | null;
  readonly reason: string | null;
}

export interface VerdictView {
  readonly class: string;
  readonly subclass: string;
  readonly confidence: number;
  readonly rule: string;
  readonly retry: string;
  readonly explanation: string;
  readonly fingerprint: string;
  readonly evidence: {
    readonly text: string;
    readonly line: number | null;
    readonly before: string | null;
    readonly after: string | null;
  } | null;
}

export interface GpuView {
  readonly arch: string;
  readonly driver: string | null;
  readonly outcome: Outcome | null;
  readonly standIn: boolean;
  readonly stepId: number;
}

/** Jobs of an evaluation by name; `jobIds` restricts them. */
export async function listJobViews(
  db: Database,
  evaluationId: number,
  jobIds?: readonly number[],
): Promise<JobView[]> {
  const chosen =
    jobIds === undefined
      ? sql`true`
      : sql`j.id in (select jsonb_array_elements_text(${JSON.stringify(jobIds)}::jsonb)::bigint)`;
  return db.execute<JobView>(sql`
    select j.id, j.name, j.system, j.variant, j.kind, j.nix_name as "nixName", d.drv_path as "drvPath", j.outcome,
      (select coalesce(jsonb_object_agg(o.name, o.path), '{}') from outputs o where o.drv_hash = j.drv_hash) as outputs,
      coalesce(st.attempts, 0)::int as attempts,
      coalesce(own.verdict, st.verdict) as verdict,
      case when j.kind = 'aggregate' then
        (select coalesce(jsonb_agg(c.name order by c.position), '[]') from job_constituents c where c.job_id = j.id) end as constituents,
      case when j.kind = 'gpu-check' then coalesce(st.gpu, '[]') else '[]' end as gpu,
      (select coalesce(jsonb_agg(jsonb_build_object('architecture', n ->> 'architecture', 'reason', n ->> 'reason')), '[]')
        from jsonb_array_elements(j.not_scheduled) n) as "notScheduled",
      coalesce(st.ids, '[]') as "stepIds", st.root, st.pool, st.reason
    from jobs j
    join derivations d on d.drv_hash = j.drv_hash
    left join lateral (select f.verdict from findings f where f.job_id = j.id order by f.id desc limit 1) own on true
    left join lateral (
      select
        jsonb_agg(s.id order by s.id) as ids,
        sum((select count(*) from attempts a join steps g on g.id = a.step_id
          where a.step_id = s.id or (g.kind = s.kind and g.drv_hash = s.drv_hash and g.scope = s.scope
            and g.architecture is not distinct from s.architecture and g.created_at >= e.created_at))) as attempts,
        (array_agg(f.verdict order by s.id) filter (where f.verdict is not null))[1] as verdict,
        jsonb_agg(jsonb_build_object('arch', coalesce(s.architecture, 'any'), 'driver', a.gpu ->> 'driver',
          'outcome', coalesce(s.outcome, case when w.state in ('not-run', 'cancelled') then w.state end),
          'standIn', coalesce((a.gpu -> 'standIn')::boolean, false), 'stepId', s.id) order by s.architecture) as gpu,
        max(rd.name) as root, max(s.pool) filter (where s.outcome is null) as pool, max(s.reason) as reason
      from job_steps js
      join steps s on s.id = js.step_id
      join evaluations e on e.id = j.evaluation_id
      left join wanted w on w.step_id = s.id and w.evaluation_id = j.evaluation_id
      left join lateral (select a.id, a.gpu from attempts a where a.step_id = s.id order by a.id desc limit 1) a on true
      left join findings f on f.attempt_id = a.id and s.outcome not in ('built', 'substituted')
      left join steps r on r.id = s.root_step_id
      left join derivations rd on rd.drv_hash = r.drv_hash
      where js.job_id = j.id
    ) st on true
    where j.evaluation_id = ${evaluationId} and ${chosen}
    order by j.name, j.system, j.variant nulls first`);
}

export async function listErrorViews(db: Database, evaluationId: number) {
  return db.execute<{
    name: string;
    system: string | null;
    variant: string | null;
    kind: string;
    message: string;
  }>(sql`
    select name, system, variant, kind, message from evaluation_errors where evaluation_id = ${evaluationId}
    order by name, system, variant`);
}
