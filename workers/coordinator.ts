/** The coordinator: all workflows, the activities that need the database, the outbox relay and the reconcile loop. */

import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { createServerLogs } from '../activities/adapters/server-logs.ts';
import { createUpstreamCaches } from '../runtime/upstream-cache.ts';
import { createEvaluationActivities } from '../activities/evaluations.ts';
import { createProjectActivities } from '../activities/projects.ts';
import { createStepActivities } from '../activities/steps.ts';
import { connectDatabase } from '../db/database.ts';
import { migrate } from '../db/migrate.ts';
import { CONTROL_QUEUE, evaluationQueue, IO_QUEUE } from '../domain/ci/pool.ts';
import { parseCoordinatorConfig } from './config.ts';
import { createLogger, describeError } from '../runtime/logger.ts';
import { createLoop } from '../runtime/loop.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
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
  const onError = (error: unknown) => logger.error(describeError(error));
  installTemporalRuntime(logger);
  await using connection = connectDatabase({
    url: config.databaseUrl,
    applicationName: 'nixwarp-coordinator',
  });
  await untilReachable('Postgres', logger, () => migrate(connection));
  const client = createTemporalClient({ address: config.temporalAddress, namespace: config.namespace });
  await untilReachable('Temporal', logger, () => ensureNamespace(client, config.namespace));
  const native = await untilReachable('Temporal', logger, () =>
    connectWorkers({ address: config.temporalAddress, namespace: config.namespace }),
  );

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
  const activities = {
    ...createStepActivities(deps),
    ...createEvaluationActivities(deps),
    ...createProjectActivities(deps),
  };
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const worker = { connection: native, namespace: config.namespace, shutdownGraceTime: '5 seconds' } as const;
  const workers = [
    // Local activities run where the workflow does.
    await Worker.create({
      ...worker,
      taskQueue: CONTROL_QUEUE,
      workflowBundle,
      activities,
      maxConcurrentActivityTaskExecutions: 1,
    }),
    await Worker.create({
      ...worker,
      taskQueue: IO_QUEUE,
      activities,
      maxConcurrentActivityTaskExecutions: IO_SLOTS,
    }),
  ];
  const running = workers.map((one) => one.run());

  await using _relay = await startRelay({
    connection,
    client,
    timing: config.timing,
    evaluationQueue: evaluationQueue(config.system),
    onError,
  });
  await using _drain = createLoop({
    everySeconds: DRAIN_SECONDS,
    onError,
    run: () => drainAround(connection),
  });
  await using _reconcile = createLoop({
    everySeconds: config.reconcileSeconds,
    onError,
    run: () =>
      reconcile({
        connection,
        client,
        namespace: config.namespace,
        redriveAfterSeconds: REDRIVE_SECONDS,
        onRecovery: (message) => logger.warn(message),
      }),
  });
  announceReady(logger);
  await Promise.race([stopped, ...running]);
  for (const one of workers) if (one.getState() === 'RUNNING') one.shutdown();
  await Promise.allSettled(running);
  await native.close();
});
