/** Turning needed derivations into steps: shared where one is open, new where none is, with the edges between them. */

import { sql } from 'drizzle-orm';
import type { Architecture } from '../domain/ci/architecture.ts';
import { isDeterministicFailure, isSuccess, type Outcome } from '../domain/ci/outcome.ts';
import type { StepKind, StepState } from '../domain/ci/step-state.ts';
import type { StepLimits } from './schema/graph.ts';
import type { Database } from './database.ts';
import { ids, json, texts } from './sql.ts';

/** One step that an evaluation needs. Keys name steps within one plan. */
export interface StepSpec {
  readonly key: string;
  readonly kind: StepKind;
  readonly drvHash: string;
  readonly architecture: Architecture | null;
  /** 0, or the evaluation that an aggregate's step belongs to. */
  readonly scope: number;
  readonly pool: string;
  /** Longest way to a job of this evaluation. */
  readonly height: number;
  readonly limits: StepLimits;
  readonly inputKeys: readonly string[];
  /** Steps outside this plan that it waits for as well: an aggregate's constituents. */
  readonly inputStepIds: readonly number[];
}

export interface PlanContext {
  readonly evaluationId: number;
  readonly jobsetId: number;
  readonly priority: number;
  /** Ask anew what is known to fail. */
  readonly fresh: boolean;
  readonly failureCacheSeconds: number;
}

export interface PlannedStep {
  readonly id: number;
  readonly state: StepState;
  readonly outcome: Outcome | null;
  readonly rootStepId: number | null;
  readonly pool: string;
}

interface CurrentStep extends PlannedStep, Record<string, unknown> {
  readonly key: string;
  readonly generation: number;
  readonly height: number;
  readonly priority: number;
  readonly limits: StepLimits;
  readonly endedSecondsAgo: number | null;
  /** Whether all outputs of its derivation are in the cache (builds), or a GPU with the driver that it passed on is there (checks). */
  readonly stillTrue: boolean;
}

/** The key of a step: what it realises, and for whom. */
export function stepKey(kind: StepKind, drvHash: string, architecture: string | null, scope: number): string {
  return `${kind}/${drvHash}/${architecture ?? ''}/${scope}`;
}

/**
 * Makes sure that a step exists for each spec, and that the evaluation wants it. Call under `lockGraphForPlanning`.
 * `specs` come inputs first. Returns the steps by key.
 */
export async function planSteps(
  tx: Database,
  context: PlanContext,
  specs: readonly StepSpec[],
): Promise<Map<string, PlannedStep>> {
  const current = await lockCurrentSteps(tx, specs);
  const outside = await findSteps(
    tx,
    specs.flatMap((spec) => spec.inputStepIds),
  );
  const planned = new Map<string, PlannedStep>();
  const fresh: NewStep[] = [];
  for (const spec of specs) {
    const existing = current.get(spec.key);
    if (existing !== undefined && isReusable(existing, context)) {
      planned.set(spec.key, existing);
      continue;
    }
    const inputs = [
      ...spec.inputKeys.map((key) => planned.get(key)).filter((step) => step !== undefined),
      ...spec.inputStepIds.map((id) => outside.get(id)).filter((step) => step !== undefined),
    ];
    const step = newStep(spec, existing, inputs);
    fresh.push(step);
    planned.set(spec.key, { id: -fresh.length, pool: spec.pool, ...step });
  }
  await raiseReused(tx, context, specs, current, planned);
  await insertSteps(tx, context, fresh, planned);
  await insertEdges(tx, fresh, planned);
  await insertWanted(tx, context.evaluationId, [...planned.values()]);
  return planned;
}

interface NewStep {
  readonly spec: StepSpec;
  readonly generation: number;
  readonly state: StepState;
  readonly outcome: Outcome | null;
  readonly rootStepId: number | null;
  readonly unmet: number;
}

