/** The twin of the list of what did not evaluate. */

import { Type, type Static } from 'typebox';
import { type ErrorRow, listErrorPage } from '../../../db/views/pages-evaluations.ts';
import { PageSchema } from '../../../domain/api/resources.ts';
import { getEvaluationRef, type ModelContext } from './context.ts';
import { EvaluationRefSchema, Id, NullableText } from './schemas.ts';

/** Messages of evaluation errors reach 64 KiB, and a broken revision has thousands of them. */
const PAGE = 50;
const CHARACTERS = 4_000;

export const ErrorSchema = Type.Object({
  id: Id,
  name: Type.String({ description: 'empty: the evaluation as a whole' }),
  system: NullableText,
  variant: NullableText,
  kind: Type.String({ description: 'error, refused, aggregate or fatal' }),
  message: Type.String({ description: 'its beginning' }),
  characters: Type.Integer({ description: 'of the whole message' }),
});
export type EvaluationError = Static<typeof ErrorSchema>;

export const ErrorsPageSchema = Type.Object({
  evaluation: EvaluationRefSchema,
  errors: PageSchema(ErrorSchema),
});
export type ErrorsPage = Static<typeof ErrorsPageSchema>;

export function errorOf(row: ErrorRow): EvaluationError {
  return { ...row };
}

/** @throws NotFoundError */
export async function loadErrorsPage(
  { db }: ModelContext,
  evaluationId: number,
  after: number | undefined,
): Promise<ErrorsPage> {
  const evaluation = await getEvaluationRef(db, evaluationId);
  const rows = await listErrorPage(db, evaluationId, { after, limit: PAGE, characters: CHARACTERS });
  const last = rows.at(-1);
  return {
    evaluation,
    errors: {
      items: rows.map(errorOf),
      next: rows.length < PAGE || last === undefined ? null : String(last.id),
    },
  };
}
