/** Watching a unit to its end: its log goes to the server as it grows, its limits are kept. */

import type { AttemptOutcome } from '../domain/ci/nix-ending.ts';
import { outcomeOfNix } from '../domain/ci/nix-ending.ts';
import { createNixLogReader } from './adapters/nix-log.ts';
import type { ServerClient } from './adapters/server-client.ts';
import { killUnit, readKillReason, readLog, readUnit, type Unit } from './adapters/unit.ts';

export interface WatchOptions {
  readonly unit: Unit;
  readonly attemptId: number;
  readonly server: ServerClient;
  readonly drvPath: string;
  readonly logLimitBytes: number;
  readonly checked: boolean;
  /** Text that the attempt's log begins with already, of an earlier run of the same attempt. */
  readonly logOffset: number;
  readonly signal: AbortSignal;
}

export interface UnitEnd {
  readonly kind: 'ended' | 'vanished';
  readonly outcome: AttemptOutcome;
  readonly built: boolean;
  readonly nixExit: number | null;
  readonly messages: readonly string[];
  /** Bytes of the attempt's log so far. */
  readonly logBytes: number;
}

/** First looks are quick, for builds that take no time; a long one is looked at twice a second. */
const FIRST_LOOK_MS = 5;
const SLOWEST_LOOK_MS = 500;
const READ_BYTES = 1024 * 1024;

/** Follows a unit until it ends. An abort of `signal` leaves the unit as it is, and throws the reason. */
export async function watchUnit(options: WatchOptions): Promise<UnitEnd> {
  const { unit, signal } = options;
  const reader = createNixLogReader();
  const log = createLogSender(options);
  let position = 0;
  let limitExceeded = false;
  for (let look = FIRST_LOOK_MS; ; look = Math.min(SLOWEST_LOOK_MS, look * 1.5)) {
    signal.throwIfAborted();
    // The state is read first: what the log holds after an exit is all there will be.
    const state = await readUnit(unit);
    for (;;) {
      const chunk = await readLog(unit, position, READ_BYTES);
      if (chunk.length === 0) break;
      position += chunk.length;
      log.add(reader.write(chunk));
      if (!limitExceeded && log.bytes() > options.logLimitBytes) {
        limitExceeded = true;
        await killUnit(unit, 'the log grew over its limit');
      }
      await log.flush(false);
    }
    if (state.kind === 'running') {
      await log.flush(false);
      await pause(look, signal);
      continue;
    }
    log.add(reader.end());
    await log.flush(true);
    const exit = state.kind === 'exited' ? state.exit : null;
    const { built, messages } = reader.facts;
    const hasBuilt = built.has(options.drvPath);
    const killed = limitExceeded ? undefined : await readKillReason(unit);
    return {
      kind: state.kind === 'exited' || limitExceeded ? 'ended' : 'vanished',
      outcome: killed !== undefined ? { outcome: 'aborted', message: killed } : outcomeOfNix({
        exit,
        signal: null,
        messages,
        built: hasBuilt,
        checked: options.checked,
        limitExceeded: limitExceeded ? 'log' : null,
      }),
      built: hasBuilt,
      nixExit: exit,
      messages,
      logBytes: log.bytes(),
    };
  }
}

/** Text is gathered until there is enough of it, or some time has passed. */
const SEND_BYTES = 64 * 1024;
const SEND_MS = 500;

function createLogSender({ server, attemptId, logOffset, logLimitBytes, signal }: WatchOptions) {
  let sent = logOffset;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lastSent = Date.now();
  return {
    bytes: () => sent + waitingBytes,
    add: (text: string) => {
      if (text === '') return;
      // What came within the limit is kept; what goes over it is what ends the attempt.
      const room = Math.max(0, logLimitBytes + SEND_BYTES - sent - waitingBytes);
      const bytes = Buffer.from(text).subarray(0, room);
      waiting.push(bytes);
      waitingBytes += bytes.length;
    },
    flush: async (all: boolean) => {
      if (waitingBytes === 0 || (!all && waitingBytes < SEND_BYTES && Date.now() - lastSent < SEND_MS))
        return;
      const bytes = Buffer.concat(waiting);
      waiting = [];
      waitingBytes = 0;
      await server.appendLog(attemptId, sent, bytes, false, signal);
      sent += bytes.length;
      lastSent = Date.now();
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), {
      once: true,
    });
  });
}
