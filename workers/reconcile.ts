/** The ensure-and-reconcile loop: whatever Temporal was told and lost, it is told again from Postgres. */

import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { listOnlineArchitectures } from '../db/builders.ts';
import { claimReadySteps, redriveStepsInFlight } from '../db/claims.ts';
import type { Connection } from '../db/database.ts';
import { listOpenEvaluations } from '../db/evaluations.ts';
import { findInstanceFact, recordInstanceFact } from '../db/instance.ts';
import { type JobsetRow, listForgottenTriggers, listJobsets } from '../db/jobsets.ts';
import { drainAroundUnserved } from '../db/not-run.ts';
import {
  addToOutbox,
  signalEvaluationMessage,
  startEvaluationMessage,
  triggerMessage,
  wakeMessage,
} from '../db/outbox.ts';
import {
  assignArchitectures,
  endForgottenCancels,
  listChecksWaitingForAnyGpu,
  listPoolsInUse,
  repairRemaining,
} from '../db/reconcile.ts';
import { parseArchitecture, parseComputeCapability } from '../domain/ci/architecture.ts';
import { planGpuCheck } from '../domain/ci/gpu-plan.ts';
import { CONTROL_QUEUE } from '../domain/ci/pool.ts';
import { scheduleId } from '../domain/ci/workflow-messages.ts';
import { ensureNamespace, findClusterIdentity } from './temporal.ts';

export interface ReconcileDeps {
  readonly connection: Connection;
  readonly client: Client;
  readonly namespace: string;
  /** A step in flight for longer than this has its workflow asked for again; the running one answers for itself. */
  readonly redriveAfterSeconds: number;
  readonly onRecovery: (message: string) => void;
}

const CLUSTER_FACT = 'temporal-cluster';
/** A cancelled build is killed within seconds; one that says nothing for so long has nobody to say it. */
const CANCEL_PATIENCE_SECONDS = 120;
const TRIGGER_PATIENCE_SECONDS = 60;

/** One round of the slow loop. Everything in it may be repeated at any time. */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  const { connection, client, namespace } = deps;
  await ensureNamespace(client, namespace);
  await noticeNewCluster(deps);
  await ensureSchedules(deps);
  await connection.transaction(async (tx) => {
    await repairRemaining(tx);
    await endForgottenCancels(tx, CANCEL_PATIENCE_SECONDS);
  });
  await adoptChecksWithoutArchitecture(deps);
  await connection.transaction(async (tx) => {
    for (const key of await listOpenEvaluations(tx)) {
      await addToOutbox(tx, [startEvaluationMessage(key, 'evaluate')]);
      if (key.drained) await addToOutbox(tx, [signalEvaluationMessage(key, 'stepsDrained')]);
    }
    await addToOutbox(tx, (await listPoolsInUse(tx)).map(wakeMessage));
    await redriveStepsInFlight(tx, deps.redriveAfterSeconds);
    for (const { id, jobsetId, project, debounceSeconds } of await listForgottenTriggers(
      tx,
      TRIGGER_PATIENCE_SECONDS,
    ))
      await addToOutbox(tx, [triggerMessage(project, { jobsetId, triggerId: id, debounceSeconds })]);
  });
}

/** Evaluations that wait for nothing but absent builders are drained around them. The fast loop: a person waits for it. */
export async function drainAround(connection: Connection): Promise<void> {
  for (const key of await listOpenEvaluations(connection.db)) {
    if (key.state !== 'building' || !key.evaluated || key.drained) continue;
    await connection.transaction((tx) => drainAroundUnserved(tx, key));
  }
}

/** Marks of what was delivered are valid for one Temporal only: another (or emptied) one is told all that is in flight. */
async function noticeNewCluster({ connection, client, namespace, onRecovery }: ReconcileDeps): Promise<void> {
  const identity = await findClusterIdentity(client, namespace);
  const known = await findInstanceFact(connection.db, CLUSTER_FACT);
  if (identity === undefined || identity === known) return;
  await connection.transaction(async (tx) => {
    const steps = known === undefined ? 0 : await redriveStepsInFlight(tx, 0);
    await recordInstanceFact(tx, CLUSTER_FACT, identity);
    if (known !== undefined)
      onRecovery(`Temporal's database is another than before: ${steps} steps in flight are asked for again`);
  });
}

async function ensureSchedules({ connection, client }: ReconcileDeps): Promise<void> {
  for (const jobset of await listJobsets(connection.db)) await ensureSchedule(client, jobset);
}

async function ensureSchedule(client: Client, jobset: JobsetRow): Promise<void> {
  const { schedule } = jobset.config;
  const handle = client.schedule.getHandle(scheduleId(jobset.project, jobset.name));
  const wanted = schedule === undefined || !jobset.enabled ? undefined : schedule;
  const existing = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (wanted === undefined) {
    if (existing !== undefined) await handle.delete();
    return;
  }
  const spec =
    'cron' in wanted
      ? { cronExpressions: [wanted.cron] }
      : { intervals: [{ every: wanted.everySeconds * 1000 }] };
  const memo = { spec: JSON.stringify(spec) };
  if (existing?.memo?.['spec'] === memo.spec) return;
  // A changed spec makes a new schedule: the memo that tells so cannot be updated.
  if (existing !== undefined) await handle.delete();
  await client.schedule.create({
    scheduleId: handle.scheduleId,
    spec,
    memo,
    // A revision that was missed while nothing ran is seen by the next poll.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: 'triggerWorkflow',
      taskQueue: CONTROL_QUEUE,
      args: [{ jobsetId: jobset.id }],
      workflowId: `trigger/${jobset.project}/${jobset.name}`,
      staticSummary: `schedule of ${jobset.project}/${jobset.name}`,
    },
  });
}

/** Checks that waited for any GPU are given the architectures that came online. */
async function adoptChecksWithoutArchitecture({ connection }: ReconcileDeps): Promise<void> {
  const waiting = await listChecksWaitingForAnyGpu(connection.db);
  if (waiting.length === 0) return;
  const online = (await listOnlineArchitectures(connection.db)).map(parseArchitecture);
  await connection.transaction(async (tx) => {
    for (const check of waiting) {
      const { architectures } = planGpuCheck({
        requiredSystemFeatures: check.features,
        cudaCapabilities: check.cudaCapabilities?.map(parseComputeCapability),
        cudaForwardCompat: check.cudaForwardCompat ?? true,
        online,
      });
      await assignArchitectures(tx, check.stepId, architectures);
    }
    await claimReadySteps(
      tx,
      online.map((architecture) => `gpu.${architecture}`),
    );
  });
}
