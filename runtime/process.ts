/** What every process of ours does alike: start, say that it is ready, stop on a signal, and end with the right status. */

import type { Logger } from 'pino';
import { ConfigurationError } from '../domain/environment.ts';
import { createLogger, describeError } from './logger.ts';

/** Exit statuses that `up` tells apart: a wrong configuration is not cured by starting again. */
export const EXIT_CONFIGURATION = 78;
const EXIT_FAILURE = 1;

/** How often a process that waits for another asks for it, and how often it says so. */
const ASK_MS = 500;
const SAY_EVERY = 20;
/** Two minutes: a database that recovers needs less, and what is wrong for longer is for whoever reads our exit. */
const MOST_TRIES = 240;

/**
 * Runs a process until SIGTERM, SIGINT, or the end of its parent (which holds its IPC channel).
 * @param main gets a promise that resolves when it is to stop; it stops what it started and returns.
 */
export async function runProcess(
  name: string,
  main: (stopped: Promise<void>) => Promise<void>,
): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    // An orphan would go on working against a state folder that a new `up` takes over.
    process.once('disconnect', () => resolve());
  });
  try {
    await main(stopped);
    // Handles that libraries leave open must not keep a stopped process.
    process.exit(0);
  } catch (error) {
    createLogger(name).fatal(
      error instanceof ConfigurationError ? error.message : { err: error },
      describeError(error),
    );
    process.exit(error instanceof ConfigurationError ? EXIT_CONFIGURATION : EXIT_FAILURE);
  }
}

/** Tells the parent, where there is one, and the log. */
export function announceReady(logger: Logger, facts: object = {}): void {
  logger.info(facts, 'ready');
  process.send?.({ ready: true, ...facts });
}

/** Tries until it works: the order in which processes start is nobody's business. */
export async function untilReachable<T>(what: string, logger: Logger, reach: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await reach();
    } catch (error) {
      if (tries >= MOST_TRIES) throw error;
      if (tries % SAY_EVERY === 0) logger.warn(`waiting for ${what}: ${describeError(error)}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }
}
