/** One supervised process: started, watched, started again with growing pauses, stopped by its pid. */

import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { EXIT_CONFIGURATION } from '../../runtime/process.ts';

export interface ChildSpec {
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** Of ours: it says itself when it is ready. */
  readonly ipc: boolean;
  /** Of others: asked until it answers. */
  readonly isReady?: () => Promise<boolean>;
  readonly stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  readonly stopMs: number;
  /** A death before it was ready is the end of it: its port was taken in the meantime, for one. */
  readonly once?: boolean;
}

export interface ChildEvents {
  readonly onStart: (name: string, pid: number) => void;
  readonly onReady: (name: string) => void;
  /** It died; it is started again after `inMs`. */
  readonly onDeath: (name: string, how: string, inMs: number) => void;
  /** It cannot run as it is configured: starting again would not help. */
  readonly onHopeless: (name: string, how: string) => void;
}

export interface Child {
  readonly name: string;
  /** Resolves when it was ready for the first time; rejects when it cannot run. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A process that ran for so long was well: the next pause is short again. */
const WELL_MS = 60_000;
const ASK_MS = 50;

export function supervise(spec: ChildSpec, events: ChildEvents): Child {
  const { promise: ready, resolve: becameReady, reject: failReady } = Promise.withResolvers<void>();
  ready.catch(() => {});
  let stopping = false;
  let wasReady = false;
  let running: ChildProcess | undefined;
  let wake = (): void => {};

  function announce(): void {
    wasReady = true;
    becameReady();
    events.onReady(spec.name);
  }

  /** Runs it once. Returns how it ended. */
  async function runOnce(): Promise<string> {
    let log: FileHandle;
    try {
      log = await open(spec.logFile, 'a');
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    // Told to stop while the log was opened: there is nobody yet who could be told.
    const started = stopping ? undefined : start(spec, log, events.onStart);
    running = started?.process;
    if (running !== undefined) whenReady(running, spec, announce);
    await log.close();
    const how = await started?.ended;
    running = undefined;
    return how ?? 'not started';
  }

  async function runUntilStopped(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!stopping) {
      const startedAt = Date.now();
      const how = await runOnce();
      if (stopping) return;
      if (how === `status ${EXIT_CONFIGURATION}` || (spec.once === true && !wasReady)) {
        failReady(new Error(`${spec.name} cannot run (${how}); its log says why: ${spec.logFile}`));
        events.onHopeless(spec.name, how);
        return;
      }
      pause = Date.now() - startedAt > WELL_MS ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pause * 2);
      events.onDeath(spec.name, how, pause);
      await sleep(pause);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const finished = runUntilStopped();
  return {
    name: spec.name,
    ready,
    stop: async () => {
      stopping = true;
      wake();
      running?.kill(spec.stopSignal);
      const killer = setTimeout(() => running?.kill('SIGKILL'), spec.stopMs);
      await finished;
      clearTimeout(killer);
    },
  };
}

function start(
  spec: ChildSpec,
  log: FileHandle,
  onStart: ChildEvents['onStart'],
): { process: ChildProcess; ended: Promise<string> } {
  const process = spawnWith(spec, log);
  const ended = endOf(process);
  if (process.pid !== undefined) onStart(spec.name, process.pid);
  return { process, ended };
}

/** In a session of its own: the terminal's Ctrl-C is for us, and we stop our children in order. */
function spawnWith({ argv, environment, ipc }: ChildSpec, log: FileHandle): ChildProcess {
  const [command = '', ...args] = argv;
  return spawn(command, args, {
    detached: true,
    env: environment,
    stdio: ['ignore', log.fd, log.fd, ...(ipc ? (['ipc'] as const) : [])],
  });
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `status ${code}` : `signal ${signal}`));
  });
}

/** Calls `announce` when it says that it is ready, or answers. */
function whenReady(child: ChildProcess, { isReady }: ChildSpec, announce: () => void): void {
  child.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'ready' in message) announce();
  });
  if (isReady !== undefined) void untilReady(child, isReady).then((is) => is && announce());
}

async function untilReady(child: ChildProcess, isReady: () => Promise<boolean>): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await isReady().catch(() => false)) return true;
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
  return false;
}
