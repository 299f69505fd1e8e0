/** Steps as pages show them: whose failure it is, where its job is, and what the log of an attempt belongs to. */

import { sql } from 'drizzle-orm';
import type { AttemptGpu } from '../../domain/api/builder.ts';
import type { Verdict } from '../../domain/ci/classification/verdict.ts';
import type { Database } from '../database.ts';
import { ids, iso } from '../sql.ts';
import type { VerdictView } from './run-document.ts';

/** A verdict with what only its own page shows. Verdicts are stored as JSON: older ones may lack what came later. */
export type VerdictDetail = VerdictView &
  Partial<Pick<Verdict, 'scope' | 'phase' | 'suspectedFlake' | 'link'>>;

export interface StepPlace extends Record<string, unknown> {
  readonly stepId: number;
  readonly name: string;
  readonly architecture: string | null;
  /** The job of the evaluation that is this derivation; `null` where it is only an input of others. */
  readonly jobId: number | null;
  readonly jobName: string | null;
  /** The last one that has a log. */
  readonly attemptId: number | null;
  /** On its last attempt. */
  readonly verdict: VerdictDetail | null;
}

/** Steps with their names, the jobs that they are in an evaluation, and why they failed where they did. */
export async function listStepPlaces(
  db: Database,
  evaluationId: number,
  stepIds: readonly number[],
): Promise<StepPlace[]> {
  if (stepIds.length === 0) return [];
  return db.execute<StepPlace>(sql`
    select s.id as "stepId", d.name, s.architecture, j.id as "jobId", j.name as "jobName",
      case when l.attempt_id is not null then a.id end as "attemptId", f.verdict
    from steps s join derivations d on d.drv_hash = s.drv_hash
    left join lateral (
      select j.id, j.name from jobs j where j.drv_hash = s.drv_hash and j.evaluation_id = ${evaluationId} order by j.name limit 1
    ) j on true
    left join lateral (select x.id from attempts x where x.step_id = s.id order by x.id desc limit 1) a on true
    left join logs l on l.attempt_id = a.id
    left join findings f on f.attempt_id = a.id and s.outcome not in ('built', 'substituted')
    where s.id in ${ids(stepIds)} order by s.id`);
}

/** The newest evaluation that wants a step: where its page leads back to. */
export async function findEvaluationOfStep(db: Database, stepId: number): Promise<number | undefined> {
  const [row] = await db.execute<{ evaluationId: number }>(sql`
    select evaluation_id as "evaluationId" from wanted where step_id = ${stepId} order by evaluation_id desc limit 1`);
  return row?.evaluationId;
}

export interface AttemptPlace extends Record<string, unknown> {
  readonly id: number;
  readonly stepId: number;
  readonly number: number;
  readonly builder: string;
  readonly outcome: string | null;
  readonly message: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly gpu: AttemptGpu | null;
  readonly name: string;
  readonly drvPath: string;
  readonly architecture: string | null;
  readonly evaluationId: number | null;
  readonly jobId: number | null;
  readonly verdict: VerdictDetail | null;
}

/** An attempt with the newest evaluation that wants its step, and its job there. */
export async function findAttemptPlace(db: Database, attemptId: number): Promise<AttemptPlace | undefined> {
  const [row] = await db.execute<AttemptPlace>(sql`
    select a.id, a.step_id as "stepId", a.number, a.builder, a.outcome, a.message, ${iso(sql`a.started_at`)} as "startedAt",
      ${iso(sql`a.ended_at`)} as "endedAt", a.gpu, d.name, d.drv_path as "drvPath", s.architecture,
      place.evaluation_id as "evaluationId", place.job_id as "jobId", f.verdict
    from attempts a join steps s on s.id = a.step_id join derivations d on d.drv_hash = s.drv_hash
    left join findings f on f.attempt_id = a.id
    left join lateral (
      select w.evaluation_id, j.id as job_id from wanted w
      left join jobs j on j.evaluation_id = w.evaluation_id and j.drv_hash = s.drv_hash
      where w.step_id = s.id order by w.evaluation_id desc, j.name limit 1
    ) place on true
    where a.id = ${attemptId}`);
  return row;
}
