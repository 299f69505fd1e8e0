/** What the models of all pages are made with. */

import type { Database } from '../../../db/database.ts';
import type { EvaluationRow } from '../../../db/evaluations.ts';
import { findEvaluation } from '../../../db/evaluations.ts';
import type { ServerDeps } from '../../deps.ts';
import { NotFoundError } from '../../errors.ts';
import { createChangeCounter, type ChangeCounter } from './changes.ts';

export interface ModelContext {
  readonly db: Database;
  readonly deps: ServerDeps;
  readonly changes: ChangeCounter;
}

export function createModelContext(deps: ServerDeps): ModelContext {
  const { db } = deps.connection;
  return { db, deps, changes: createChangeCounter(db) };
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
