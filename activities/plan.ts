/** Planning: from stored jobs to steps that builders can take. */

import picomatch from 'picomatch';
import { listOnlineArchitectures } from '../db/builders.ts';
import { claimReadySteps } from '../db/claims.ts';
import type { Connection, Database } from '../db/database.ts';
import {
  type EvaluationRow,
  getEvaluation,
  markEvaluated,
  recordEvaluationErrors,
} from '../db/evaluations.ts';
import { listFailedNames } from '../db/evaluation-errors.ts';
import { refreshJobsOfSteps } from '../db/job-outcomes.ts';
import {
  deleteJobs,
  listAggregates,
  listJobNames,
  listStepIdsOfJobs,
  listUnplannedJobs,
  markJobsPlanned,
  type PlannedJob,
  resolveConstituents,
  type UnplannedJob,
} from '../db/jobs.ts';
import { lockGraphForPlanning } from '../db/locks.ts';
import { planSteps, type PlanContext, type PlannedStep, stepKey, type StepSpec } from '../db/planning.ts';
import { resolveAggregates, type ResolvedAggregates } from '../domain/ci/aggregates.ts';
import { parseArchitecture } from '../domain/ci/architecture.ts';
import type { UpstreamCaches } from '../runtime/upstream-cache.ts';
import { findNeeded } from './needed.ts';
import {
  type JobFacts,
  limitsOf,
  type SpecContext,
  specifySteps,
  type SpecifiedSteps,
} from './step-specs.ts';

export interface PlanDeps {
  readonly connection: Connection;
  readonly upstreams: UpstreamCaches;
  /** Where `builtin` derivations are built: the coordinator's own system. */
  readonly defaultSystem: string;
}

/** Jobs planned in one transaction: enough that the statements' cost is shared, few enough that endings wait a moment only. */
const JOBS_PER_PLAN = 500;

/** Plans all jobs that are stored and not planned yet, but for aggregates. Returns how many. */
export async function planStoredJobs(deps: PlanDeps, evaluationId: number): Promise<number> {
  const evaluation = await getEvaluation(deps.connection.db, evaluationId);
  for (let planned = 0; ;) {
    if (evaluation.cancelRequested) return planned;
    const jobs = await listUnplannedJobs(deps.connection.db, evaluationId, 'others', JOBS_PER_PLAN);
    if (jobs.length === 0) return planned;
    await planJobs(deps, evaluation, jobs, new Map());
    planned += jobs.length;
  }
}

/** Resolves and plans aggregates, and closes the evaluation's list of jobs. Returns whether it is drained already. */
export async function finishPlanning(deps: PlanDeps, evaluationId: number): Promise<boolean> {
  await planStoredJobs(deps, evaluationId);
  const evaluation = await getEvaluation(deps.connection.db, evaluationId);
  const { good } = await settleAggregates(deps.connection, evaluationId);
  const unplanned = new Map(
    (await listUnplannedJobs(deps.connection.db, evaluationId, 'aggregates', Number.MAX_SAFE_INTEGER)).map(
      (job) => [job.id, job],
    ),
  );
  // One by one and inner ones first: an outer aggregate waits for the step of an inner one.
  for (const { aggregate, constituents } of good) {
    const job = unplanned.get(aggregate.id);
    if (job === undefined) continue;
    const steps = await listStepIdsOfJobs(
      deps.connection.db,
      constituents.map((constituent) => constituent.id),
    );
    await planJobs(deps, evaluation, [job], new Map([[job.id, [...steps.values()].flat()]]));
  }
  return deps.connection.transaction((tx) => markEvaluated(tx, evaluationId));
}

async function settleAggregates(connection: Connection, evaluationId: number): Promise<ResolvedAggregates> {
  const { db } = connection;
  const aggregates = await listAggregates(db, evaluationId);
  if (aggregates.length === 0) return { good: [], broken: [] };
  const resolved = resolveAggregates(aggregates, {
    jobs: await listJobNames(db, evaluationId),
    failedNames: new Set(await listFailedNames(db, evaluationId)),
    matches: (name, glob) => picomatch.isMatch(name, glob, { dot: true, bash: true }),
  });
  await connection.transaction(async (tx) => {
    await recordEvaluationErrors(
      tx,
      evaluationId,
      resolved.broken.map(({ aggregate: { name, system, variant }, message }) => ({
        name,
        system,
        variant,
        kind: 'aggregate',
        message,
      })),
    );
    await deleteJobs(
      tx,
      resolved.broken.map(({ aggregate }) => aggregate.id),
    );
    await resolveConstituents(
      tx,
      resolved.good.map(({ aggregate, constituents }) => ({ jobId: aggregate.id, constituents })),
    );
  });
  return resolved;
}

