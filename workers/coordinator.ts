/** The coordinator: all workflows, the activities that need the database, the outbox relay and the reconcile loop. */

import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, type NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createServerLogs } from '../activities/adapters/server-logs.ts';
import { createEvaluationActivities } from '../activities/evaluations.ts';
import { createProjectActivities } from '../activities/projects.ts';
import { createStepActivities } from '../activities/steps.ts';
import { type Connection, connectDatabase } from '../db/database.ts';
import { migrate } from '../db/migrate.ts';
import { CONTROL_QUEUE, evaluationQueue, IO_QUEUE } from '../domain/ci/pool.ts';
import { createLogger, describeError } from '../runtime/logger.ts';
import { createLoop } from '../runtime/loop.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
import { createUpstreamCaches } from '../runtime/upstream-cache.ts';
import { type CoordinatorConfig, parseCoordinatorConfig } from './config.ts';
import { drainAround, reconcile } from './reconcile.ts';
import { startRelay } from './relay.ts';
import { connectWorkers, createTemporalClient, ensureNamespace, installTemporalRuntime } from './temporal.ts';

/** Database activities at once: what the connection pool serves without queueing. */
const IO_SLOTS = 10;
/** A person waits for an evaluation to notice that nobody can run the rest of it. */
const DRAIN_SECONDS = 1;
const REDRIVE_SECONDS = 600;

await runProcess('coordinator', async (stopped) => {
  const config = parseCoordinatorConfig();
  const logger = createLogger('coordinator');
  installTemporalRuntime(logger);
  await using connection = connectDatabase({
    url: config.databaseUrl,
    applicationName: 'nixwarp-coordinator',
  });
  await untilReachable('Postgres', logger, () => migrate(connection));
  const address = { address: config.temporalAddress, namespace: config.namespace };
  const client = createTemporalClient(address);
  await untilReachable('Temporal', logger, () => ensureNamespace(client, config.namespace));
  const native = await untilReachable('Temporal', logger, () => connectWorkers(address));
  const tools = { config, logger, connection, client };

  const workers = await createWorkers(native, config.namespace, createActivities(tools));
  const running = workers.map((one) => one.run());
  await using _loops = await startLoops(tools);
  announceReady(logger);
  await Promise.race([stopped, ...running]);
  for (const one of workers) if (one.getState() === 'RUNNING') one.shutdown();
  await Promise.allSettled(running);
  await native.close();
});

interface Tools {
  readonly config: CoordinatorConfig;
  readonly logger: Logger;
  readonly connection: Connection;
  readonly client: Client;
}

function createActivities({ config, logger, connection }: Tools): object {
  const deps = {
    connection,
    defaultSystem: config.system,
    upstreams: createUpstreamCaches({
      urls: config.upstreams.filter((word) => word.includes('://')),
      fetch,
      now: Date.now,
      onAway: (url, reason) =>
        logger.warn(`upstream cache ${url} does not answer (${reason}): planning goes on without it`),
    }),
    logs: createServerLogs({ serverUrl: config.serverUrl, token: config.token, fetch }),
  };
  return {
    ...createStepActivities(deps),
    ...createEvaluationActivities(deps),
    ...createProjectActivities(deps),
  };
}

async function createWorkers(
  connection: NativeConnection,
  namespace: string,
  activities: object,
): Promise<Worker[]> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const common = { connection, namespace, activities, shutdownGraceTime: '5 seconds' } as const;
  return [
    // Local activities run where the workflow does.
    await Worker.create({
      ...common,
      taskQueue: CONTROL_QUEUE,
      workflowBundle,
      maxConcurrentActivityTaskExecutions: 1,
    }),
    await Worker.create({
      ...common,
      taskQueue: IO_QUEUE,
      maxConcurrentActivityTaskExecutions: IO_SLOTS,
    }),
  ];
}

/** The relay, and the loops that look for what no event tells. */
async function startLoops({ config, logger, connection, client }: Tools): Promise<AsyncDisposableStack> {
  const onError = (error: unknown) => logger.error(describeError(error));
  const loops = new AsyncDisposableStack();
  loops.use(
    await startRelay({
      connection,
      client,
      timing: config.timing,
      evaluationQueue: evaluationQueue(config.system),
      onError,
    }),
  );
  loops.use(createLoop({ everySeconds: DRAIN_SECONDS, onError, run: () => drainAround(connection) }));
  const reconciling = {
    connection,
    client,
    namespace: config.namespace,
    redriveAfterSeconds: REDRIVE_SECONDS,
    onRecovery: (message: string) => logger.warn(message),
  };
  loops.use(
    createLoop({ everySeconds: config.reconcileSeconds, onError, run: () => reconcile(reconciling) }),
  );
  return loops;
}
