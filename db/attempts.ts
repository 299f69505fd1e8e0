/** Attempts: one try of a step on one builder. */

import { sql } from 'drizzle-orm';
import type { StepKind } from '../domain/ci/step-state.ts';
import type { AttemptGpu } from '../domain/api/builder.ts';
import type { StepLimits } from './schema/graph.ts';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface AttemptStart {
  readonly stepId: number;
  readonly generation: number;
  readonly number: number;
  readonly builder: string;
  readonly unit: string;
  readonly gpu: AttemptGpu | null;
}

/** What a builder needs to realise a step. */
export interface Assignment extends Record<string, unknown> {
  readonly attemptId: number;
  readonly kind: StepKind;
  readonly drvPath: string;
  readonly name: string;
  readonly system: string;
  readonly architecture: string | null;
  readonly fixedOutput: boolean;
  readonly features: readonly string[];
  readonly limits: StepLimits;
  readonly outputs: readonly { readonly name: string; readonly path: string }[];
  /** Store paths of the inputs' outputs that the derivation names. */
  readonly inputPaths: readonly string[];
}

/**
 * Writes that a builder begins (or takes up again) an attempt, and returns what it is to do.
 * `undefined` when the step has ended, was replaced, or nobody wants it any more.
 */
export async function startAttempt(tx: Database, start: AttemptStart): Promise<Assignment | undefined> {
  const [step] = await tx.execute(sql`
    update steps set state = 'running', started_at = coalesce(started_at, now())
    where id = ${start.stepId} and generation = ${start.generation} and state in ('dispatched', 'running')
      and cancel_requested_at is null
    returning id`);
  if (step === undefined) return undefined;
  const [attempt] = await tx.execute<{ id: number }>(sql`
    insert into attempts (step_id, generation, number, builder, unit, gpu)
    values (${start.stepId}, ${start.generation}, ${start.number}, ${start.builder}, ${start.unit},
      ${start.gpu === null ? null : json(start.gpu)})
    on conflict (step_id, generation, number)
      do update set builder = excluded.builder, unit = excluded.unit, gpu = coalesce(excluded.gpu, attempts.gpu)
    returning id`);
  if (attempt === undefined)
    throw new Error(`attempt ${start.number} of step ${start.stepId} was not written`);
  return describe(tx, start.stepId, attempt.id);
}

async function describe(tx: Database, stepId: number, attemptId: number): Promise<Assignment | undefined> {
  const [row] = await tx.execute<Assignment>(sql`
    select ${attemptId}::bigint as "attemptId", s.kind, d.drv_path as "drvPath", d.name, d.system, s.architecture,
      d.fixed_output as "fixedOutput", to_jsonb(d.features) as features, s.limits,
      (select jsonb_agg(jsonb_build_object('name', o.name, 'path', o.path) order by o.name)
        from outputs o where o.drv_hash = d.drv_hash) as outputs,
      coalesce((select jsonb_agg(distinct o.path) from derivation_inputs i
        join outputs o on o.drv_hash = i.input_drv_hash and o.name = any(i.output_names)
        where i.drv_hash = d.drv_hash), '[]') as "inputPaths"
    from steps s join derivations d on d.drv_hash = s.drv_hash where s.id = ${stepId}`);
  return row;
}

/** The attempt's place in the graph, for its log and its verdict. */
export async function findAttempt(db: Database, attemptId: number) {
  const [row] = await db.execute<{
    id: number;
    stepId: number;
    number: number;
    drvPath: string;
    drvHash: string;
    name: string;
    outcome: string | null;
    builder: string;
    kind: StepKind;
    system: string;
    architecture: string | null;
    fixedOutput: boolean;
    limits: StepLimits;
    evidence: Record<string, unknown>;
    ended: boolean;
  }>(sql`
    select s.kind, d.system, s.architecture, d.fixed_output as "fixedOutput", s.limits, a.evidence, a.id, a.step_id as "stepId", a.number, d.drv_path as "drvPath", d.drv_hash as "drvHash", d.name, a.outcome, a.builder,
      a.ended_at is not null as ended
    from attempts a join steps s on s.id = a.step_id join derivations d on d.drv_hash = s.drv_hash where a.id = ${attemptId}`);
  return row;
}

export type AttemptRow = NonNullable<Awaited<ReturnType<typeof findAttempt>>>;

/** What a builder reports beside the log: exits, Nix's message, host facts. Later reports add to earlier ones. */
export async function recordEvidence(db: Database, attemptId: number, evidence: object): Promise<void> {
  await db.execute(sql`update attempts set evidence = evidence || ${json(evidence)} where id = ${attemptId}`);
}

/** The newest attempt of a derivation that has a log: what `nix log` shows. */
export async function findNewestAttemptOf(db: Database, drvHash: string): Promise<number | undefined> {
  const [row] = await db.execute<{ id: number }>(sql`
    select a.id from attempts a join steps s on s.id = a.step_id join logs l on l.attempt_id = a.id
    where s.drv_hash = ${drvHash} order by a.id desc limit 1`);
  return row?.id;
}

/** The id of an attempt by its place: workflows know no row ids of attempts. */
export async function findAttemptId(
  db: Database,
  stepId: number,
  generation: number,
  number: number,
): Promise<number | undefined> {
  const [row] = await db.execute<{ id: number }>(sql`
    select id from attempts where step_id = ${stepId} and generation = ${generation} and number = ${number}`);
  return row?.id;
}

export async function recordLogBytes(
  db: Database,
  attemptId: number,
  bytes: number,
  closed: boolean,
): Promise<void> {
  await db.execute(sql`
    insert into logs (attempt_id, bytes, closed_at) values (${attemptId}, ${bytes}, ${closed ? sql`now()` : null})
    on conflict (attempt_id) do update set bytes = excluded.bytes, closed_at = coalesce(logs.closed_at, excluded.closed_at)`);
}

/** Hash part of the derivation that an attempt realises. */
export async function findDerivationOfAttempt(db: Database, attemptId: number): Promise<string | undefined> {
  const [row] = await db.execute<{ drvHash: string }>(sql`
    select s.drv_hash as "drvHash" from attempts a join steps s on s.id = a.step_id where a.id = ${attemptId}`);
  return row?.drvHash;
}
