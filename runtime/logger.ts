/** Logs of a process: JSON lines on standard output, which `up` renders and keeps. */

import { type Logger, pino } from 'pino';

export function createLogger(processName: string): Logger {
  return pino({ name: processName, base: { name: processName }, timestamp: pino.stdTimeFunctions.isoTime });
}

/** An error with its causes on one line: drizzle and Temporal wrap what matters. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}

/** For a command that people run: only what went wrong, on standard error. */
export function createWarningLogger(commandName: string): Logger {
  return pino(
    {
      name: commandName,
      base: { name: commandName },
      level: 'warn',
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
