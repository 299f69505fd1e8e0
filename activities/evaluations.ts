/** What the coordinator does for an evaluation: plan, classify, publish, finish. */

import picomatch from 'picomatch';
import { findAttempt } from '../db/attempts.ts';
import { cancelEvaluation } from '../db/cancel.ts';
import {
  enterState,
  finishEvaluation,
  getEvaluation,
  isDrained,
  markEvaluating,
  recordEvaluationErrors,
} from '../db/evaluations.ts';
import { listRuntimeClosures, listUnclassifiedAttempts, recordFinding } from '../db/findings.ts';
import { listOlderOpenEvaluations } from '../db/jobsets.ts';
import { pinEvaluation } from '../db/store-paths.ts';
import { classify } from '../domain/ci/classification/classify.ts';
import { findToolchains } from '../domain/ci/leaked-toolchain.ts';
import { isOutcome } from '../domain/ci/outcome.ts';
import type { EvaluationActivities, EvaluationReport } from '../workflows/activity-types.ts';
import { classifyOneAttempt } from './classify.ts';
import { finishPlanning, planStoredJobs } from './plan.ts';
import type { StepDeps } from './steps.ts';

export function createEvaluationActivities(deps: StepDeps): EvaluationActivities {
  const { connection } = deps;
  return {
    beginEvaluation: async ({ evaluationId }) => {
      await markEvaluating(connection.db, evaluationId);
      const { evaluated, cancelRequested } = await getEvaluation(connection.db, evaluationId);
      return { alreadyEvaluated: evaluated, cancelled: cancelRequested };
    },
    planBatch: async ({ evaluationId }) => ({ planned: await planStoredJobs(deps, evaluationId) }),
    finishPlanning: async ({ evaluationId, report }) => {
      await recordIncomplete(deps, evaluationId, report);
      const drained = await finishPlanning(deps, evaluationId);
      await supersedeOlder(deps, evaluationId);
      return { drained };
    },
    isDrained: ({ evaluationId }) => isDrained(connection.db, evaluationId),
    classifyEvaluation: async ({ evaluationId }) => {
      await enterState(connection.db, evaluationId, 'classifying');
      return {
        findings: (await classifyLeftOver(deps, evaluationId)) + (await findLeaks(deps, evaluationId)),
      };
    },
    publishEvaluation: async ({ evaluationId, complete }) => {
      await enterState(connection.db, evaluationId, 'publishing');
      // What was not evaluated to the end may lack jobs: it is shown, and never published from.
      if (!complete) return { pinned: 0 };
      return { pinned: await connection.transaction((tx) => pinEvaluation(tx, evaluationId)) };
    },
    finishEvaluation: async ({ evaluationId, failure }) => {
      const { cancelRequested, cancelReason } = await getEvaluation(connection.db, evaluationId);
      if (cancelRequested) {
        const outcome = cancelReason?.startsWith('superseded') === true ? 'superseded' : 'cancelled';
        await finishEvaluation(connection.db, evaluationId, outcome, cancelReason);
      } else
        await finishEvaluation(
          connection.db,
          evaluationId,
          failure === null ? 'finished' : 'failed',
          failure,
        );
    },
  };
}

async function recordIncomplete(
  { connection }: StepDeps,
  evaluationId: number,
  report: EvaluationReport,
): Promise<void> {
  if (report.complete) return;
  const message = report.message ?? 'the evaluation ended early';
  await connection.transaction((tx) =>
    recordEvaluationErrors(tx, evaluationId, [
      { name: '', system: null, variant: null, kind: 'fatal', message },
    ]),
  );
}

/** The new evaluation is planned, so what it shares with older ones is wanted twice: only the rest of those stops. */
async function supersedeOlder({ connection }: StepDeps, evaluationId: number): Promise<void> {
  const { jobsetId, number, config, cancelRequested } = await getEvaluation(connection.db, evaluationId);
  if (config.supersede !== 'cancel' || cancelRequested) return;
  for (const older of await listOlderOpenEvaluations(connection.db, jobsetId, number))
    await connection.transaction((tx) => cancelEvaluation(tx, older, `superseded by evaluation ${number}`));
}

/** Attempts whose classification failed when they ended; usually none. */
async function classifyLeftOver(deps: StepDeps, evaluationId: number): Promise<number> {
  const owed = await listUnclassifiedAttempts(deps.connection.db, evaluationId);
  for (const { attemptId } of owed) {
    const attempt = await findAttempt(deps.connection.db, attemptId);
    if (attempt?.outcome == null || !isOutcome(attempt.outcome)) continue;
    await classifyOneAttempt(deps, attempt, {
      kind: 'ended',
      outcome: attempt.outcome,
      builder: attempt.builder,
    });
  }
  return owed.length;
}

/** Jobs that were built but drag a toolchain along. */
async function findLeaks({ connection: { db } }: StepDeps, evaluationId: number): Promise<number> {
  const { toolchains } = (await getEvaluation(db, evaluationId)).config;
  if (toolchains.length === 0) return 0;
  let found = 0;
  for (const { jobId, closure } of await listRuntimeClosures(db, evaluationId)) {
    const closureToolchains = findToolchains(closure, toolchains, (name, glob) =>
      picomatch.isMatch(name, glob, { dot: true }),
    );
    if (closureToolchains.length === 0) continue;
    const verdict = classify({ outcome: 'built', stage: 'measure', closureToolchains }, '');
    await recordFinding(db, {
      evaluationId,
      jobId,
      stepId: null,
      attemptId: null,
      verdict,
    });
    found++;
  }
  return found;
}
