/** The fleet and the state of the whole, as people look at them. */

import { sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { builderIsOnline } from '../served.ts';
import { iso } from '../sql.ts';

export interface BuilderView extends Record<string, unknown> {
  readonly name: string;
  readonly state: 'active' | 'drained' | 'gone';
  readonly reason: string | null;
  readonly systems: string[];
  readonly features: string[];
  readonly pools: string[];
  readonly slots: number;
  readonly running: number;
  readonly nixVersion: string;
  readonly workerVersion: string;
  readonly freeBytes: number | null;
  readonly lastSeenAt: string;
  readonly gpus: {
    uuid: string;
    model: string;
    computeCapability: string;
    architecture: string;
    driver: string;
    memoryBytes: number;
    standIn: boolean;
  }[];
}

export async function listBuilderViews(db: Database): Promise<BuilderView[]> {
  return db.execute<BuilderView>(sql`
    select b.name,
      case when b.left_at is not null or not b.last_seen_at > now() - interval '60 seconds' then 'gone'
        when ${builderIsOnline} then 'active' else 'drained' end as state,
      coalesce(b.wanted_reason, b.reason) as reason, to_jsonb(b.systems) as systems, to_jsonb(b.features) as features,
      to_jsonb(b.pools) as pools, b.slots,
      (select count(*)::int from attempts a join steps s on s.id = a.step_id
        where a.builder = b.name and a.ended_at is null and s.state = 'running') as running,
      b.nix_version as "nixVersion", b.worker_version as "workerVersion", b.free_bytes as "freeBytes",
      ${iso(sql`b.last_seen_at`)} as "lastSeenAt",
      coalesce((select jsonb_agg(jsonb_build_object('uuid', g.uuid, 'model', g.model, 'computeCapability', g.compute_capability,
        'architecture', g.architecture, 'driver', g.driver, 'memoryBytes', g.memory_bytes, 'standIn', g.stand_in) order by g.position)
        from gpus g where g.builder = b.name), '[]') as gpus
    from builders b order by b.name`);
}

export interface Overall extends Record<string, unknown> {
  readonly evaluationsOpen: number;
  readonly stepsOpen: Record<string, number>;
  readonly builders: number;
}

export async function findOverall(db: Database): Promise<Overall> {
  const [row] = await db.execute<Overall>(sql`
    select (select count(*)::int from evaluations where state <> 'finished') as "evaluationsOpen",
      (select coalesce(jsonb_object_agg(state, n), '{}') from (
        select state, count(*)::int as n from steps where state <> 'done' group by state) c) as "stepsOpen",
      (select count(*)::int from builders b where ${builderIsOnline}) as builders`);
  if (row === undefined) throw new Error('Postgres answered no row');
  return row;
}

export async function listFindingViews(
  db: Database,
  filter: {
    readonly class?: string | undefined;
    readonly evaluationId?: number | undefined;
    readonly before?: number | undefined;
    readonly limit: number;
  },
) {
  const ofEvaluation =
    filter.evaluationId === undefined
      ? sql`true`
      : sql`(f.evaluation_id = ${filter.evaluationId}
          or exists (select 1 from wanted w where w.step_id = f.step_id and w.evaluation_id = ${filter.evaluationId}))`;
  return db.execute<{
    id: number;
    class: string;
    subclass: string;
    confidence: number;
    rule: string;
    fingerprint: string | null;
    evaluationId: number | null;
    jobId: number | null;
    stepId: number | null;
    attemptId: number | null;
    name: string | null;
    explanation: string;
    evidence: string | null;
    createdAt: string;
  }>(sql`
    select f.id, f.class, f.subclass, f.confidence::float, f.rule, f.fingerprint, f.evaluation_id as "evaluationId", f.job_id as "jobId",
      f.step_id as "stepId", f.attempt_id as "attemptId", coalesce(j.name, d.name) as name,
      coalesce(f.verdict ->> 'explanation', '') as explanation, f.verdict #>> '{evidence,text}' as evidence,
      ${iso(sql`f.created_at`)} as "createdAt"
    from findings f left join jobs j on j.id = f.job_id left join steps s on s.id = f.step_id
    left join derivations d on d.drv_hash = s.drv_hash
    where ${filter.class === undefined ? sql`true` : sql`f.class = ${filter.class}`} and ${ofEvaluation}
      and ${filter.before === undefined ? sql`true` : sql`f.id < ${filter.before}`}
    order by f.id desc limit ${filter.limit}`);
}
