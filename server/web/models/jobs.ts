/** The twin of the lists of an evaluation's jobs. */

import { Type, type Static } from 'typebox';
import { findComparison, JOB_CHANGES } from '../../../db/views/pages-changes.ts';
import { listJobPage } from '../../../db/views/pages-jobs.ts';
import { nullable, PageSchema } from '../../../domain/api/resources.ts';
import { OUTCOMES } from '../../../domain/ci/outcome.ts';
import { getEvaluationRef, type ModelContext } from './context.ts';
import { EvaluationRefSchema, Id, JobRefSchema, NullableText } from './schemas.ts';

const PAGE = 200;

const literals = (words: readonly string[]) => Type.Union(words.map((word) => Type.Literal(word)));

export const JobsQuery = Type.Object({
  outcome: Type.Optional(literals([...OUTCOMES, 'unfinished', 'succeeded', ''])),
  change: Type.Optional(literals([...JOB_CHANGES, 'vanished', ''])),
  kind: Type.Optional(literals(['build', 'gpu-check', 'aggregate', ''])),
  search: Type.Optional(Type.String({ maxLength: 200, description: 'part of the name' })),
  root: Type.Optional(
    Type.String({ pattern: '^[0-9a-z]{32}$', description: 'drv hash of what they failed by' }),
  ),
  cursor: Type.Optional(Id),
});

export const JobListItemSchema = Type.Object({
  ...JobRefSchema.properties,
  kind: Type.String(),
  attempts: Type.Integer(),
  verdict: nullable(Type.Object({ class: Type.String(), subclass: Type.String(), evidence: NullableText })),
  root: nullable(Type.String({ description: 'the derivation whose failure it inherited' })),
});

export const JobsPageSchema = Type.Object({
  evaluation: EvaluationRefSchema,
  /** What the jobs are compared with. */
  against: nullable(Id),
  filter: Type.Object({
    outcome: Type.Optional(Type.String()),
    change: Type.Optional(Type.String()),
    kind: Type.Optional(Type.String()),
    search: Type.Optional(Type.String()),
    root: Type.Optional(Type.String()),
  }),
  jobs: PageSchema(JobListItemSchema),
});
export type JobsPage = Static<typeof JobsPageSchema>;

/** @throws NotFoundError */
export async function loadJobsPage(
  { db }: ModelContext,
  evaluationId: number,
  { cursor, ...query }: Static<typeof JobsQuery>,
): Promise<JobsPage> {
  const evaluation = await getEvaluationRef(db, evaluationId);
  const against = (await findComparison(db, evaluationId))?.id ?? null;
  // A form sends what was left empty as empty text.
  const filter = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== '')) as Omit<
    Parameters<typeof listJobPage>[3],
    'limit' | 'after'
  >;
  const rows = await listJobPage(db, evaluationId, against, { ...filter, after: cursor, limit: PAGE });
  const last = rows.at(-1);
  return {
    evaluation,
    against,
    filter: filter as JobsPage['filter'],
    jobs: { items: [...rows], next: rows.length < PAGE || last === undefined ? null : String(last.id) },
  };
}
