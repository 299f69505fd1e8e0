/** From rows to the API's resources. */

import type { Database } from '../../db/database.ts';
import type { VerdictView } from '../../db/views/run-document.ts';
import {
  compareEvaluations,
  type EvaluationView,
  findPreviousEvaluation,
} from '../../db/views/evaluations.ts';
import { listStepViews, type StepView } from '../../db/views/steps.ts';
import { findWaits } from '../../db/views/waits.ts';
import type { Evaluation, Step } from '../../domain/api/resources.ts';
import { sentenceOf } from './waits.ts';

export function evaluationOf(view: EvaluationView, publicUrl: string): Evaluation {
  return {
    ...view,
    jobs: { ...view.jobs },
    steps: { ...view.steps },
    url: `${publicUrl}/evaluations/${view.id}`,
  };
}

export function verdictSummary(verdict: VerdictView | null) {
  if (verdict === null) return null;
  const { class: failureClass, subclass, confidence, rule, retry, explanation, evidence } = verdict;
  return {
    class: failureClass,
    subclass,
    confidence,
    rule,
    retry,
    explanation,
    evidence: evidence?.text ?? null,
  };
}

/** Counts of jobs by what changed against the previous finished evaluation of the jobset. */
export async function diffOf(db: Database, evaluationId: number) {
  const counts = {
    newlyFailing: 0,
    stillFailing: 0,
    fixed: 0,
    new: 0,
    vanished: 0,
    unfinished: 0,
    stillSucceeding: 0,
  };
  const against = await findPreviousEvaluation(db, evaluationId);
  if (against === undefined) return { against: null, ...counts };
  for (const { bucket } of await compareEvaluations(db, evaluationId, against)) counts[bucket]++;
  return { against, ...counts };
}

export async function stepsOf(db: Database, stepIds: readonly number[], publicUrl: string): Promise<Step[]> {
  const views = await listStepViews(db, stepIds);
  return Promise.all(views.map((view) => stepOf(db, view, publicUrl)));
}

async function stepOf(db: Database, view: StepView, publicUrl: string): Promise<Step> {
  const [wait] = await findWaits(db, [view.id]);
  return {
    ...view,
    waits: wait === undefined ? null : (sentenceOf(wait) ?? null),
    attempts: view.attempts.map((attempt) => ({
      ...attempt,
      logUrl: `${publicUrl}/api/v1/attempts/${attempt.id}/log`,
      verdict: verdictSummary(attempt.verdict),
    })),
  };
}
