/**
 * A unit: a command in a session of its own that writes its log and exit status to files.
 * It outlives the worker that started it; any later worker finds it by its folder and watches on.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import {
  descendants,
  listProcesses,
  type ProcessEntry,
  readEnvironment,
  readProcess,
  signalProcess,
} from './process-table.ts';

export interface Unit {
  readonly name: string;
  readonly folder: string;
  /** Standard error of the command. */
  readonly logFile: string;
}

export type UnitState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'exited'; readonly exit: number }
  /** It is gone and left no status: killed with its wrapper, or by a reboot. */
  | { readonly kind: 'vanished' };

export interface UnitCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Writes who leads the session (its pid and, from /proc, its start time), then runs the command, and writes how it ended.
 * Each of both is one write of one line: a reader takes it when its line break is there. Then it tells whoever listens on
 * descriptor 3; after the listener's death nobody does.
 */
const WRAPPER = `cd "$1" || exit 1; folder=$1; shift
read -r a b c d e f g h i j k l m n o p q r s t u v w </proc/$$/stat; echo "$$ $v" >leader
"$@" >out 2>log </dev/null 3>&-; echo "$?" >exit; echo "$folder" >&3`;

/**
 * Starts units for us: forking this small shell costs a tenth of forking a process of our size. It reads the folder of a unit
 * a line; the command is in the folder's `run`. Its own name, $0, is the path of setsid.
 */
const STARTER = `exec 3>&1 >/dev/null; while read -r folder; do "$0" /bin/sh "$folder/run" & done`;
/** How long Nix may take to end its builder after SIGTERM (DESIGN §6). */
const TERM_MS = 10_000;
const LOOK_MS = 100;
/** The wrapper says within a millisecond or two who it is. */
const START_LOOK_MS = 1;
/** A machine on which two forks take longer than this is not well. */
const START_MS = 30_000;

export function unitAt(unitsFolder: string, name: string): Unit {
  const folder = join(unitsFolder, name);
  return { name, folder, logFile: join(folder, 'log') };
}

/** Starts the command. Returns when its session exists. */
export async function startUnit(unit: Unit, { argv, environment }: UnitCommand): Promise<void> {
  await mkdir(unit.folder, { recursive: true });
  await writeFile(unit.logFile, '');
  const words = [unit.folder, ...argv].map(quoted).join(' ');
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)}`);
  // The environment is the unit's own: the shell that starts it has ours.
  const script = `exec env -i ${variables.join(' ')} /bin/sh -c ${quoted(WRAPPER)} nixwarp-unit ${words}\n`;
  await writeFile(join(unit.folder, 'run'), script);
  ends.set(unit.folder, launch(unit.folder, environment));
  const deadline = Date.now() + START_MS;
  while ((await readLeader(unit)) === undefined) {
    if (Date.now() > deadline) throw new Error(`the unit ${unit.name} did not start within ${START_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, START_LOOK_MS));
  }
}

/** Starts the unit of a folder; the promise resolves when it ends, if this process is still there to hear of it. */
function launch(folder: string, environment: UnitCommand['environment']): Promise<void> {
  return new Promise((resolve) => {
    const current = currentStarter(environment['PATH'] ?? '');
    if (current !== undefined) {
      current.listeners.set(folder, resolve);
      current.process.stdin.write(`${folder}\n`);
      return;
    }
    const child = spawn('/bin/sh', [join(folder, 'run')], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ignore'],
    });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
    child.unref();
  });
}

interface Starter {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly listeners: Map<string, () => void>;
}

let starter: Starter | undefined;

/** `undefined` where no setsid is on `path`. */
function currentStarter(path: string): Starter | undefined {
  if (starter !== undefined && starter.process.exitCode === null && starter.process.signalCode === null)
    return starter;
  const setsid = findSetsid(path);
  if (setsid === undefined) return undefined;
  const process = spawn('/bin/sh', ['-c', STARTER, setsid], { stdio: ['pipe', 'pipe', 'inherit'] });
  const listeners = new Map<string, () => void>();
  createInterface({ input: process.stdout }).on('line', (folder) => {
    listeners.get(folder)?.();
    listeners.delete(folder);
  });
  // A starter that died is replaced by the next unit; those that it started are looked at instead of heard.
  process.stdin.on('error', () => {});
  process.on('error', () => {});
  // It must not keep a process alive that has nothing else to do.
  process.unref();
  (process.stdout as Readable & { unref?: () => void }).unref?.();
  (process.stdin as Writable & { unref?: () => void }).unref?.();
  starter = { process, listeners };
  return starter;
}

/** util-linux's command: on every usual Linux, not on the barest ones and not on macOS. */
function findSetsid(path: string): string | undefined {
  return path
    .split(':')
    .map((folder) => join(folder, 'setsid'))
    .find((file) => existsSync(file));
}

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Ends of units that this process started itself, by folder: an event instead of a look. */
const ends = new Map<string, Promise<void>>();

/** Resolves when the unit may have ended, at the latest after `ms`. */
export async function untilMaybeEnded(unit: Unit, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const giveUp = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const look = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const timer = setTimeout(look, ms);
    signal.addEventListener('abort', giveUp, { once: true });
    void ends.get(unit.folder)?.then(look);
  });
  signal.throwIfAborted();
}

