/** What the coordinator does about steps: record endings, classify failed attempts, hand out what is ready. */

import { findAttempt, findAttemptId } from '../db/attempts.ts';
import { forgetPaths, findDerivationsOfPaths } from '../db/availability.ts';
import { claimReadySteps } from '../db/claims.ts';
import type { Connection } from '../db/database.ts';
import { recordStepEnding } from '../db/step-endings.ts';
import { waitForInputs } from '../db/step-returns.ts';
import type { DispatchActivities, StepActivities } from '../workflows/activity-types.ts';
import type { AttemptLogs } from './adapters/server-logs.ts';
import { classifyOneAttempt } from './classify.ts';
import { planReturnedInputs } from './plan-returned.ts';
import type { PlanDeps } from './plan.ts';

export interface StepDeps extends PlanDeps {
  readonly connection: Connection;
  readonly logs: AttemptLogs;
}

export function createStepActivities(deps: StepDeps): StepActivities & DispatchActivities {
  const { connection } = deps;
  return {
    recordStepEnd: (ending) => connection.transaction((tx) => recordStepEnding(tx, ending)),

    returnStep: async (ending) => {
      if (ending.report.kind !== 'inputs-missing') return;
      const hashes = ending.report.paths.map((path) => path.slice(path.lastIndexOf('/') + 1).slice(0, 32));
      const makers = await findDerivationsOfPaths(connection.db, hashes);
      await connection.transaction((tx) => forgetPaths(tx, hashes));
      const inputStepIds = await planReturnedInputs(deps, ending.stepId, makers);
      await connection.transaction((tx) => waitForInputs(tx, ending, inputStepIds));
    },

    classifyAttempt: async ({ stepId, generation, attempt, report }) => {
      const attemptId = await findAttemptId(connection.db, stepId, generation, attempt);
      const row = attemptId === undefined ? undefined : await findAttempt(connection.db, attemptId);
      // The builder was lost before it could say that it began: there is nothing to read.
      if (row === undefined || report.kind !== 'ended') return { class: 'infra', retry: 'other' };
      return classifyOneAttempt(deps, row, report);
    },

    dispatchReady: async ({ pool }) => ({
      claimed: await connection.transaction((tx) => claimReadySteps(tx, [pool])),
    }),
  };
}
