/** The twins of the lists of evaluations: all, and those of one jobset. */

import { Type, type Static } from 'typebox';
import { findJobset } from '../../../db/jobsets.ts';
import { type EvaluationFilter, listEvaluationViews } from '../../../db/views/evaluations.ts';
import { findNewestEvaluationOf } from '../../../db/views/projects.ts';
import { JobsetSchema, PageSchema } from '../../../domain/api/resources.ts';
import { NotFoundError } from '../../errors.ts';
import { evaluationOf } from '../../views/resources.ts';
import type { ModelContext } from './context.ts';
import { EvaluationWithChangesSchema } from './overview.ts';
import { Id } from './schemas.ts';

const PAGE = 20;

export const CursorQuery = Type.Object({ cursor: Type.Optional(Id) });

export const EvaluationsSchema = PageSchema(EvaluationWithChangesSchema);
export type Evaluations = Static<typeof EvaluationsSchema>;

export const JobsetPageSchema = Type.Object({ jobset: JobsetSchema, evaluations: EvaluationsSchema });
export type JobsetPage = Static<typeof JobsetPageSchema>;

/** Newest first. */
export async function loadEvaluations(
  { db, deps, changes }: ModelContext,
  filter: Pick<EvaluationFilter, 'jobsetId' | 'before'>,
): Promise<Evaluations> {
  const views = await listEvaluationViews(db, { ...filter, limit: PAGE });
  const items = await Promise.all(
    views.map(async (view) => ({ ...evaluationOf(view, deps.publicUrl), diff: await changes.of(view) })),
  );
  const last = views.at(-1);
  return { items, next: views.length < PAGE || last === undefined ? null : String(last.id) };
}

export async function loadJobsetPage(
  context: ModelContext,
  jobsetId: number,
  before: number | undefined,
): Promise<JobsetPage> {
  const jobset = await findJobset(context.db, jobsetId);
  if (jobset === undefined) throw new NotFoundError(`there is no jobset ${jobsetId}`);
  const lastEvaluationId = (await findNewestEvaluationOf(context.db, jobsetId)) ?? null;
  return {
    jobset: { ...jobset, lastEvaluationId },
    evaluations: await loadEvaluations(context, { jobsetId, before }),
  };
}
