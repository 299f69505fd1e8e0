/** The twin of an evaluation's page: failures by root, what else should be looked at, GPU checks by architecture. */

import { Type, type Static } from 'typebox';
import { type EvaluationView, listRunning } from '../../../db/views/evaluations.ts';
import { type Comparison, findComparison, listChanged } from '../../../db/views/pages-changes.ts';
import {
  findEvaluationVersion,
  listByOutcome,
  listErrorPage,
  listSuspects,
} from '../../../db/views/pages-evaluations.ts';
import { listFailures } from '../../../db/views/pages-failures.ts';
import { listGpuChecks } from '../../../db/views/pages-gpu-checks.ts';
import { listNotRun, listQueued, type WaitGroup } from '../../../db/views/pages-waits.ts';
import { DiffSchema, EvaluationSchema, nullable, ProgressSchema } from '../../../domain/api/resources.ts';
import { NotFoundError } from '../../errors.ts';
import { evaluationOf } from '../../views/resources.ts';
import { describeWaits } from '../../views/waits.ts';
import type { ModelContext } from './context.ts';
import { errorOf, ErrorSchema } from './errors.ts';
import { matrixOf, MatrixSchema } from './matrix.ts';
import type { Changes } from '../../views/summaries.ts';
import { FailedStepSchema, Id, JobRefSchema, NullableText, VerdictDetailSchema } from './schemas.ts';

/** What is shown of each list; the rest is a link away, so that 60,000 jobs make a page of the same size. */
const SHOWN = {
  roots: 30,
  blocked: 10,
  suspects: 50,
  notRun: 10,
  errors: 20,
  errorCharacters: 2_000,
  checks: 100,
  changed: 20,
  succeeded: 50,
  running: 30,
} as const;

const RootSchema = Type.Object({
  drvHash: Type.String(),
  name: Type.String(),
  jobs: Type.Array(JobRefSchema, { description: 'jobs that are this derivation' }),
  blocked: Type.Array(JobRefSchema, { description: 'the first of the jobs that fail because of it' }),
  blockedTotal: Type.Integer(),
  steps: Type.Array(FailedStepSchema),
});
export type FailureRoot = Static<typeof RootSchema>;

const FailureSectionSchema = Type.Object({
  roots: Type.Array(RootSchema),
  total: Type.Integer({ description: 'of roots' }),
});
export type FailureSection = Static<typeof FailureSectionSchema>;

const WaitSchema = Type.Object({
  reason: NullableText,
  pool: Type.String(),
  jobs: Type.Array(JobRefSchema),
  total: Type.Integer(),
});

const SuspectSchema = Type.Object({ ...JobRefSchema.properties, verdict: VerdictDetailSchema });

export const EvaluationPageSchema = Type.Object({
  evaluation: EvaluationSchema,
  against: nullable(Type.Object({ id: Id, number: Type.Integer(), revision: NullableText })),
  diff: DiffSchema,
  running: ProgressSchema.properties.running,
  /** Steps that could run, by pool, with what they wait for. */
  queued: Type.Array(Type.Object({ pool: Type.String(), total: Type.Integer(), reason: NullableText })),
  newlyFailing: FailureSectionSchema,
  /** Without an earlier result to compare with. */
  failing: FailureSectionSchema,
  stillFailing: FailureSectionSchema,
  /** Succeeded, with a finding. */
  suspects: Type.Object({ items: Type.Array(SuspectSchema), total: Type.Integer() }),
  notRun: Type.Array(WaitSchema),
  errors: Type.Array(ErrorSchema),
  gpuChecks: MatrixSchema,
  fixed: Type.Array(JobRefSchema),
  new: Type.Array(JobRefSchema),
  vanished: Type.Array(JobRefSchema),
  /** The first of each. */
  succeeded: Type.Object({ built: Type.Array(JobRefSchema), substituted: Type.Array(JobRefSchema) }),
});
export type EvaluationPage = Static<typeof EvaluationPageSchema>;

/** What stays as it is while nothing in the evaluation changes. */
export type EvaluationParts = Omit<
  EvaluationPage,
  'evaluation' | 'diff' | 'running' | 'queued' | 'notRun'
