/** The twin of the overview: what runs, what came out lately, who builds, how to use the cache. */

import { Type, type Static } from 'typebox';
import { listBuilderViews } from '../../../db/views/fleet.ts';
import { listEvaluationVersions } from '../../../db/views/pages-evaluations.ts';
import { listRunningAttempts } from '../../../db/views/pages-fleet.ts';
import {
  BuilderSchema,
  EvaluationSchema,
  EvaluationWithDiffSchema,
  StatusSchema,
} from '../../../domain/api/resources.ts';
import { evaluationOf, withDiff } from '../../views/resources.ts';
import { findStatus } from '../../views/status.ts';
import type { ModelContext } from './context.ts';
import { RunningSchema } from './schemas.ts';

const OPEN_SHOWN = 10;
const RECENT_SHOWN = 8;
const RUNNING_SHOWN = 20;

export const OverviewSchema = Type.Object({
  status: StatusSchema,
  /** Unfinished evaluations, newest first. */
  open: Type.Array(EvaluationSchema),
  /** Finished evaluations, newest first. */
  recent: Type.Array(EvaluationWithDiffSchema),
  running: Type.Array(RunningSchema),
  builders: Type.Array(BuilderSchema),
});
export type Overview = Static<typeof OverviewSchema>;

export async function loadOverview({ db, deps, listSummaries }: ModelContext): Promise<Overview> {
  const [status, open, finished, running, builders] = await Promise.all([
    findStatus(deps),
    listEvaluationVersions(db, { open: true, limit: OPEN_SHOWN }),
    listEvaluationVersions(db, { open: false, limit: RECENT_SHOWN }),
    listRunningAttempts(db, RUNNING_SHOWN),
    listBuilderViews(db),
  ]);
  return {
    status,
    open: (await listSummaries(open)).map(({ view }) => evaluationOf(view, deps.publicUrl)),
    recent: (await listSummaries(finished)).map((summary) => withDiff(summary, deps.publicUrl)),
    running: [...running],
    builders: [...builders],
  };
}
