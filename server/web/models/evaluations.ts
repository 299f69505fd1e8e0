/** The twins of the lists of evaluations: all, and those of one jobset. */

import { Type, type Static } from 'typebox';
import { findJobset } from '../../../db/jobsets.ts';
import { listEvaluationVersions } from '../../../db/views/pages-evaluations.ts';
import { findNewestEvaluationOf } from '../../../db/views/projects.ts';
import { EvaluationWithDiffSchema, JobsetSchema, PageSchema } from '../../../domain/api/resources.ts';
import { NotFoundError } from '../../errors.ts';
import { withDiff } from '../../views/resources.ts';
import type { ModelContext } from './context.ts';
import { Id } from './schemas.ts';

const PAGE = 20;

export const CursorQuery = Type.Object({ cursor: Type.Optional(Id) });

export const EvaluationsSchema = PageSchema(EvaluationWithDiffSchema);
export type Evaluations = Static<typeof EvaluationsSchema>;

export const JobsetPageSchema = Type.Object({ jobset: JobsetSchema, evaluations: EvaluationsSchema });
export type JobsetPage = Static<typeof JobsetPageSchema>;

/** Newest first. */
export async function loadEvaluations(
  { db, deps, listSummaries }: ModelContext,
  filter: { readonly jobsetId?: number; readonly before?: number | undefined },
): Promise<Evaluations> {
  const versions = await listEvaluationVersions(db, { ...filter, limit: PAGE });
  const items = (await listSummaries(versions)).map((summary) => withDiff(summary, deps.publicUrl));
  const last = versions.at(-1);
  return { items, next: versions.length < PAGE || last === undefined ? null : String(last.id) };
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
