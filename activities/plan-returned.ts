/** Planning again what was thought to be available: inputs that a builder found neither here nor in a cache. */

import { findWanter } from '../db/step-returns.ts';
import { claimReadySteps } from '../db/claims.ts';
import { getEvaluation } from '../db/evaluations.ts';
import { lockGraphForPlanning } from '../db/locks.ts';
import { planSteps } from '../db/planning.ts';
import { listOnlineArchitectures } from '../db/builders.ts';
import { parseArchitecture } from '../domain/ci/architecture.ts';
import { findNeeded } from './needed.ts';
import { planContextOf, type PlanDeps } from './plan.ts';
import { specifySteps } from './step-specs.ts';

/** Makes sure that steps exist for derivations whose outputs vanished. Returns the ids of those that make them. */
export async function planReturnedInputs(
  { connection, upstreams, defaultSystem }: PlanDeps,
  stepId: number,
  drvHashes: readonly string[],
): Promise<number[]> {
  const evaluationId = await findWanter(connection.db, stepId);
  if (evaluationId === undefined || drvHashes.length === 0) return [];
  const evaluation = await getEvaluation(connection.db, evaluationId);
  const needed = await findNeeded(connection.db, upstreams, drvHashes);
  const online = (await listOnlineArchitectures(connection.db)).map(parseArchitecture);
  const { specs, keysOf } = specifySteps(needed, new Map(), {
    config: evaluation.config,
    defaultSystem,
    online,
  });
  return connection.transaction(async (tx) => {
    await lockGraphForPlanning(tx);
    const steps = await planSteps(tx, planContextOf(evaluation), specs);
    await claimReadySteps(
      tx,
      [...steps.values()].filter((step) => step.state === 'ready').map((step) => step.pool),
    );
    return drvHashes.flatMap((hash) => keysOf.get(hash) ?? []).flatMap((key) => steps.get(key)?.id ?? []);
  });
}
