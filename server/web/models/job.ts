/** The twin of a job's page: the report, and what a person needs to do something about it. */

import { Type, type Static } from 'typebox';
import { findJobPlace } from '../../../db/jobs.ts';
import { findComparison, type JobRef } from '../../../db/views/pages-changes.ts';
import {
  findBlocked,
  findDerivationOfJob,
  findJobChange,
  findUsualSeconds,
  listConstituents,
  listHistory,
  listOutputs,
} from '../../../db/views/pages-jobs.ts';
import { listJobViews } from '../../../db/views/run-document.ts';
import { nullable } from '../../../domain/api/resources.ts';
import { RunJobSchema } from '../../../domain/api/runs.ts';
import { isSuccess } from '../../../domain/ci/outcome.ts';
import { NotFoundError } from '../../errors.ts';
import { runJob } from '../../views/run-document.ts';
import { jobCommands, reproduceCommands } from './commands.ts';
import { getEvaluationRef, type ModelContext } from './context.ts';
import { ReportedStepSchema, reportRoots, reportSteps, RootSchema } from './report.ts';
import {
  CommandsSchema,
  EvaluationRefSchema,
  Id,
  JobRefSchema,
  NullableText,
  VerdictDetailSchema,
} from './schemas.ts';

const HISTORY_SHOWN = 12;
const BLOCKED_SHOWN = 20;
const CONSTITUENTS_SHOWN = 200;

const HistorySchema = Type.Array(
  Type.Object({
    evaluationId: Id,
    number: Type.Integer(),
    revision: NullableText,
    jobId: nullable(Id),
    outcome: NullableText,
  }),
  { description: 'this job in its own and earlier evaluations, newest first' },
);

export const JobPageSchema = Type.Object({
  evaluation: EvaluationRefSchema,
  job: RunJobSchema,
  kind: Type.String(),
  /** Against the evaluation before. */
  change: NullableText,
  /** Of a job that succeeded: what should be looked at all the same. */
  finding: nullable(VerdictDetailSchema),
  steps: Type.Array(ReportedStepSchema),
  /** Whose failures it inherited. */
  roots: Type.Array(RootSchema),
  /** Jobs that fail because of it. */
  blocked: Type.Object({ jobs: Type.Array(JobRefSchema), total: Type.Integer(), drvHash: Type.String() }),
  /** Median of its successful attempts, here and earlier. */
  usualSeconds: nullable(Type.Number()),
  history: HistorySchema,
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      path: Type.String(),
      narSize: nullable(Type.Integer({ description: 'where this cache has it' })),
      upstream: NullableText,
    }),
  ),
  constituents: nullable(
    Type.Array(
      Type.Object({
        name: Type.String(),
        jobId: nullable(Id),
        variant: NullableText,
        outcome: NullableText,
      }),
    ),
  ),
  commands: CommandsSchema,
});
export type JobPage = Static<typeof JobPageSchema>;

/** @throws NotFoundError */
export async function loadJobPage({ db, deps }: ModelContext, id: number): Promise<JobPage> {
  const place = await findJobPlace(db, id);
  const [view] = place === undefined ? [] : await listJobViews(db, place.evaluationId, [id]);
  const derivation = await findDerivationOfJob(db, id);
  if (place === undefined || view === undefined || derivation === undefined)
    throw new NotFoundError(`there is no job ${id}`);
  const evaluation = await getEvaluationRef(db, place.evaluationId);
  const previousId = (await findComparison(db, place.evaluationId))?.id ?? null;
  const context = { db, publicUrl: deps.publicUrl };
  const [steps, outputs, history, job] = await Promise.all([
    reportSteps(context, view.stepIds),
    listOutputs(db, id),
    listHistory(db, id, HISTORY_SHOWN),
    runJob(db, view),
  ]);
  const hasLog = steps.some((step) => step.attempts.some((attempt) => attempt.logBytes !== null));
  const had = outputs.filter((output) => output.narSize !== null || output.upstream !== null);
  return {
    evaluation,
    job,
    kind: view.kind,
    change: await findJobChange(db, id, previousId),
    finding: view.outcome !== null && isSuccess(view.outcome) ? view.verdict : null,
    steps,
    roots: await reportRoots(db, place.evaluationId, steps),
    blocked: {
      ...(await loadBlocked(db, place.evaluationId, previousId, derivation.drvHash)),
      drvHash: derivation.drvHash,
    },
    usualSeconds: await findUsualSeconds(
      db,
      history.flatMap((entry) => entry.jobId ?? []),
    ),
    history: [...history],
    outputs: [...outputs],
    constituents:
      view.constituents === null ? null : [...(await listConstituents(db, id, CONSTITUENTS_SHOWN))],
    commands: [
      ...reproduceCommands(
        {
          drvPath: view.drvPath,
          outputs: had.map((output) => output.path),
          features: derivation.features,
          hasLog,
        },
        deps.cacheFacts,
      ),
      ...jobCommands(job, evaluation.id, {
        failed: view.outcome !== null && !['built', 'substituted', 'not-run'].includes(view.outcome),
        open: view.outcome === null,
        hasLog,
      }),
    ],
  };
}

async function loadBlocked(
  db: ModelContext['db'],
  evaluationId: number,
  previousId: number | null,
  drvHash: string,
): Promise<{ jobs: JobRef[]; total: number }> {
  const { jobs, total } = await findBlocked(db, evaluationId, previousId, drvHash, BLOCKED_SHOWN);
  return { jobs: [...jobs], total };
}