> & {
  readonly notRunGroups: readonly WaitGroup[];
};

/** @throws NotFoundError */
export async function loadEvaluationPage(context: ModelContext, id: number): Promise<EvaluationPage> {
  const { db, deps, listSummaries, pages } = context;
  const version = await findEvaluationVersion(db, id);
  const [summary] = version === undefined ? [] : await listSummaries([version]);
  if (version === undefined || summary === undefined) throw new NotFoundError(`there is no evaluation ${id}`);
  const against = await findComparison(db, id);
  const { notRunGroups, ...parts } = await pages.get(version, against, () =>
    loadParts(context, id, against, summary.diff),
  );
  const reasons = await describeWaits(
    db,
    notRunGroups.map(({ stepId }) => stepId),
  );
  return {
    evaluation: evaluationOf(summary.view, deps.publicUrl),
    diff: summary.diff,
    ...parts,
    ...(await loadProgress(context, summary.view)),
    // Whom a step waits for is another one every minute.
    notRun: notRunGroups.map(({ stepId, pool, jobs, total }) => ({
      pool,
      jobs,
      total,
      reason: reasons.get(stepId) ?? null,
    })),
  };
}

async function loadParts(
  context: ModelContext,
  id: number,
  against: Comparison | undefined,
  diff: Changes,
): Promise<EvaluationParts> {
  const { db } = context;
  const [failures, suspects, errors, checks, notRunGroups, changed, built, substituted] = await Promise.all([
    loadFailures(context, id, against?.id ?? null),
    listSuspects(db, id, SHOWN.suspects),
    listErrorPage(db, id, { after: undefined, limit: SHOWN.errors, characters: SHOWN.errorCharacters }),
    listGpuChecks(db, id, SHOWN.checks),
    listNotRun(db, id, SHOWN.notRun),
    loadChanged(context, id, against?.id ?? null, diff),
    listByOutcome(db, id, 'built', SHOWN.succeeded),
    listByOutcome(db, id, 'substituted', SHOWN.succeeded),
  ]);
  return {
    against:
      against === undefined ? null : { id: against.id, number: against.number, revision: against.revision },
    ...failures,
    suspects: {
      items: suspects.map(({ total: _total, ...suspect }) => ({ ...suspect, change: null })),
      total: suspects[0]?.total ?? 0,
    },
    errors: errors.map(errorOf),
    gpuChecks: matrixOf(checks),
    notRunGroups,
    ...changed,
    succeeded: { built: [...built], substituted: [...substituted] },
  };
}

async function loadFailures({ db }: ModelContext, id: number, previousId: number | null) {
  const { roots, totals } = await listFailures(db, id, previousId, SHOWN);
  const sectionOf = (name: keyof typeof totals): FailureSection => ({
    total: totals[name],
    roots: roots.filter(({ section }) => section === name).map(({ section: _section, ...root }) => root),
  });
  return {
    newlyFailing: sectionOf('newlyFailing'),
    failing: sectionOf('failing'),
    stillFailing: sectionOf('stillFailing'),
  };
}

async function loadProgress({ db }: ModelContext, { id, state }: EvaluationView) {
  if (state === 'finished') return { running: [], queued: [] };
  const queued = await listQueued(db, id);
  const reasons = await describeWaits(
    db,
    queued.map(({ stepId }) => stepId),
  );
  return {
    running: (await listRunning(db, id)).slice(0, SHOWN.running),
    queued: queued.map(({ stepId, ...group }) => ({ ...group, reason: reasons.get(stepId) ?? null })),
  };
}

async function loadChanged({ db }: ModelContext, id: number, previousId: number | null, diff: Changes) {
  const list = async (change: 'fixed' | 'new' | 'vanished') =>
    previousId === null || diff[change] === 0
      ? []
      : [...(await listChanged(db, id, previousId, change, SHOWN.changed))];
  const [fixed, added, vanished] = await Promise.all([list('fixed'), list('new'), list('vanished')]);
  return { fixed, new: added, vanished };
}