export async function readUnit(unit: Unit): Promise<UnitState> {
  const leader = await readLeader(unit);
  const alive = leader === undefined ? undefined : await findAlive(leader);
  // Looked for after the process: a status that is written in between is seen.
  const exit = await readLine(join(unit.folder, 'exit'));
  if (exit !== undefined) {
    ends.delete(unit.folder);
    return { kind: 'exited', exit: Number(exit) };
  }
  if (leader === undefined)
    return (await readText(join(unit.folder, 'run'))) === undefined
      ? { kind: 'absent' }
      : { kind: 'vanished' };
  return alive === undefined ? { kind: 'vanished' } : { kind: 'running', pid: leader.pid };
}

/**
 * Ends everything of the unit: SIGTERM to the command, ten seconds, then SIGKILL to what is left. Nix's builder has a session
 * of its own and survives Nix, so what descends from the unit is noted before, and found again by its `NIX_BUILD_TOP`.
 */
export async function killUnit(unit: Unit, reason: string): Promise<void> {
  const state = await readUnit(unit);
  const leader = await readLeader(unit);
  if (leader === undefined) return;
  if (state.kind === 'running') await writeWhole(join(unit.folder, 'killed'), reason);
  const family = createFamily(leader.pid);
  await family.look();
  if (state.kind === 'running') {
    for (const entry of family.members())
      if (entry.pid !== leader.pid && (await readEnvironment(entry.pid, 'NIX_BUILD_TOP')) === undefined)
        await signalProcess(entry, 'SIGTERM');
    const deadline = Date.now() + TERM_MS;
    // Looked at again and again: a builder may have been forked just now.
    while (Date.now() < deadline && (await family.look()))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // Twice: a process may fork while it is being looked for.
  for (let round = 0; round < 2; round++) {
    await family.look();
    for (const entry of [...family.members(), ...(await family.strays())])
      await signalProcess(entry, 'SIGKILL');
  }
}

/** The processes of a unit, as far as they were ever seen below it, and the build folders that they were given. */
function createFamily(leaderPid: number) {
  const seen = new Map<string, ProcessEntry>();
  const buildTops = new Set<string>();
  const add = async (entry: ProcessEntry): Promise<void> => {
    seen.set(`${entry.pid}/${entry.startTime}`, entry);
    const top = await buildTopOf(entry);
    if (top !== undefined) buildTops.add(top);
  };
  return {
    members: (): ProcessEntry[] => [...seen.values()],
    /** Looks once more; whether any of them is alive. */
    look: async (): Promise<boolean> => {
      const table = await listProcesses();
      const known = new Set(table.map((entry) => `${entry.pid}/${entry.startTime}`));
      const roots = [leaderPid, ...[...seen].filter(([key]) => known.has(key)).map(([, entry]) => entry.pid)];
      for (const root of roots) for (const entry of descendants(table, root)) await add(entry);
      return [...seen.keys()].some((key) => known.has(key));
    },
    /** Others whose environment has a build folder of this unit: orphans that left their session. */
    strays: async (): Promise<ProcessEntry[]> => {
      if (buildTops.size === 0) return [];
      const found: ProcessEntry[] = [];
      for (const entry of await listProcesses()) {
        const top = await buildTopOf(entry);
        if (top !== undefined && buildTops.has(top)) found.push(entry);
      }
      return found;
    },
  };
}

/** The build folder of a process that Nix started. In a sandbox it is `/build` for all, which names no build. */
async function buildTopOf(entry: ProcessEntry): Promise<string | undefined> {
  const top = await readEnvironment(entry.pid, 'NIX_BUILD_TOP');
  return top === undefined || top === '/build' ? undefined : top;
}

/** Why it was killed by us; `undefined` when it was not. */
export async function readKillReason(unit: Unit): Promise<string | undefined> {
  return readText(join(unit.folder, 'killed'));
}

export async function removeUnit(unit: Unit): Promise<void> {
  ends.delete(unit.folder);
  await rm(unit.folder, { recursive: true, force: true });
}

/** What was decided about a finished unit, kept so that a repeated attempt reports the same. */
export async function readResult(unit: Unit): Promise<unknown> {
  const text = await readText(join(unit.folder, 'result.json'));
  return text === undefined ? undefined : JSON.parse(text);
}

export async function writeResult(unit: Unit, result: unknown): Promise<void> {
  await mkdir(unit.folder, { recursive: true });
  await writeWhole(join(unit.folder, 'result.json'), JSON.stringify(result));
}

/** A log is read in pieces of this size; most fit into one. */
const PIECE_BYTES = 32 * 1024;

/** New bytes of the unit's log from `offset` on, at most a piece; empty at its end. */
export async function readLog(unit: Unit, offset: number): Promise<Buffer> {
  const handle = await open(unit.logFile, 'r').catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

interface Leader {
  readonly pid: number;
  readonly startTime: string;
}

async function readLeader(unit: Unit): Promise<Leader | undefined> {
  const [pid, startTime] = (await readLine(join(unit.folder, 'leader')))?.split(' ') ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime };
}

async function findAlive({ pid, startTime }: Leader): Promise<ProcessEntry | undefined> {
  const entry = await readProcess(pid);
  return entry?.startTime === startTime ? entry : undefined;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** The first line of a file, once it is whole. */
async function readLine(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.endsWith('\n') ? text.trim() : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => undefined))?.trim();
}
