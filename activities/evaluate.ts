/** Evaluation: what the evaluator finds is stored in the server batch by batch, with the derivations behind it. */

import { join } from 'node:path';
import { cancellationDetails, Context } from '@temporalio/activity';
import type { EvaluationAssignment } from '../domain/api/evaluator.ts';
import type { JobsetVariant } from '../domain/ci/jobset-config.ts';
import type { EvaluationReport, EvaluatorActivities } from '../workflows/activity-types.ts';
import { createGitRepositories } from './adapters/git.ts';
import type { NixCli } from './adapters/nix-cli.ts';
import { type BatchDeps, type BatchStore, createBatchStore } from './evaluation-batches.ts';
import { createEvaluator, findNixEvalJobs } from './evaluator/index.ts';
import { type EvaluatedSource, findPlaces, findSource, resolveSource, type SourceDeps } from './sources.ts';

export interface EvaluateDeps extends BatchDeps {
  readonly nix: NixCli;
  /** Checked out repositories. */
  readonly stateFolder: string;
  readonly system: string;
  readonly onWarning: (message: string) => void;
}

const BEAT_MS = 2_000;

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
  await store.tellSource({ revision, lockedSource, dirty });
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