/** Plans jobs in one transaction; `constituentSteps` are what an aggregate's own step waits for besides its derivation's inputs. */
async function planJobs(
  { connection, upstreams, defaultSystem }: PlanDeps,
  evaluation: EvaluationRow,
  jobs: readonly UnplannedJob[],
  constituentSteps: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  const { db } = connection;
  const online = (await listOnlineArchitectures(db)).map(parseArchitecture);
  const needed = await findNeeded(db, upstreams, [...new Set(jobs.map((job) => job.drvHash))]);
  const context: SpecContext = { config: evaluation.config, defaultSystem, online };
  const specified = specifySteps(needed, factsOf(jobs, evaluation), context);
  const aggregateSpecs = jobs
    .filter((job) => job.kind === 'aggregate')
    .map((job) => aggregateSpec(job, evaluation, specified, context, constituentSteps.get(job.id) ?? []));
  // An aggregate's own derivation is realised by its own step only.
  const aggregated = new Set(aggregateSpecs.map((spec) => stepKey('build', spec.drvHash, null, 0)));
  const specs = [...specified.specs.filter((spec) => !aggregated.has(spec.key)), ...aggregateSpecs];
  await connection.transaction(async (tx) => {
    await lockGraphForPlanning(tx);
    if ((await getEvaluation(tx, evaluation.evaluationId)).cancelRequested) return;
    const steps = await planSteps(tx, planContextOf(evaluation), specs);
    await enterJobs(tx, jobs, evaluation.evaluationId, specified, steps);
    const ready = [...steps.values()].filter((step) => step.state === 'ready');
    await claimReadySteps(
      tx,
      ready.map((step) => step.pool),
    );
  });
}

export function planContextOf(evaluation: EvaluationRow): PlanContext {
  return {
    evaluationId: evaluation.evaluationId,
    jobsetId: evaluation.jobsetId,
    priority: evaluation.config.priority,
    fresh: evaluation.fresh,
    failureCacheSeconds: evaluation.config.failureCacheSeconds,
  };
}

function factsOf(jobs: readonly UnplannedJob[], { config }: EvaluationRow): Map<string, JobFacts> {
  return new Map(
    jobs.map((job) => [
      job.drvHash,
      {
        variant: config.variants.find((variant) => variant.name === job.variant),
        timeoutSeconds: job.timeoutSeconds,
        silentTimeoutSeconds: job.silentTimeoutSeconds,
      },
    ]),
  );
}

function aggregateSpec(
  job: UnplannedJob,
  { evaluationId }: EvaluationRow,
  { specs }: SpecifiedSteps,
  context: SpecContext,
  inputStepIds: readonly number[],
): StepSpec {
  const own = specs.find((spec) => spec.drvHash === job.drvHash);
  return {
    kind: 'build',
    drvHash: job.drvHash,
    architecture: null,
    height: 0,
    pool: `build.${job.system}.std`,
    limits: limitsOf(undefined, context.config),
    inputKeys: [],
    ...own,
    key: stepKey('build', job.drvHash, null, evaluationId),
    scope: evaluationId,
    inputStepIds,
  };
}

async function enterJobs(
  tx: Database,
  jobs: readonly UnplannedJob[],
  evaluationId: number,
  { keysOf, gpuPlans }: SpecifiedSteps,
  steps: ReadonlyMap<string, PlannedStep>,
): Promise<void> {
  const planned = jobs.map((job): PlannedJob => {
    const keys =
      job.kind === 'aggregate'
        ? [stepKey('build', job.drvHash, null, evaluationId)]
        : (keysOf.get(job.drvHash) ?? []);
    return {
      jobId: job.id,
      stepIds: keys.map((key) => steps.get(key)?.id).filter((id) => id !== undefined),
      notScheduled: [...(gpuPlans.get(job.drvHash)?.notScheduled ?? [])],
    };
  });
  await markJobsPlanned(tx, planned);
  await refreshJobsOfSteps(
    tx,
    planned.flatMap((job) => [...job.stepIds]),
  );
}
