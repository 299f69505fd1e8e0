/** Small graphs for tests of planning and endings: derivations by name, without Nix. */

import { sql } from 'drizzle-orm';
import { planStoredJobs, type PlanDeps } from '../../activities/plan.ts';
import type { Connection } from '../../db/database.ts';
import { insertDerivations } from '../../db/derivations.ts';
import { findEvaluation, openEvaluation } from '../../db/evaluations.ts';
import { insertJobs } from '../../db/jobs.ts';
import { saveJobset } from '../../db/jobsets.ts';
import { recordBuilder } from '../../db/builders.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import type { AttemptReport } from '../../domain/ci/workflow-messages.ts';
import type { Outcome } from '../../domain/ci/outcome.ts';
import { recordStepEnding } from '../../db/step-endings.ts';

/** A store hash that says its name: letters outside Nix's alphabet are replaced. */
export function hashFor(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^0-9a-df-np-sv-z]/g, 'x')
    .padEnd(32, 'z')
    .slice(0, 32);
}

export interface GraphNode {
  readonly inputs?: readonly string[];
  readonly system?: string;
  readonly features?: readonly string[];
  readonly outputs?: readonly string[];
}

/** Stores derivations; `nodes` come in any order. */
export async function storeGraph(
  connection: Connection,
  nodes: Readonly<Record<string, GraphNode>>,
): Promise<void> {
  await connection.transaction((tx) =>
    insertDerivations(
      tx,
      Object.entries(nodes).map(([name, node]) => ({
        drvHash: hashFor(name),
        drvPath: `/nix/store/${hashFor(name)}-${name}.drv`,
        name,
        system: node.system ?? 'x86_64-linux',
        fixedOutput: false,
        features: node.features ?? [],
        inputs: (node.inputs ?? []).map((input) => ({ drvHash: hashFor(input), outputNames: ['out'] })),
        outputs: (node.outputs ?? ['out']).map((output) => ({
          name: output,
          path: `/nix/store/${hashFor(`${output}-${name}`)}-${name}`,
          pathHash: hashFor(`${output}-${name}`),
        })),
      })),
    ),
  );
}

export interface EvaluationOptions {
  readonly jobset?: string;
  readonly fresh?: boolean;
  readonly config?: object;
  readonly jobs: readonly {
    readonly name: string;
    readonly drv?: string;
    readonly kind?: 'build' | 'gpu-check' | 'aggregate';
    readonly constituents?: readonly string[];
    readonly variant?: string;
  }[];
}

/** Opens an evaluation with these jobs; nothing is planned yet. */
export async function openWith(connection: Connection, options: EvaluationOptions): Promise<number> {
  const config = parseJobsetConfig({
    name: options.jobset ?? 'test',
    source: { file: '/test.nix' },
    notRunAfterSeconds: 0,
    ...options.config,
  });
  return connection.transaction(async (tx) => {
    const jobsetId = await saveJobset(tx, config, null);
    const { evaluationId } = await openEvaluation(tx, {
      jobsetId,
      config,
      baseFolder: null,
      fresh: options.fresh ?? false,
      revision: null,
      lockedSource: null,
      dirty: false,
    });
    await insertJobs(
      tx,
      evaluationId,
      options.jobs.map((job) => ({
        name: job.name,
        attrPath: [job.name],
        system: 'x86_64-linux',
        variant: job.variant ?? null,
        drvHash: hashFor(job.drv ?? job.name),
        nixName: job.name,
        kind: job.kind ?? 'build',
        meta: {},
        timeoutSeconds: null,
        silentTimeoutSeconds: null,
        constituents: job.constituents ?? [],
      })),
    );
    return evaluationId;
  });
}

export function planDeps(connection: Connection): PlanDeps {
  return {
    connection,
    upstreams: { urls: [], ask: () => Promise.resolve(new Map()) },
    defaultSystem: 'x86_64-linux',
  };
}

