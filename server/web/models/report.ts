/** The report on a job or step: its verdict, whose failure it is, its attempts. */

import { Type, type Static } from 'typebox';
import type { Database } from '../../../db/database.ts';
import { listStepPlaces } from '../../../db/views/pages-steps.ts';
import { listStepViews, type StepView } from '../../../db/views/steps.ts';
import { nullable, StepSchema } from '../../../domain/api/resources.ts';
import { describeWaits } from '../../views/waits.ts';
import { Id, NullableText, VerdictDetailSchema } from './schemas.ts';

const AttemptSchema = Type.Object({
  ...StepSchema.properties.attempts.items.properties,
  verdict: nullable(VerdictDetailSchema),
});
export type ReportedAttempt = Static<typeof AttemptSchema>;

export const ReportedStepSchema = Type.Object({
  ...StepSchema.properties,
  attempts: Type.Array(AttemptSchema),
});
export type ReportedStep = Static<typeof ReportedStepSchema>;

/** A derivation whose failure something else inherited; with its job where it is one. */
export const RootSchema = Type.Object({
  stepId: Id,
  name: Type.String(),
  architecture: NullableText,
  jobId: nullable(Id),
  jobName: NullableText,
  attemptId: nullable(Id),
  verdict: nullable(VerdictDetailSchema),
});
export type ReportedRoot = Static<typeof RootSchema>;

export interface ReportContext {
  readonly db: Database;
  readonly publicUrl: string;
}

/** Steps with all attempts and what each was judged to be. */
export async function reportSteps(
  context: ReportContext,
  stepIds: readonly number[],
): Promise<ReportedStep[]> {
  const views = await listStepViews(context.db, stepIds);
  const waits = await describeWaits(context.db, stepIds);
  return views.map((view) => reportStep(context, view, waits.get(view.id) ?? null));
}

function reportStep({ publicUrl }: ReportContext, view: StepView, waits: string | null): ReportedStep {
  return {
    ...view,
    waits,
    attempts: view.attempts.map((attempt) => ({
      ...attempt,
      logUrl: `${publicUrl}/api/v1/attempts/${attempt.id}/log`,
    })),
  };
}

/** Where the failures that these steps inherited come from. */
export async function reportRoots(
  db: Database,
  evaluationId: number,
  steps: readonly ReportedStep[],
): Promise<ReportedRoot[]> {
  const rootIds = [...new Set(steps.flatMap(({ root }) => (root === null ? [] : [root.stepId])))];
  return [...(await listStepPlaces(db, evaluationId, rootIds))];
}
