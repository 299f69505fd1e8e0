/**
 * Several server processes on one port: the first process only starts the others, hands connections to them in turn, starts
 * again who dies, and stops them all. Each of the others is a whole server.
 */

import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { EXIT_CONFIGURATION } from '../runtime/process.ts';

/** Index of a process among them, in its environment. */
const INDEX = 'NIXWARP_SERVER_PROCESS';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Transfers that run get so long to end. */
const STOP_MS = 30_000;

/** Whether this is the process that starts the others. */
export function startsOthers(processes: number): boolean {
  return processes > 1 && cluster.isPrimary;
}

/** Whether sweeping and the like are this process's business: of several, the first one's. */
export function runsOnce(): boolean {
  // eslint-disable-next-line node/no-process-env -- set by `startProcesses`, not by an operator
  return (process.env[INDEX] ?? '0') === '0';
}

export interface Processes extends AsyncDisposable {
  /** Resolves when each was ready once. */
  readonly ready: Promise<unknown>;
  /** Rejects when one cannot run as it is configured. */
  readonly hopeless: Promise<never>;
}

/** Starts `count` processes of this program. They end with this one, however it ends: their channel closes. */
export function startProcesses(count: number, logger: Logger): Processes {
  const { promise: hopeless, reject: giveUp } = Promise.withResolvers<never>();
  hopeless.catch(() => {});
  const running = new Map<number, Worker>();
  const timers = new Set<NodeJS.Timeout>();
  let isStopping = false;

  function start(index: number, pause: number): Promise<void> {
    return new Promise((resolve) => {
      const worker = cluster.fork({ [INDEX]: String(index) });
      running.set(index, worker);
      let nextPause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      worker.on('message', (message: unknown) => {
        if (typeof message !== 'object' || message === null || !('ready' in message)) return;
        nextPause = FIRST_PAUSE_MS;
        resolve();
      });
      worker.once('exit', (code, signal) => {
        running.delete(index);
        if (isStopping) return;
        if (code === EXIT_CONFIGURATION) {
          giveUp(new Error(`server process ${index} cannot run as it is configured; its log says why`));
          return;
        }
        logger.error(
          { process: index, pid: worker.process.pid, code, signal },
          `server process ended; it is started again in ${nextPause / 1000} s`,
        );
        const timer = setTimeout(() => {
          timers.delete(timer);
          void start(index, nextPause).then(resolve);
        }, nextPause);
        timers.add(timer);
      });
    });
  }

  const starting = Array.from({ length: count }, (_, index) => start(index, FIRST_PAUSE_MS));
  return {
    ready: Promise.all(starting),
    hopeless,
    [Symbol.asyncDispose]: async () => {
      isStopping = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([...running.values()].map(stop));
    },
  };
}

async function stop(worker: Worker): Promise<void> {
  const { process: child } = worker;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(killer);
}
