/** Evaluations: one revision of a jobset, from trigger to publication. */

import { sql } from 'drizzle-orm';
import type { JobsetConfig } from '../domain/ci/jobset-config.ts';
import type { EvaluationOutcome, EvaluationState } from './schema/graph.ts';
import type { Database } from './database.ts';
import { type EvaluationKey, startEvaluationMessage, addToOutbox } from './outbox.ts';
import { json } from './sql.ts';

export interface NewEvaluation {
  readonly jobsetId: number;
  readonly config: JobsetConfig;
  readonly baseFolder: string | null;
  readonly fresh: boolean;
  readonly revision: string | null;
  readonly lockedSource: string | null;
  readonly dirty: boolean;
}

/** Opens the jobset's next evaluation and asks for its workflow. */
export async function openEvaluation(tx: Database, evaluation: NewEvaluation): Promise<EvaluationKey> {
  const { jobsetId, config, baseFolder, fresh, revision, lockedSource, dirty } = evaluation;
  // The jobset's row is locked, so that two triggers at once get two numbers.
  const [key] = await tx.execute<EvaluationKey & Record<string, unknown>>(sql`
    with jobset as (
      select j.id, j.name, p.slug from jobsets j join projects p on p.id = j.project_id where j.id = ${jobsetId} for update of j
    ), opened as (
      insert into evaluations (jobset_id, number, config, base_folder, fresh, revision, locked_source, dirty)
      select id, coalesce((select max(number) from evaluations where jobset_id = ${jobsetId}), 0) + 1,
        ${json(config)}, ${baseFolder}, ${fresh}, ${revision}, ${lockedSource}, ${dirty}
      from jobset returning id, number
    )
    select o.id as "evaluationId", o.number, j.name as jobset, j.slug as project from opened o, jobset j`);
  if (key === undefined) throw new Error(`there is no jobset ${jobsetId}`);
  await addToOutbox(tx, [startEvaluationMessage(key, 'evaluate')]);
  return key;
}

export interface EvaluationRow extends EvaluationKey, Record<string, unknown> {
  readonly jobsetId: number;
  readonly state: EvaluationState;
  readonly outcome: EvaluationOutcome | null;
  readonly config: JobsetConfig;
  readonly baseFolder: string | null;
  readonly fresh: boolean;
  readonly revision: string | null;
  readonly lockedSource: string | null;
  readonly dirty: boolean;
  readonly remaining: number;
  readonly evaluated: boolean;
  readonly cancelRequested: boolean;
  readonly cancelReason: string | null;
}

export async function findEvaluation(db: Database, evaluationId: number): Promise<EvaluationRow | undefined> {
  const [row] = await db.execute<EvaluationRow>(sql`
    select e.id as "evaluationId", e.jobset_id as "jobsetId", p.slug as project, j.name as jobset, e.number, e.state, e.outcome,
      e.config, e.base_folder as "baseFolder", e.fresh, e.revision, e.locked_source as "lockedSource", e.dirty, e.remaining,
      e.evaluated_at is not null as evaluated, e.cancel_requested_at is not null as "cancelRequested", e.cancel_reason as "cancelReason"
    from evaluations e join jobsets j on j.id = e.jobset_id join projects p on p.id = j.project_id where e.id = ${evaluationId}`);
  return row;
}

/** As `findEvaluation`, where its absence is a bug or a deleted jobset. */
export async function getEvaluation(db: Database, evaluationId: number): Promise<EvaluationRow> {
  const row = await findEvaluation(db, evaluationId);
  if (row === undefined) throw new Error(`there is no evaluation ${evaluationId}`);
  return row;
}

/** Every evaluation that has not finished: what the coordinator keeps a workflow for. */
export async function listOpenEvaluations(
  db: Database,
): Promise<(EvaluationKey & { state: EvaluationState; evaluated: boolean; drained: boolean })[]> {
  return db.execute<
    EvaluationKey & Record<string, unknown> & { state: EvaluationState; evaluated: boolean; drained: boolean }
  >(sql`
    select e.id as "evaluationId", p.slug as project, j.name as jobset, e.number, e.state,
      e.evaluated_at is not null as evaluated, e.remaining <= 0 and e.evaluated_at is not null as drained
    from evaluations e join jobsets j on j.id = e.jobset_id join projects p on p.id = j.project_id
    where e.state <> 'finished' order by e.id`);
}

export async function markEvaluating(db: Database, evaluationId: number): Promise<void> {
  await db.execute(sql`
    update evaluations set state = 'evaluating', started_at = coalesce(started_at, now())
    where id = ${evaluationId} and state = 'queued'`);
}

/** The evaluation learnt what exactly it evaluates. */
export async function recordSource(
  db: Database,
  evaluationId: number,
  source: { readonly revision: string | null; readonly lockedSource: string | null; readonly dirty: boolean },
): Promise<void> {
  await db.execute(sql`
    update evaluations set revision = coalesce(${source.revision}, revision), dirty = ${source.dirty},
      locked_source = coalesce(${source.lockedSource}, locked_source) where id = ${evaluationId}`);
}

/** All jobs are known and planned: the evaluation is drained once nothing of it remains. Returns whether that is so already. */
export async function markEvaluated(tx: Database, evaluationId: number): Promise<boolean> {
  const [row] = await tx.execute<{ remaining: number }>(sql`
    update evaluations set evaluated_at = coalesce(evaluated_at, now()),
      state = case when state in ('queued', 'evaluating') then 'building' else state end
    where id = ${evaluationId} returning remaining`);
  return row !== undefined && row.remaining <= 0;
}

export async function isDrained(db: Database, evaluationId: number): Promise<boolean> {
  const [row] = await db.execute<{ drained: boolean }>(sql`
    select evaluated_at is not null and remaining <= 0 as drained from evaluations where id = ${evaluationId}`);
  // An evaluation that is gone waits for nothing.
  return row?.drained ?? true;
}

export async function enterState(
  db: Database,
  evaluationId: number,
  state: 'classifying' | 'publishing',
): Promise<void> {
  await db.execute(sql`
    update evaluations set state = ${state}, drained_at = coalesce(drained_at, now())
    where id = ${evaluationId} and state <> 'finished'`);
}

export async function finishEvaluation(
  db: Database,
  evaluationId: number,
  outcome: EvaluationOutcome,
  message: string | null,
): Promise<void> {
  await db.execute(sql`
    update evaluations set state = 'finished', outcome = ${outcome}, message = coalesce(${message}, message), finished_at = now()
    where id = ${evaluationId} and state <> 'finished'`);
}

export interface NewEvaluationError {
  readonly name: string;
  readonly system: string | null;
  readonly variant: string | null;
  readonly kind: 'error' | 'refused' | 'aggregate' | 'fatal';
  readonly message: string;
}

/** Stores errors by attribute; the same attribute's newer message replaces the older. */
export async function recordEvaluationErrors(
  tx: Database,
  evaluationId: number,
  errors: readonly NewEvaluationError[],
): Promise<void> {
  if (errors.length === 0) return;
  await tx.execute(sql`
    insert into evaluation_errors (evaluation_id, name, system, variant, kind, message)
    select distinct on (name, system, variant) ${evaluationId}, name, system, variant, kind, message
    from jsonb_to_recordset(${json(errors)}) as e (name text, system text, variant text, kind text, message text)
    on conflict (evaluation_id, name, coalesce(system, ''), coalesce(variant, ''))
      do update set kind = excluded.kind, message = excluded.message`);
}
