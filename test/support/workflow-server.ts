/** Our workflows on the Temporal server that `npm test` started, with activities that answer as a test says. */

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { CONTROL_QUEUE } from '../../domain/ci/pool.ts';
import type { WorkflowType } from '../../domain/ci/workflow-messages.ts';
import { createTemporalClient, ensureNamespace } from '../../workers/temporal.ts';
import { until } from './runs.ts';

export type Activities = Readonly<Record<string, (input: never) => unknown>>;

export interface WorkflowServer extends AsyncDisposable {
  readonly client: Client;
  /** A worker for activities, as builders and the coordinator run them. */
  poll(taskQueue: string, activities: Activities): Promise<void>;
  start(type: WorkflowType, workflowId: string, input: object): Promise<WorkflowHandle>;
}

/** The SDK's own words are for a person who looks into a failure, not for every run. */
export function installQuietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    shutdownSignals: [],
  });
}

export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR', () => {}),
  });
}

/** A namespace of its own, so that the queues may have their real names. `local` are the activities beside the workflows. */
export async function startWorkflowServer(local: Activities): Promise<WorkflowServer> {
  const address = process.env['NIXWARP_TEST_TEMPORAL_ADDRESS'];
  if (address === undefined)
    throw new Error('this test needs the Temporal that "npm test" starts: run "npm test -- FILE"');
  installQuietRuntime();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const client = createTemporalClient({ address, namespace });
  await ensureNamespace(client, namespace);
  const connection = await NativeConnection.connect({ address });
  const running: { worker: Worker; finished: Promise<void> }[] = [];
  const run = (worker: Worker): void => void running.push({ worker, finished: worker.run() });
  const workflowBundle = await bundleWorkflows();
  // A new namespace is known everywhere after a moment.
  run(
    await until('the namespace is known', () =>
      Worker.create({ connection, namespace, taskQueue: CONTROL_QUEUE, workflowBundle, activities: local }),
    ),
  );
  return {
    client,
    poll: async (taskQueue, activities) =>
      run(
        await Worker.create({
          connection,
          namespace,
          taskQueue,
          activities,
          shutdownGraceTime: 0,
          maxHeartbeatThrottleInterval: '200 milliseconds',
        }),
      ),
    start: (type, workflowId, input) =>
      until('the workflow is started', () =>
        client.workflow.start(type, { workflowId, taskQueue: CONTROL_QUEUE, args: [input] }),
      ),
    [Symbol.asyncDispose]: async () => {
      for (const { worker } of running) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(running.map(({ finished }) => finished));
      await connection.close();
      await client.connection.close();
    },
  };
}
