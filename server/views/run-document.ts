/** The run document: an evaluation with its jobs, errors and verdicts, as `nixwarp run --json` prints it. */

import type { Database } from '../../db/database.ts';
import { getEvaluation } from '../../db/evaluations.ts';
import { type JobView, listErrorViews, listJobViews } from '../../db/views/run-document.ts';
import type { RunDocument, RunJob } from '../../domain/api/runs.ts';
import { hydraStatus } from '../../domain/ci/outcome.ts';
import { verdictSummary } from './resources.ts';
import { describeWait } from './waits.ts';

export interface DocumentContext {
  readonly db: Database;
  readonly publicUrl: string;
  readonly cacheFacts: { readonly url: string; readonly publicKey: string };
}

export async function runDocument(
  { db, publicUrl, cacheFacts }: DocumentContext,
  evaluationId: number,
): Promise<RunDocument> {
  const evaluation = await getEvaluation(db, evaluationId);
  const views = await listJobViews(db, evaluationId);
  const jobs = await Promise.all(views.map((view) => runJob(db, view)));
  return {
    version: 1,
    evaluation: {
      id: evaluationId,
      jobset: `${evaluation.project}/${evaluation.jobset}`,
      state: evaluation.state,
      outcome: evaluation.outcome,
      url: `${publicUrl}/evaluations/${evaluationId}`,
      revision: evaluation.revision,
      dirty: evaluation.dirty,
    },
    jobs,
    errors: [...(await listErrorViews(db, evaluationId))],
    summary: countBy(jobs.map((job) => job.outcome ?? 'unfinished')),
    cache: cacheFacts,
  };
}

/** A job as documents and lists show it. */
export async function runJob(db: Database, view: JobView): Promise<RunJob> {
  const { id, name, system, variant, drvPath, outputs, outcome, attempts, root } = view;
  const waits = outcome === null || outcome === 'not-run';
  return {
    id,
    name,
    system,
    variant,
    drvPath,
    outputs: { ...outputs },
    outcome,
    hydraStatus: outcome === null ? null : hydraStatus(outcome),
    attempts,
    verdict: verdictOf(view),
    constituents: view.constituents === null ? null : [...view.constituents],
    gpu: view.gpu.map(({ arch, driver, outcome: ended, standIn }) => ({
      arch,
      driver,
      outcome: ended,
      standIn,
    })),
    notScheduled: view.notScheduled.map(({ architecture, reason }) => ({ arch: architecture, reason })),
    reason: waits ? await describeWait(db, view.stepIds) : view.reason,
    root,
  };
}

/** A job that failed by a dependency shows whose failure it is, not a failure of its own. */
export function verdictOf(view: JobView): RunJob['verdict'] {
  if (view.outcome === 'dependency-failed')
    return {
      class: 'dependency-failed',
      subclass: 'dependency-failed',
      confidence: 1,
      rule: 'graph/dependency-failed',
      evidence: `depends on ${view.root ?? 'a derivation'}, which failed`,
      retry: 'no',
      explanation: `It was not tried: ${view.root ?? 'a dependency'} failed. Look there.`,
    };
  return verdictSummary(view.verdict);
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
