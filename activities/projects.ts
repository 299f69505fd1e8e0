/** What the coordinator does about triggers: open an evaluation for what changed. */

import type { Connection } from '../db/database.ts';
import { openEvaluation } from '../db/evaluations.ts';
import {
  findJobset,
  listPendingTriggers,
  recordRevision,
  recordTrigger,
  settleTriggers,
} from '../db/jobsets.ts';
import type { ProjectActivities } from '../workflows/activity-types.ts';

export function createProjectActivities({
  connection,
}: {
  readonly connection: Connection;
}): ProjectActivities {
  return {
    settleTriggers: ({ jobsetId, triggerIds, source }) =>
      connection.transaction(async (tx) => {
        const pending = await listPendingTriggers(tx, triggerIds);
        const jobset = await findJobset(tx, jobsetId);
        if (pending.length === 0 || jobset === undefined) return { evaluationId: null };
        const pendingIds = pending.map((trigger) => trigger.id);
        const end = (state: 'unchanged' | 'failed', message: string) =>
          settleTriggers(tx, pendingIds, { state, evaluationId: null, message });
        if (source.kind === 'failed') {
          await end('failed', source.message);
          return { evaluationId: null };
        }
        const forced = pending.some((trigger) => trigger.forced);
        // A source without a revision (a plain folder) may always have changed.
        if (!forced && !source.dirty && source.revision !== null && source.revision === jobset.lastRevision) {
          await end('unchanged', `revision ${source.revision} was evaluated already`);
          return { evaluationId: null };
        }
        if (!jobset.enabled && !forced) {
          await end('unchanged', 'the jobset is disabled');
          return { evaluationId: null };
        }
        const { evaluationId } = await openEvaluation(tx, {
          jobsetId,
          config: jobset.config,
          baseFolder: jobset.baseFolder,
          fresh: false,
          revision: source.revision,
          lockedSource: source.lockedSource,
          dirty: source.dirty,
        });
        await recordRevision(tx, jobsetId, source.revision);
        await settleTriggers(tx, pendingIds, { state: 'started', evaluationId, message: null });
        return { evaluationId };
      }),

    recordScheduledTrigger: async ({ jobsetId }) => {
      await connection.transaction(async (tx) => {
        const jobset = await findJobset(tx, jobsetId);
        if (jobset?.enabled === true) await recordTrigger(tx, { jobset, kind: 'schedule', forced: false });
      });
    },
  };
}
