/** Evaluations as people look at them: counts, progress, and what changed against the one before. */

import { sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';
import { iso } from '../sql.ts';
import type { VerdictView } from './run-document.ts';

export interface EvaluationView extends Record<string, unknown> {
  readonly id: number;
  readonly project: string;
  readonly jobset: string;
  readonly jobsetId: number;
  readonly number: number;
  readonly state: string;
  readonly outcome: string | null;
  readonly message: string | null;
  readonly revision: string | null;
  readonly lockedSource: string | null;
  readonly dirty: boolean;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly evaluatedAt: string | null;
  readonly drainedAt: string | null;
  readonly finishedAt: string | null;
  readonly jobs: Record<string, number>;
  readonly steps: Record<string, number>;
  readonly errors: number;
}

const columns = sql`e.id, p.slug as project, j.name as jobset, j.id as "jobsetId", e.number, e.state, e.outcome, e.message, e.revision,
  e.locked_source as "lockedSource", e.dirty, ${iso(sql`e.created_at`)} as "createdAt", ${iso(sql`e.started_at`)} as "startedAt",
  ${iso(sql`e.evaluated_at`)} as "evaluatedAt", ${iso(sql`e.drained_at`)} as "drainedAt", ${iso(sql`e.finished_at`)} as "finishedAt",
  (select coalesce(jsonb_object_agg(o, n), '{}') from (
    select coalesce(x.outcome, 'unfinished') as o, count(*)::int as n from jobs x where x.evaluation_id = e.id group by 1) c) as jobs,
  (select coalesce(jsonb_object_agg(s, n), '{}') from (
    select case when w.state in ('not-run', 'cancelled') then w.state else x.state end as s, count(*)::int as n
    from wanted w join steps x on x.id = w.step_id where w.evaluation_id = e.id group by 1) c) as steps,
  (select count(*)::int from evaluation_errors x where x.evaluation_id = e.id) as errors`;

const from = sql`from evaluations e join jobsets j on j.id = e.jobset_id join projects p on p.id = j.project_id`;

export async function findEvaluationView(
  db: Database,
  evaluationId: number,
): Promise<EvaluationView | undefined> {
  const [row] = await db.execute<EvaluationView>(sql`select ${columns} ${from} where e.id = ${evaluationId}`);
  return row;
}

export interface RunningView extends Record<string, unknown> {
  readonly stepId: number;
  readonly name: string;
  readonly architecture: string | null;
  readonly builder: string;
  readonly attempt: number;
  readonly attemptId: number;
  readonly startedAt: string;
}

export async function listRunning(db: Database, evaluationId: number): Promise<RunningView[]> {
  return db.execute<RunningView>(sql`
    select s.id as "stepId", d.name, s.architecture, a.builder, a.number as attempt, a.id as "attemptId",
      ${iso(sql`a.started_at`)} as "startedAt"
    from wanted w join steps s on s.id = w.step_id and s.state = 'running'
    join derivations d on d.drv_hash = s.drv_hash
    join lateral (select * from attempts a where a.step_id = s.id and a.generation = s.generation order by a.number desc limit 1) a on true
    where w.evaluation_id = ${evaluationId} and w.state = 'open' order by a.started_at`);
}

export interface EndedView extends Record<string, unknown> {
  readonly stepId: number;
  readonly name: string;
  readonly architecture: string | null;
  readonly outcome: Outcome;
  readonly builder: string | null;
  readonly standIn: boolean;
  readonly seconds: number | null;
  readonly attemptId: number | null;
  readonly verdict: VerdictView | null;
  /** Position in the order of endings. */
  readonly at: string;
}

const MAX_ENDED = 1_000;

/** Steps of an evaluation that ended after a cursor (an earlier `at`), oldest first; none that merely inherited a failure. */
export async function listEnded(db: Database, evaluationId: number, after: string): Promise<EndedView[]> {
  return db.execute<EndedView>(sql`
    select s.id as "stepId", d.name, s.architecture, s.outcome, a.builder,
      coalesce((a.gpu -> 'standIn')::boolean, false) as "standIn",
      extract(epoch from a.ended_at - a.started_at)::float as seconds, a.id as "attemptId", f.verdict,
      to_char(s.ended_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '/' || lpad(s.id::text, 12, '0') as at
    from wanted w join steps s on s.id = w.step_id and s.state = 'done'
    join derivations d on d.drv_hash = s.drv_hash
    left join lateral (select * from attempts a where a.step_id = s.id order by a.id desc limit 1) a on true
    left join findings f on f.attempt_id = a.id and s.outcome not in ('built', 'substituted')
    where w.evaluation_id = ${evaluationId} and s.outcome <> 'dependency-failed'
      and to_char(s.ended_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '/' || lpad(s.id::text, 12, '0') > ${after}
    order by at limit ${MAX_ENDED}`);
}