function newStep(spec: StepSpec, existing: CurrentStep | undefined, named: readonly PlannedStep[]): NewStep {
  // A constituent of an aggregate may be an input of its derivation as well: it is one edge, and counts once.
  const inputs = [...new Map(named.map((step) => [step.id, step])).values()];
  const generation = (existing?.generation ?? 0) + 1;
  const failed = inputs.find((input) => input.outcome !== null && !isSuccess(input.outcome));
  if (failed !== undefined)
    return {
      spec,
      generation,
      state: 'done',
      outcome: 'dependency-failed',
      rootStepId: failed.rootStepId ?? failed.id,
      unmet: 0,
    };
  const unmet = inputs.filter((input) => input.outcome === null).length;
  return {
    spec,
    generation,
    state: unmet === 0 ? 'ready' : 'waiting',
    outcome: null,
    rootStepId: null,
    unmet,
  };
}

function isReusable(step: CurrentStep, { fresh, failureCacheSeconds }: PlanContext): boolean {
  if (step.outcome === null) return true;
  if (isSuccess(step.outcome)) return step.stillTrue;
  if (fresh || !isDeterministicFailure(step.outcome)) return false;
  // A GPU's failures are never reused: the machine may be the cause.
  return !step.key.startsWith('gpu-test/') && (step.endedSecondsAgo ?? 0) < failureCacheSeconds;
}

async function lockCurrentSteps(tx: Database, specs: readonly StepSpec[]): Promise<Map<string, CurrentStep>> {
  const hashes = [...new Set(specs.map((spec) => spec.drvHash))];
  const rows = await tx.execute<
    CurrentStep & { kind: StepKind; drvHash: string; architecture: string | null; scope: number }
  >(sql`
    select s.id, s.kind, s.drv_hash as "drvHash", s.architecture, s.scope, s.state, s.outcome, s.root_step_id as "rootStepId",
      s.pool, s.generation, s.height, s.priority, s.limits,
      extract(epoch from now() - s.ended_at)::float as "endedSecondsAgo",
      case when s.state <> 'done' then false
        when s.kind = 'build' then not exists (
          select 1 from outputs o where o.drv_hash = s.drv_hash
            and not exists (select 1 from store_paths p where p.path_hash = o.path_hash))
        else exists (
          select 1 from attempts a join gpus g on g.architecture = s.architecture and g.driver = a.gpu ->> 'driver'
          where a.step_id = s.id and a.outcome = 'built')
      end as "stillTrue"
    from steps s where s.current and s.drv_hash in ${texts(hashes)} order by s.id for update of s`);
  return new Map(
    rows.map((row) => [
      stepKey(row.kind, row.drvHash, row.architecture, row.scope),
      { ...row, key: stepKey(row.kind, row.drvHash, row.architecture, row.scope) },
    ]),
  );
}

async function findSteps(tx: Database, stepIds: readonly number[]): Promise<Map<number, PlannedStep>> {
  if (stepIds.length === 0) return new Map();
  const rows = await tx.execute<PlannedStep & Record<string, unknown>>(sql`
    select id, state, outcome, root_step_id as "rootStepId", pool from steps where id in ${ids(stepIds)} order by id for update`);
  return new Map(rows.map((row) => [row.id, row]));
}

/** A shared step takes the highest priority, the greatest height and the largest limits of those who want it. */
async function raiseReused(
  tx: Database,
  context: PlanContext,
  specs: readonly StepSpec[],
  current: ReadonlyMap<string, CurrentStep>,
  planned: ReadonlyMap<string, PlannedStep>,
): Promise<void> {
  const raised = specs.flatMap((spec) => {
    const step = current.get(spec.key);
    if (step === undefined || step.outcome !== null || planned.get(spec.key)?.id !== step.id) return [];
    const limits = largestLimits(step.limits, spec.limits);
    const height = Math.max(step.height, spec.height);
    const priority = Math.min(step.priority, context.priority);
    const same =
      height === step.height &&
      priority === step.priority &&
      JSON.stringify(limits) === JSON.stringify(step.limits);
    return same ? [] : [{ id: step.id, height, priority, limits }];
  });
  if (raised.length === 0) return;
  await tx.execute(sql`
    update steps s set height = r.height, priority = r.priority, limits = r.limits
    from jsonb_to_recordset(${json(raised)}) as r (id bigint, height int, priority smallint, limits jsonb) where s.id = r.id`);
}

