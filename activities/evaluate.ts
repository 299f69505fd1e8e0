/** Evaluation: what the evaluator finds is stored in the server batch by batch, with the derivations behind it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancellationDetails, Context } from '@temporalio/activity';
import type { Batch, EvaluationAssignment } from '../domain/api/evaluator.ts';
import type { JobsetVariant } from '../domain/ci/jobset-config.ts';
import { parseDerivationFile } from '../domain/nix/derivation.ts';
import { parseStorePath } from '../domain/nix/store-path.ts';
import type { EvaluationReport, EvaluatorActivities } from '../workflows/activity-types.ts';
import { createGitRepositories } from './adapters/git.ts';
import type { NixCli } from './adapters/nix-cli.ts';
import type { ServerClient } from './adapters/server-client.ts';
import type { StoreQueries } from './adapters/store-queries.ts';
import { createEvaluator, type EvaluatedItem, findNixEvalJobs } from './evaluator/index.ts';
import { sendClosure } from './send-outputs.ts';
import { type EvaluatedSource, findPlaces, findSource, resolveSource, type SourceDeps } from './sources.ts';

export interface EvaluateDeps {
  readonly nix: NixCli;
  readonly store: StoreQueries;
  /** Paths seen to be valid here: what was just instantiated need not be asked for. */
  readonly knownValid: Set<string>;
  readonly server: ServerClient;
  /** Checked out repositories. */
  readonly stateFolder: string;
  readonly system: string;
  readonly onWarning: (message: string) => void;
}

const BEAT_MS = 2_000;
/** Enough for one statement each, few enough that the first steps start while the rest is evaluated. */
const BATCH_ITEMS = 500;

export function createEvaluateActivities(deps: EvaluateDeps): EvaluatorActivities {
  const sources: SourceDeps = {
    git: createGitRepositories(join(deps.stateFolder, 'git'), deps.nix.environment),
    environment: deps.nix.environment,
  };
  return {
    resolveSource: ({ jobsetId }) =>
      beating(async (signal) => {
        const jobset = await deps.server.findJobset(jobsetId, signal);
        return resolveSource(sources, { ...jobset, lockedSource: null, revision: null });
      }),
    evaluate: ({ evaluationId }) =>
      beating(async (signal) => {
        const assignment = await deps.server.findEvaluation(evaluationId, signal);
        return evaluateAssigned(deps, sources, evaluationId, assignment, signal);
      }),
  };
}

async function beating<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  context.heartbeat();
  const beat = setInterval(() => context.heartbeat(), BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    // Stopped with its worker: any evaluator begins anew. What is stored stays.
    if (context.cancellationSignal.aborted && cancellationDetails()?.cancelRequested !== true)
      throw new Error('the evaluator stops', { cause: error });
    throw error;
  } finally {
    clearInterval(beat);
  }
}

async function evaluateAssigned(
  deps: EvaluateDeps,
  sources: SourceDeps,
  evaluationId: number,
  assignment: EvaluationAssignment,
  signal: AbortSignal,
): Promise<EvaluationReport> {
  const store = createBatchStore(deps, evaluationId, signal);
  const report = (complete: boolean, message: string | null): EvaluationReport => ({
    complete,
    message,
    ...store.counts,
  });
  if (assignment.cancelled) return report(false, 'cancelled');
  let source: EvaluatedSource;
  try {
    source = await findSource(sources, assignment);
  } catch (error) {
    signal.throwIfAborted();
    return report(false, error instanceof Error ? error.message : String(error));
  }
  const { revision, lockedSource, dirty } = source;
  await store.send({ jobs: [], errors: [], derivations: [], source: { revision, lockedSource, dirty } });
  for (const [system, variant] of combinations(assignment, deps.system)) {
    const end = await evaluateOne(deps, sources, { assignment, source, system, variant, store, signal });
    if (end !== null) return report(false, end);
  }
  return report(true, null);
}

interface One {
  readonly assignment: EvaluationAssignment;
  readonly source: EvaluatedSource;
  readonly system: string;
  readonly variant: JobsetVariant | null;
  readonly store: BatchStore;
  readonly signal: AbortSignal;
}