/** Opens an evaluation and plans it to the end. */
export async function planned(connection: Connection, options: EvaluationOptions): Promise<number> {
  const evaluationId = await openWith(connection, options);
  await planStoredJobs(planDeps(connection), evaluationId);
  return evaluationId;
}

/** A builder that takes what is ready. */
export async function addBuilder(
  connection: Connection,
  name: string,
  options: { slots?: number; gpus?: readonly string[] } = {},
): Promise<void> {
  await connection.transaction((tx) =>
    recordBuilder(tx, {
      name,
      incarnation: 'one',
      state: 'active',
      reason: null,
      systems: ['x86_64-linux'],
      features: [],
      pools: ['build.x86_64-linux.std'],
      slots: options.slots ?? 100,
      nixVersion: '2.8.0',
      workerVersion: '0',
      storeDir: '/nix/store',
      freeBytes: null,
      gpus: (options.gpus ?? []).map((architecture, position) => ({
        uuid: `${name}-${position}`,
        position,
        model: 'test GPU',
        computeCapability: `${architecture.slice(3, -1)}.${architecture.slice(-1)}`,
        architecture,
        driver: '550.54',
        memoryBytes: 1,
        standIn: false,
      })),
    }),
  );
}

export interface StepRow extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly architecture: string | null;
  readonly state: string;
  readonly outcome: Outcome | null;
  readonly generation: number;
  readonly unmet: number;
  readonly root: string | null;
}

/** Current steps by the name of their derivation (`name@sm_89` for checks). */
export async function stepsByName(connection: Connection): Promise<Map<string, StepRow>> {
  const rows = await connection.db.execute<StepRow>(sql`
    select s.id, d.name, s.architecture, s.state, s.outcome, s.generation, s.unmet, rd.name as root
    from steps s join derivations d on d.drv_hash = s.drv_hash
    left join steps r on r.id = s.root_step_id left join derivations rd on rd.drv_hash = r.drv_hash
    where s.current order by s.id`);
  return new Map(
    rows.map((row) => [row.architecture === null ? row.name : `${row.name}@${row.architecture}`, row]),
  );
}

/** Ends the current step of that name, and makes its outputs available when it succeeded. */
export async function endStep(
  connection: Connection,
  name: string,
  outcome: Outcome,
  report: Partial<AttemptReport> = {},
): Promise<void> {
  const step = (await stepsByName(connection)).get(name);
  if (step === undefined) throw new Error(`there is no step ${name}`);
  if (outcome === 'built' || outcome === 'substituted')
    await connection.db.execute(sql`
      insert into store_paths (path_hash, path, nar_hash, nar_size, url, compression, file_hash, file_size)
      select o.path_hash, o.path, 'sha256:0', 1, 'nar/x', 'zstd', 'sha256:0', 1
      from outputs o join steps s on s.drv_hash = o.drv_hash where s.id = ${step.id} on conflict do nothing`);
  await connection.transaction((tx) =>
    recordStepEnding(tx, {
      stepId: step.id,
      generation: step.generation,
      attempt: 1,
      report: { kind: 'ended', outcome, builder: 'b', ...report } as AttemptReport,
    }),
  );
}

export async function jobOutcomes(
  connection: Connection,
  evaluationId: number,
): Promise<Record<string, string | null>> {
  const rows = await connection.db.execute<{ name: string; outcome: string | null }>(sql`
    select name, outcome from jobs where evaluation_id = ${evaluationId} order by id`);
  return Object.fromEntries(rows.map((row) => [row.name, row.outcome]));
}

export async function remaining(connection: Connection, evaluationId: number): Promise<number> {
  return (await findEvaluation(connection.db, evaluationId))?.remaining ?? -1;
}

/** Undelivered messages as `kind workflow-id signal`. */
export async function outboxLines(connection: Connection): Promise<string[]> {
  const rows = await connection.db.execute<{ line: string }>(sql`
    select concat_ws(' ', kind, workflow_id, payload ->> 'signal') as line from outbox where delivered_at is null order by id`);
  return rows.map((row) => row.line);
}
