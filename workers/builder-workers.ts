/** The Temporal Workers of a builder: on which queues it listens, and when. */

import type { NativeConnection } from '@temporalio/worker';
import type { GpuAnnouncement } from '../domain/api/builder.ts';
import { builderPools, builderQueue, evaluationQueue, type Pool } from '../domain/ci/pool.ts';
import type { BuilderConfig } from './config.ts';
import { createPoolWorker, type PoolWorker } from './pool-worker.ts';

export interface BuilderWorkersOptions {
  readonly config: BuilderConfig;
  readonly connection: NativeConnection;
  readonly activities: object;
  readonly onFailure: (taskQueue: string, error: unknown) => void;
}

export interface Situation {
  /** Nothing is wrong with the machine. */
  readonly well: boolean;
  /** It is well, and nobody drained it. */
  readonly takesWork: boolean;
  readonly gpus: readonly GpuAnnouncement[];
}

export interface BuilderWorkers {
  /** Pools that builds are taken from. */
  readonly pools: readonly Pool[];
  /** Listens for steps that this builder had begun. */
  resume(): Promise<void>;
  /** Starts and stops Workers as the situation asks, and starts again those that ended by themselves. */
  follow(situation: Situation): Promise<void>;
  stop(): Promise<void>;
}

/** Resumed attempts and new ones share the machine; resuming must not wait behind them. */
const RESUME_SLOTS = 64;

export function createBuilderWorkers(options: BuilderWorkersOptions): BuilderWorkers {
  const { config } = options;
  const pools = config.gpusOnly ? [] : builderPools(config.systems, config.features);
  // Steps already taken are finished on this queue even while the builder takes no new ones.
  const own = workerFor(options, builderQueue(config.name), RESUME_SLOTS);
  const builds = pools.map((pool) => workerFor(options, pool, config.slots));
  // A drained machine may still evaluate: that is how people see what it would build. A sick one may not.
  const evaluations = config.gpusOnly
    ? []
    : [workerFor(options, evaluationQueue(config.system), config.evaluationSlots)];
  const checks = createGpuWorkers(options);
  return {
    pools,
    resume: () => own.start(),
    follow: async ({ well, takesWork, gpus }) => {
      await own.start();
      for (const worker of builds) await (takesWork ? worker.start() : worker.stop());
      for (const worker of evaluations) await (well ? worker.start() : worker.stop());
      await checks.match(takesWork ? gpus : []);
    },
    stop: async () => {
      const running = [own, ...builds, ...evaluations].map((worker) => worker.stop());
      await Promise.all([...running, checks.match([])]);
    },
  };
}

/** One Worker an architecture, a slot a GPU; a GPU that vanished or came changes the Workers. */
function createGpuWorkers(options: BuilderWorkersOptions) {
  const workers = new Map<string, PoolWorker & { slots: number }>();
  return {
    match: async (gpus: readonly GpuAnnouncement[]): Promise<void> => {
      const counts = new Map(
        [...Map.groupBy(gpus, (gpu) => gpu.architecture)].map(([name, list]) => [name, list.length]),
      );
      for (const [architecture, worker] of workers)
        if (counts.get(architecture) !== worker.slots) {
          await worker.stop();
          workers.delete(architecture);
        }
      for (const [architecture, slots] of counts) {
        const worker = workers.get(architecture) ?? workerFor(options, `gpu.${architecture}`, slots);
        workers.set(architecture, { ...worker, slots });
        await worker.start();
      }
    },
  };
}

function workerFor(
  { config, connection, activities, onFailure }: BuilderWorkersOptions,
  taskQueue: string,
  slots: number,
): PoolWorker {
  return createPoolWorker({
    connection,
    namespace: config.namespace,
    taskQueue,
    slots,
    identity: `${config.name}/${taskQueue}/${process.pid}`,
    activities,
    onFailure: (error) => onFailure(taskQueue, error),
  });
}