/** Evaluates for one system and variant. `null`: to the end; else why not. */
async function evaluateOne(deps: EvaluateDeps, sources: SourceDeps, one: One): Promise<string | null> {
  const { config } = one.assignment;
  const { limits } = config;
  const { environment } = deps.nix;
  const nixEvalJobs = await findNixEvalJobs(environment);
  const evaluator = createEvaluator({
    environment,
    nixEvalJobs: nixEvalJobs?.path,
    onWarning: deps.onWarning,
  });
  try {
    const places = await findPlaces(sources, one.source.root, config, one.system, one.variant);
    const { complete, message } = await evaluator.evaluate(
      {
        root: one.source.root,
        ...places,
        recurse: config.recurse,
        system: one.system,
        variant:
          one.variant === null ? null : { ...one.variant, cudaCapabilities: one.variant.cudaCapabilities },
        workers: limits.evaluationWorkers,
        memoryMiB: limits.evaluationMemoryMiB,
        seconds: limits.evaluationSeconds,
        maxAttributes: limits.attributes,
        allowImportFromDerivation: config.allowImportFromDerivation,
      },
      (items) => one.store.add(items, one.variant?.name ?? null, one.system),
      one.signal,
    );
    await one.store.flush();
    return complete ? null : (message ?? 'the evaluation ended early');
  } catch (error) {
    one.signal.throwIfAborted();
    await one.store.flush();
    return error instanceof Error ? error.message : String(error);
  }
}

/** Every system with every variant; without variants each system once. */
function combinations({ config }: EvaluationAssignment, current: string): [string, JobsetVariant | null][] {
  const systems = [...new Set(config.systems.map((system) => (system === 'current' ? current : system)))];
  const variants: (JobsetVariant | null)[] = config.variants.length === 0 ? [null] : config.variants;
  return systems.flatMap((system) =>
    variants.map((variant): [string, JobsetVariant | null] => [system, variant]),
  );
}

interface BatchStore {
  readonly counts: { jobs: number; errors: number };
  add(items: readonly EvaluatedItem[], variant: string | null, system: string): Promise<void>;
  flush(): Promise<void>;
  send(batch: Batch): Promise<void>;
}

function createBatchStore(deps: EvaluateDeps, evaluationId: number, signal: AbortSignal): BatchStore {
  const counts = { jobs: 0, errors: 0 };
  const seen = new Set<string>();
  const sentSources = new Set<string>();
  let jobs: Batch['jobs'] = [];
  let errors: Batch['errors'] = [];

  const store: BatchStore = {
    counts,
    add: async (items, variant, system) => {
      for (const item of items) {
        const attrPath = item.attrPath.length === 0 ? ['default'] : [...item.attrPath];
        if (item.kind === 'job') {
          const { drvPath, nixName, meta, constituents } = item;
          const base = { attrPath, system: item.system, variant, nixName, drvPath, meta };
          jobs.push(constituents === undefined ? base : { ...base, constituents: [...constituents] });
        } else
          errors.push({
            attrPath,
            system,
            variant,
            kind: item.refused ? 'refused' : 'error',
            message: item.message.slice(0, 65_536),
          });
      }
      if (jobs.length + errors.length >= BATCH_ITEMS) await store.flush();
    },
    flush: async () => {
      if (jobs.length + errors.length === 0) return;
      const batch = { jobs, errors };
      jobs = [];
      errors = [];
      const derivations = await readNewDerivations(
        deps,
        batch.jobs.map((job) => job.drvPath),
        seen,
        signal,
      );
      const newSources = [...new Set(derivations.flatMap((one) => one.sources))].filter(
        (path) => !sentSources.has(path),
      );
      // Sources first: a step may start as soon as its derivation is stored.
      if (newSources.length > 0)
        await sendClosure(
          { ...deps, knownToServer: sentSources },
          null,
          await deps.store.closureInfo(newSources),
          signal,
        );
      for (const path of newSources) sentSources.add(path);
      await store.send({ ...batch, derivations: derivations.map(({ path, text }) => ({ path, text })) });
      counts.jobs += batch.jobs.length;
      counts.errors += batch.errors.length;
    },
    send: (batch) => deps.server.storeBatch(evaluationId, batch, signal),
  };
  return store;
}

interface DerivationFile {
  readonly path: string;
  readonly text: string;
  readonly sources: readonly string[];
}

/** Derivations behind `drvPaths` that the server does not know, level by level: below a known one all is known. */
async function readNewDerivations(
  { server, knownValid }: EvaluateDeps,
  drvPaths: readonly string[],
  seen: Set<string>,
  signal: AbortSignal,
): Promise<DerivationFile[]> {
  const found: DerivationFile[] = [];
  let level = [...new Set(drvPaths)].filter((path) => !seen.has(path));
  while (level.length > 0) {
    for (const path of level) {
      seen.add(path);
      knownValid.add(path);
    }
    const unknown = await server.listUnknownDerivations(level, signal);
    const next = new Set<string>();
    for (const path of unknown) {
      const bytes = await readFile(path);
      const derivation = parseDerivationFile(parseStorePath(path), bytes);
      found.push({ path, text: bytes.toString('utf8'), sources: derivation.inputSources });
      for (const input of derivation.inputDerivations.keys()) if (!seen.has(input)) next.add(input);
    }
    level = [...next];
  }
  return found;
}