function largestLimits(a: StepLimits, b: StepLimits): StepLimits {
  return {
    timeoutSeconds: Math.max(a.timeoutSeconds, b.timeoutSeconds),
    silentTimeoutSeconds: Math.max(a.silentTimeoutSeconds, b.silentTimeoutSeconds),
    logBytes: Math.max(a.logBytes, b.logBytes),
    outputBytes: Math.max(a.outputBytes, b.outputBytes),
  };
}

/** Inserts the new steps and replaces their provisional ids in `planned`. */
async function insertSteps(
  tx: Database,
  context: PlanContext,
  steps: readonly NewStep[],
  planned: Map<string, PlannedStep>,
): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.map((step) => ({
    kind: step.spec.kind,
    drv_hash: step.spec.drvHash,
    architecture: step.spec.architecture,
    scope: step.spec.scope,
    generation: step.generation,
    pool: step.spec.pool,
    state: step.state,
    outcome: step.outcome,
    unmet: step.unmet,
    height: step.spec.height,
    limits: step.spec.limits,
    root_step_id: step.rootStepId,
  }));
  await tx.execute(sql`
    update steps s set current = false
    from jsonb_to_recordset(${json(rows)}) as n (kind text, drv_hash text, architecture text, scope bigint)
    where s.current and s.kind = n.kind and s.drv_hash = n.drv_hash and s.scope = n.scope
      and s.architecture is not distinct from n.architecture`);
  const inserted = await tx.execute<{
    id: number;
    kind: StepKind;
    drvHash: string;
    architecture: string | null;
    scope: number;
  }>(sql`
    insert into steps (kind, drv_hash, architecture, scope, generation, pool, state, outcome, unmet, height, priority, jobset_id,
      limits, root_step_id, ready_at, ended_at)
    select kind, drv_hash, architecture, scope, generation, pool, state, outcome, unmet, height, ${context.priority},
      ${context.jobsetId}, limits, root_step_id,
      case when state = 'ready' then now() end, case when state = 'done' then now() end
    from jsonb_to_recordset(${json(rows)}) as n (kind text, drv_hash text, architecture text, scope bigint, generation int,
      pool text, state text, outcome text, unmet int, height int, limits jsonb, root_step_id bigint)
    returning id, kind, drv_hash as "drvHash", architecture, scope`);
  for (const row of inserted) {
    const key = stepKey(row.kind, row.drvHash, row.architecture, row.scope);
    const provisional = planned.get(key);
    if (provisional !== undefined) planned.set(key, { ...provisional, id: row.id });
  }
}

async function insertEdges(
  tx: Database,
  steps: readonly NewStep[],
  planned: ReadonlyMap<string, PlannedStep>,
): Promise<void> {
  const edges = steps.flatMap(({ spec }) => {
    const stepId = planned.get(spec.key)?.id;
    const inputIds = [...spec.inputKeys.map((key) => planned.get(key)?.id), ...spec.inputStepIds];
    return inputIds.filter((id) => id !== undefined).map((id) => ({ step_id: stepId, input_step_id: id }));
  });
  if (edges.length === 0) return;
  await tx.execute(sql`
    insert into step_inputs (step_id, input_step_id)
    select step_id, input_step_id from jsonb_to_recordset(${json(edges)}) as e (step_id bigint, input_step_id bigint)
    on conflict do nothing`);
}

/** The evaluation wants these steps; those that have not ended are what it still waits for. */
export async function insertWanted(
  tx: Database,
  evaluationId: number,
  steps: readonly { readonly id: number; readonly outcome: Outcome | null }[],
): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.map((step) => ({ step_id: step.id, state: step.outcome === null ? 'open' : 'ended' }));
  await tx.execute(sql`
    with added as (
      insert into wanted (evaluation_id, step_id, state)
      select ${evaluationId}, step_id, state from jsonb_to_recordset(${json(rows)}) as w (step_id bigint, state text)
      on conflict do nothing returning state
    )
    update evaluations set remaining = remaining + (select count(*)::int from added where state = 'open')
    where id = ${evaluationId}`);
}
