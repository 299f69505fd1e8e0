/** Watching a unit to its end: its log goes to the server as it grows, its limits are kept. */

import type { AttemptOutcome } from '../domain/ci/nix-ending.ts';
import { outcomeOfNix } from '../domain/ci/nix-ending.ts';
import { createNixLogReader } from './adapters/nix-log.ts';
import type { ServerClient } from './adapters/server-client.ts';
import { killUnit, readKillReason, readLog, readUnit, type Unit, untilMaybeEnded } from './adapters/unit.ts';

export interface WatchOptions {
  readonly unit: Unit;
  readonly attemptId: number;
  readonly server: ServerClient;
  readonly drvPath: string;
  readonly logLimitBytes: number;
  /** What Nix was told. */
  readonly limits: { readonly timeoutSeconds: number; readonly silentTimeoutSeconds: number };
  readonly checked: boolean;
  /** The log of an earlier run of the same attempt, which goes on. */
  readonly log?: LogSender;
  readonly signal: AbortSignal;
}

export interface UnitEnd {
  readonly kind: 'ended' | 'vanished';
  readonly outcome: AttemptOutcome;
  readonly built: boolean;
  readonly nixExit: number | null;
  readonly messages: readonly string[];
  /** What is left of its log to send; more may be added. */
  readonly log: LogSender;
}

export interface LogSender {
  /** Bytes of the attempt's log so far, sent or not. */
  bytes(): number;
  add(text: string): void;
  /** Sends what is worth a request by now. */
  flush(): Promise<void>;
  /** Sends the rest; nothing follows. */
  close(): Promise<void>;
}

/** A unit of an earlier process ends without an event; its log is looked at as often as a reader would want it. */
const FIRST_LOOK_MS = 50;
const SLOWEST_LOOK_MS = 500;

/** Follows a unit until it ends. An abort of `signal` leaves the unit as it is, and throws the reason. */
export async function watchUnit(options: WatchOptions): Promise<UnitEnd> {
  const { unit, signal } = options;
  const reader = createNixLogReader();
  const log = options.log ?? createLogSender(options);
  const before = log.bytes();
  let position = 0;
  let limitExceeded = false;
  for (let look = FIRST_LOOK_MS; ; look = Math.min(SLOWEST_LOOK_MS, look * 1.5)) {
    signal.throwIfAborted();
    // The state is read first: what the log holds after an exit is all there will be.
    const state = await readUnit(unit);
    for (;;) {
      const chunk = await readLog(unit, position);
      if (chunk.length === 0) break;
      position += chunk.length;
      log.add(reader.write(chunk));
      if (!limitExceeded && log.bytes() - before > options.logLimitBytes) {
        limitExceeded = true;
        await killUnit(unit, 'the log grew over its limit');
      }
      await log.flush();
    }
    if (state.kind === 'running') {
      await log.flush();
      await untilMaybeEnded(unit, look, signal);
      continue;
    }
    log.add(reader.end());
    const exit = state.kind === 'exited' ? state.exit : null;
    const { built, messages } = reader.facts;
    const hasBuilt = built.has(options.drvPath);
    const killed = limitExceeded ? undefined : await readKillReason(unit);
    return {
      kind: state.kind === 'exited' || limitExceeded ? 'ended' : 'vanished',
      outcome:
        killed !== undefined
          ? { outcome: 'aborted', message: killed }
          : outcomeOfNix({
              exit,
              signal: null,
              messages,
              built: hasBuilt,
              checked: options.checked,
              limitExceeded: limitExceeded ? 'log' : null,
              limits: options.limits,
            }),
      built: hasBuilt,
      nixExit: exit,
      messages,
      log,
    };
  }
}

/** Text is gathered until there is enough of it, or some time has passed. */
const SEND_BYTES = 64 * 1024;
const SEND_MS = 500;

function createLogSender({ server, attemptId, logLimitBytes, signal }: WatchOptions): LogSender {
  let sent = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lastSent = Date.now();

  async function send(closed: boolean): Promise<void> {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    await server.appendLog(attemptId, sent, bytes, closed, signal);
    sent += bytes.length;
    lastSent = Date.now();
  }

  return {
    bytes: () => sent + waitingBytes,
    add: (text) => {
      if (text === '') return;
      // What came within the limit is kept; what goes over it is what ends the attempt.
      const room = Math.max(0, logLimitBytes + SEND_BYTES - sent - waitingBytes);
      const bytes = Buffer.from(text).subarray(0, room);
      waiting.push(bytes);
      waitingBytes += bytes.length;
    },
    flush: async () => {
      if (waitingBytes >= SEND_BYTES || (waitingBytes > 0 && Date.now() - lastSent >= SEND_MS))
        await send(false);
    },
    close: () => send(true),
  };
}
