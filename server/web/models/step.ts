/** The twin of a step's page: a derivation that others wait for or failed by, and that need not be a job itself. */

import { Type, type Static } from 'typebox';
import { findBlocked, findDerivationOfStep } from '../../../db/views/pages-jobs.ts';
import { findComparison } from '../../../db/views/pages-changes.ts';
import { findEvaluationOfStep, listStepPlaces } from '../../../db/views/pages-steps.ts';
import { nullable } from '../../../domain/api/resources.ts';
import { NotFoundError } from '../../errors.ts';
import { reproduceCommands } from './commands.ts';
import { getEvaluationRef, type ModelContext } from './context.ts';
import { ReportedStepSchema, reportRoots, reportSteps, RootSchema } from './report.ts';
import { CommandsSchema, EvaluationRefSchema, Id, JobRefSchema } from './schemas.ts';

const BLOCKED_SHOWN = 40;

export const StepPageSchema = Type.Object({
  /** The newest that wants it. */
  evaluation: nullable(EvaluationRefSchema),
  jobId: nullable(Id),
  step: ReportedStepSchema,
  roots: Type.Array(RootSchema),
  blocked: Type.Object({ jobs: Type.Array(JobRefSchema), total: Type.Integer(), drvHash: Type.String() }),
  commands: CommandsSchema,
});
export type StepPage = Static<typeof StepPageSchema>;

/** @throws NotFoundError */
export async function loadStepPage({ db, deps }: ModelContext, id: number): Promise<StepPage> {
  const context = { db, publicUrl: deps.publicUrl };
  const [step] = await reportSteps(context, [id]);
  const derivation = await findDerivationOfStep(db, id);
  if (step === undefined || derivation === undefined) throw new NotFoundError(`there is no step ${id}`);
  const evaluationId = await findEvaluationOfStep(db, id);
  const evaluation = evaluationId === undefined ? null : await getEvaluationRef(db, evaluationId);
  const place = evaluation === null ? undefined : (await listStepPlaces(db, evaluation.id, [id]))[0];
  const previousId = evaluation === null ? null : ((await findComparison(db, evaluation.id))?.id ?? null);
  const blocked =
    evaluation === null
      ? { jobs: [], total: 0 }
      : await findBlocked(db, evaluation.id, previousId, derivation.drvHash, BLOCKED_SHOWN);
  return {
    evaluation,
    jobId: place?.jobId ?? null,
    step,
    roots: evaluation === null ? [] : await reportRoots(db, evaluation.id, [step]),
    blocked: { jobs: [...blocked.jobs], total: blocked.total, drvHash: derivation.drvHash },
    commands: reproduceCommands(
      {
        drvPath: step.drvPath,
        outputs: [],
        features: derivation.features,
        hasLog: step.attempts.some((attempt) => attempt.logBytes !== null),
      },
      deps.cacheFacts,
    ),
  };
}
