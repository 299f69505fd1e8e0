/** One Temporal Worker of a builder, which can be stopped and started while the process goes on. */

import { type NativeConnection, Worker } from '@temporalio/worker';

export interface PoolWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly identity: string;
  readonly slots: number;
  readonly activities: object;
  readonly onFailure: (error: unknown) => void;
}

export interface PoolWorker {
  readonly taskQueue: string;
  /** Takes work. */
  start(): Promise<void>;
  /** Takes none. What runs is detached: its unit goes on, and its activity is taken up again on the builder's own queue. */
  stop(): Promise<void>;
}

/** Beats reach the server at most this often: so long may a cancellation take to be learnt. */
const BEAT = '2 seconds';
/** After this a running activity hears that its worker stops, and detaches. */
const GRACE = '500 milliseconds';
const FORCE = '30 seconds';

export function createPoolWorker({ onFailure, slots, ...options }: PoolWorkerOptions): PoolWorker {
  let running: { worker: Worker; finished: Promise<void> } | undefined;
  return {
    taskQueue: options.taskQueue,
    start: async () => {
      if (running !== undefined || slots === 0) return;
      const worker = await Worker.create({
        ...options,
        maxConcurrentActivityTaskExecutions: slots,
        maxHeartbeatThrottleInterval: BEAT,
        defaultHeartbeatThrottleInterval: BEAT,
        shutdownGraceTime: GRACE,
        shutdownForceTime: FORCE,
      });
      const finished = worker.run().catch((error: unknown) => {
        running = undefined;
        onFailure(error);
      });
      running = { worker, finished };
    },
    stop: async () => {
      const stopping = running;
      running = undefined;
      if (stopping === undefined) return;
      if (stopping.worker.getState() === 'RUNNING') stopping.worker.shutdown();
      await stopping.finished;
    },
  };
}
