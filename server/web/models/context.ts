/** What the models of all pages are made with. */

import type { Database } from '../../../db/database.ts';
import type { EvaluationRow } from '../../../db/evaluations.ts';
import { findEvaluation } from '../../../db/evaluations.ts';
import type { RouteDeps } from '../../deps.ts';
import { NotFoundError } from '../../errors.ts';
import type { EvaluationParts } from './evaluation.ts';
import { createVersionMemo, type VersionMemo } from '../../views/memo.ts';
import type { ListSummaries } from '../../views/summaries.ts';

/** A quarter of a megabyte each at most. */
const PAGES_REMEMBERED = 60;

export interface ModelContext {
  readonly db: Database;
  readonly deps: RouteDeps;
  readonly listSummaries: ListSummaries;
  /** Of pages of finished evaluations. */
  readonly pages: VersionMemo<EvaluationParts>;
}

export function createModelContext(deps: RouteDeps): ModelContext {
  const { db } = deps.connection;
  return {
    db,
    deps,
    listSummaries: deps.listSummaries,
    pages: createVersionMemo(PAGES_REMEMBERED, deps.ingestDeps.now),
  };
}

/** An evaluation as other things refer to it. @throws NotFoundError */
export async function getEvaluationRef(db: Database, evaluationId: number) {
  const row = await findEvaluation(db, evaluationId);
  if (row === undefined) throw new NotFoundError(`there is no evaluation ${evaluationId}`);
  return evaluationRef(row);
}

export function evaluationRef(row: EvaluationRow) {
  const { evaluationId: id, project, jobset, jobsetId, number, state, outcome, revision, dirty } = row;
  return { id, project, jobset, jobsetId, number, state, outcome, revision, dirty };
}
