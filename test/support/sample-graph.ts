/** A graph worth looking at: evaluations with failures, leaks, GPU checks and hostile names, made by the real database functions. */

import { sql } from 'drizzle-orm';
import { finishPlanning } from '../../activities/plan.ts';
import { startAttempt, recordLogBytes } from '../../db/attempts.ts';
import { recordBuilder, recordBuilderLeft, setBuilderWanted } from '../../db/builders.ts';
import { cancelEvaluation } from '../../db/cancel.ts';
import type { Connection } from '../../db/database.ts';
import { insertDerivations } from '../../db/derivations.ts';
import {
  enterState,
  finishEvaluation,
  markEvaluating,
  type NewEvaluationError,
  openEvaluation,
  recordEvaluationErrors,
} from '../../db/evaluations.ts';
import { recordFinding } from '../../db/findings.ts';
import { insertJobs } from '../../db/jobs.ts';
import { saveJobset } from '../../db/jobsets.ts';
import { drainAroundUnserved } from '../../db/not-run.ts';
import type { EvaluationKey } from '../../db/outbox.ts';
import { recordStepEnding } from '../../db/step-endings.ts';
import { insertStorePaths } from '../../db/store-paths.ts';
import { type JobsetConfig, parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import type { LogStore } from '../../server/logs.ts';
import { BUILDERS, gpuOf } from './sample/builders.ts';
import { ERRORS } from './sample/errors.ts';
import { goodLog } from './sample/logs.ts';
import {
  cudaPackages,
  derivationOf,
  hashFor,
  jobsOf,
  outputPaths,
  type SampleEnd,
  type SamplePackage,
  trunkPackages,
} from './sample/packages.ts';
import { VERDICTS } from './sample/verdicts.ts';

export interface SampleGraph {
  /** Finished; compared with `before`. */
  readonly main: number;
  readonly before: number;
  /** Still builds; nothing to compare with. */
  readonly open: number;
  readonly cancelled: number;
  /** Did not evaluate at all. */
  readonly broken: number;
}

interface Context {
  readonly connection: Connection;
  readonly logs: LogStore;
}

/** Fills a fresh database. */
export async function createSampleGraph(connection: Connection, logs: LogStore): Promise<SampleGraph> {
  const context = { connection, logs };
  for (const builder of BUILDERS) await connection.transaction((tx) => recordBuilder(tx, builder));
  await setBuilderWanted(
    connection.db,
    'hopper',
    'drained',
    'Xid 79 twice today: waits for a new riser card',
  );
  await recordBuilderLeft(connection.db, 'grace', 'incarnation-grace');
  const cuda = parseJobsetConfig(CUDA_CONFIG);
  const before = await evaluate(context, cuda, cudaPackages(1), [], 7_200);
  await finish(context, before, cudaPackages(1), 7_200);
  const main = await evaluate(context, cuda, cudaPackages(2), ERRORS, 1_800);
  await finish(context, main, cudaPackages(2), 1_800);
  await recordLeaks(context, main);
  const trunk = parseJobsetConfig(TRUNK_CONFIG);
  const cancelled = await evaluate(context, trunk, trunkPackages(), [], 4_000);
  await connection.transaction((tx) => cancelEvaluation(tx, cancelled, 'superseded by evaluation 2'));
  await stopSteps(context, cancelled);
  await finishEvaluation(connection.db, cancelled.evaluationId, 'superseded', 'superseded by evaluation 2');
  const open = await evaluate(context, trunk, trunkPackages(), [], 400);
  await runSteps(context, open, trunkPackages(), 400);
  const broken = await breakEvaluation(context);
  return {
    main: main.evaluationId,
    before: before.evaluationId,
    open: open.evaluationId,
    cancelled: cancelled.evaluationId,
    broken,
  };
}

const CUDA_CONFIG = {
  name: 'cuda',
  project: 'demo',
  description: 'A miniature CUDA package set <and> what goes wrong',
  source: { file: 'default.nix' },
  variants: [
    { name: 'default', cudaCapabilities: ['7.5', '8.9', '9.0'] },
    { name: 'sm_89', cudaCapabilities: ['8.9'], cudaForwardCompat: false },
    { name: 'cuda12', cudaCapabilities: ['6.1', '8.9'] },
    { name: 'sm_61', cudaCapabilities: ['6.1'], cudaForwardCompat: false },
  ],
  notRunAfterSeconds: 0,
};
const TRUNK_CONFIG = {
  name: 'cuda-trunk',
  project: 'nixpkgs',
  source: { flake: 'github:NixOS/nixpkgs/master' },
};

/** Opens an evaluation, stores what it evaluates to, and plans it. `age`: seconds since it was asked for. */
async function evaluate(
  { connection }: Context,
  config: JobsetConfig,
  packages: readonly SamplePackage[],
  errors: readonly NewEvaluationError[],
  age: number,
): Promise<EvaluationKey> {
  const key = await connection.transaction(async (tx) => {
    const jobsetId = await saveJobset(tx, config, null);
    return openEvaluation(tx, {
      jobsetId,
      config,
      baseFolder: null,
      fresh: true,
      revision: hashFor(`revision/${age}`).replaceAll(/[g-z]/g, '4').padEnd(40, '0'),
      lockedSource: null,
      dirty: age === 1_800,
    });
  });
  await markEvaluating(connection.db, key.evaluationId);
  await connection.transaction(async (tx) => {
    await insertDerivations(
      tx,
      packages.map((made) => derivationOf(made, packages)),
    );
    await insertStorePaths(tx, packages.filter((made) => made.cached).flatMap(storePathsOf));
    await insertJobs(tx, key.evaluationId, jobsOf(packages));
    await recordEvaluationErrors(tx, key.evaluationId, errors);
  });
  const upstreams = { urls: [], ask: () => Promise.resolve(new Map<string, string | null>()) };
  await finishPlanning({ connection, upstreams, defaultSystem: 'x86_64-linux' }, key.evaluationId);
  await connection.db.execute(sql`
    update evaluations set created_at = now() - make_interval(secs => ${age}), started_at = now() - make_interval(secs => ${age - 2}),
      evaluated_at = now() - make_interval(secs => ${age - 21}) where id = ${key.evaluationId}`);
  return key;
}

function storePathsOf(made: SamplePackage) {
  return outputPaths(made).map(({ path, pathHash }) => ({
    pathHash,
    path,
    narHash: `sha256:${hashFor(path)}`,
    narSize: 12_345_678,
    url: `nar/${hashFor(path)}.nar.zst`,
    compression: 'zstd',
    fileHash: `sha256:${hashFor(path)}`,
    fileSize: 2_345_678,
    deriver: null,
    ca: null,
    references: [],
    signatures: [],
  }));
}

async function finish(
  context: Context,
  key: EvaluationKey,
  packages: readonly SamplePackage[],
  age: number,
): Promise<void> {
  const { connection } = context;
  await runSteps(context, key, packages, age);
  await connection.transaction((tx) => drainAroundUnserved(tx, key));
  await enterState(connection.db, key.evaluationId, 'classifying');
  await finishEvaluation(connection.db, key.evaluationId, 'finished', null);
  await connection.db.execute(sql`
    update evaluations set drained_at = now() - make_interval(secs => ${age - 640}), finished_at = now() - make_interval(secs => ${age - 642})
    where id = ${key.evaluationId}`);
}

interface Dispatched extends Record<string, unknown> {
  readonly id: number;
  readonly drvHash: string;
  readonly architecture: string | null;
  readonly generation: number;
}

/** Lets builders take what is ready until only what goes on running is left. */
async function runSteps(
  context: Context,
  key: EvaluationKey,
  packages: readonly SamplePackage[],
  age: number,
): Promise<void> {
  const byHash = new Map(packages.map((made) => [derivationOf(made, packages).drvHash, made]));
  let clock = age - 30;
  for (;;) {
    const steps = await listDispatched(context.connection, key);
    if (steps.length === 0) return;
    for (const step of steps) {
      const made = byHash.get(step.drvHash);
      if (made === undefined) throw new Error(`nobody knows how ${step.drvHash} ends`);
      const end = made.ends[step.architecture ?? ''];
      await runStep(context, step, made, end, clock);
      clock -= 3;
    }
  }
}

/** What a cancellation asked to stop has stopped. */
async function stopSteps({ connection }: Context, key: EvaluationKey): Promise<void> {
  for (const { id, generation } of await listDispatched(connection, key))
    await connection.transaction((tx) =>
      recordStepEnding(tx, {
        stepId: id,
        generation,
        attempt: 1,
        report: { kind: 'ended', outcome: 'cancelled', builder: 'atlas' },
      }),
    );
}

function listDispatched({ db }: Connection, { evaluationId }: EvaluationKey) {
  return db.execute<Dispatched>(sql`
    select s.id, s.drv_hash as "drvHash", s.architecture, s.generation from steps s join wanted w on w.step_id = s.id
    where w.evaluation_id = ${evaluationId} and s.state = 'dispatched' order by s.id`);
}

async function runStep(
  context: Context,
  step: Dispatched,
  made: SamplePackage,
  end: SampleEnd | undefined,
  clock: number,
): Promise<void> {
  const { connection, logs } = context;
  const builder = end?.builder ?? (step.architecture === null ? 'atlas' : 'ada');
  const start = {
    stepId: step.id,
    generation: step.generation,
    unit: 'unit',
    gpu: gpuOf(builder, step.architecture),
  };
  if (end?.lostOn !== undefined)
    await connection.transaction((tx) =>
      startAttempt(tx, { ...start, number: 1, builder: end.lostOn ?? '', gpu: null }),
    );
  const number = end?.lostOn === undefined ? 1 : 2;
  const assignment = await connection.transaction((tx) => startAttempt(tx, { ...start, number, builder }));
  if (assignment === undefined) throw new Error(`step ${step.id} is wanted no more`);
  const { attemptId } = assignment;
  const text = Buffer.from(end?.log ?? goodLog(made.name));
  await logs.append(attemptId, 0, text);
  if (end !== undefined) await logs.close(attemptId);
  await recordLogBytes(connection.db, attemptId, text.length, end !== undefined);
  if (end !== undefined) await endStep(context, step, attemptId, number, builder, end);
  await connection.db.execute(sql`
    update attempts set started_at = now() - make_interval(secs => ${clock}),
      ended_at = case when ended_at is not null then now() - make_interval(secs => ${clock - (end?.seconds ?? 0)}) end
    where step_id = ${step.id}`);
}

async function endStep(
  { connection }: Context,
  step: Dispatched,
  attemptId: number,
  attempt: number,
  builder: string,
  end: SampleEnd,
): Promise<void> {
  const { verdict } = end;
  if (verdict !== undefined)
    await recordFinding(connection.db, {
      evaluationId: null,
      jobId: null,
      stepId: step.id,
      attemptId,
      verdict,
    });
  await connection.transaction((tx) =>
    recordStepEnding(tx, {
      stepId: step.id,
      generation: step.generation,
      attempt,
      report: {
        kind: 'ended',
        outcome: end.outcome,
        builder,
        ...(end.message === undefined ? {} : { message: end.message }),
      },
    }),
  );
}

async function recordLeaks({ connection: { db } }: Context, { evaluationId }: EvaluationKey): Promise<void> {
  const jobs = await db.execute<{ id: number }>(sql`
    select id from jobs where evaluation_id = ${evaluationId} and name like 'faults.%leakedToolkit'`);
  for (const { id } of jobs)
    await recordFinding(db, {
      evaluationId,
      jobId: id,
      stepId: null,
      attemptId: null,
      verdict: VERDICTS.leak,
    });
}

async function breakEvaluation({ connection }: Context): Promise<number> {
  const config = parseJobsetConfig({ ...TRUNK_CONFIG, name: 'broken' });
  return connection.transaction(async (tx) => {
    const jobsetId = await saveJobset(tx, config, null);
    const opened = {
      jobsetId,
      config,
      baseFolder: null,
      fresh: false,
      revision: null,
      lockedSource: null,
      dirty: false,
    };
    const { evaluationId } = await openEvaluation(tx, opened);
    await markEvaluating(tx, evaluationId);
    const message = 'error: infinite recursion encountered\n\n       at /nix/store/source/default.nix:3:5';
    await recordEvaluationErrors(tx, evaluationId, [
      { name: '', system: null, variant: null, kind: 'fatal', message },
    ]);
    await finishEvaluation(
      tx,
      evaluationId,
      'failed',
      'the evaluator ended with 1: infinite recursion encountered',
    );
    return evaluationId;
  });
}
