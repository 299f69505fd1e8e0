/** Evaluations with their counts and what changed: what lists show of many at once. */

import type { Database } from '../../db/database.ts';
import { type EvaluationView, findEvaluationView } from '../../db/views/evaluations.ts';
import { type Comparison, countChanges, findComparison } from '../../db/views/pages-changes.ts';
import type { EvaluationVersion } from '../../db/views/pages-evaluations.ts';
import type { EvaluationWithDiff } from '../../domain/api/resources.ts';
import { createVersionMemo } from './memo.ts';

export type Changes = EvaluationWithDiff['diff'];

export interface EvaluationSummary {
  readonly view: EvaluationView;
  readonly diff: Changes;
}

/** In the order of the versions given; what was deleted meanwhile is left out. */
export type ListSummaries = (versions: readonly EvaluationVersion[]) => Promise<EvaluationSummary[]>;

/** A page of a list shows some twenty. */
const REMEMBERED = 500;

/** Counting 60,000 jobs and comparing them with those before takes a third of a second: finished ones are counted once. */
export function createSummaries(db: Database, now: () => number): ListSummaries {
  const memo = createVersionMemo<EvaluationSummary | undefined>(REMEMBERED, now);
  const summarise = async (version: EvaluationVersion) => {
    const against = await findComparison(db, version.id);
    return memo.get(version, against, async () => {
      const view = await findEvaluationView(db, version.id);
      return view === undefined ? undefined : { view, diff: await changesOf(db, version.id, against) };
    });
  };
  return async (versions) =>
    (await Promise.all(versions.map(summarise))).filter((summary) => summary !== undefined);
}

async function changesOf(
  db: Database,
  evaluationId: number,
  against: Comparison | undefined,
): Promise<Changes> {
  const none = { newlyFailing: 0, stillFailing: 0, fixed: 0, new: 0, vanished: 0 };
  if (against === undefined) return { against: null, ...none, unfinished: 0, stillSucceeding: 0 };
  return { against: against.id, ...(await countChanges(db, evaluationId, against.id)) };
}
