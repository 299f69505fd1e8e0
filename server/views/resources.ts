/** From rows to the API's resources. */

import type { Database } from '../../db/database.ts';
import type { VerdictView } from '../../db/views/run-document.ts';
import type { EvaluationView } from '../../db/views/evaluations.ts';
import { listStepViews, type StepView } from '../../db/views/steps.ts';
import type { Evaluation, EvaluationWithDiff, Step } from '../../domain/api/resources.ts';
import type { EvaluationSummary } from './summaries.ts';
import { describeWaits } from './waits.ts';

export function evaluationOf(view: EvaluationView, publicUrl: string): Evaluation {
  return {
    ...view,
    jobs: { ...view.jobs },
    steps: { ...view.steps },
    url: `${publicUrl}/evaluations/${view.id}`,
  };
}

export function withDiff({ view, diff }: EvaluationSummary, publicUrl: string): EvaluationWithDiff {
  return { ...evaluationOf(view, publicUrl), diff };
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

export async function stepsOf(db: Database, stepIds: readonly number[], publicUrl: string): Promise<Step[]> {
  const views = await listStepViews(db, stepIds);
  const waits = await describeWaits(db, stepIds);
  return views.map((view) => stepOf(view, waits.get(view.id) ?? null, publicUrl));
}

function stepOf(view: StepView, waits: string | null, publicUrl: string): Step {
  return {
    ...view,
    waits,
    attempts: view.attempts.map((attempt) => ({
      ...attempt,
      logUrl: `${publicUrl}/api/v1/attempts/${attempt.id}/log`,
      verdict: verdictSummary(attempt.verdict),
    })),
  };
}
