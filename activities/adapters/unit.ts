/**
 * A unit: a command in a session of its own that writes its log and exit status to files.
 * It outlives the worker that started it; any later worker finds it by its folder and watches on.
 */

import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
 * Writes who leads the session (its pid and, from /proc, its start time), then runs the command.
 * Each file is renamed into place, so that it is there as a whole or not at all.
 */
const WRAPPER = `cd "$1" || exit 1; shift
read -r a b c d e f g h i j k l m n o p q r s t u v w </proc/$$/stat; echo "$$ $v" >leader.new; mv leader.new leader
"$@" >out 2>log </dev/null; echo "$?" >exit.new; mv exit.new exit`;
/** How long Nix may take to end its builder after SIGTERM (DESIGN §6). */
const TERM_MS = 10_000;
const LOOK_MS = 100;
/** The wrapper says within a millisecond or two who it is. */
const START_LOOK_MS = 1;

export function unitAt(unitsFolder: string, name: string): Unit {
  const folder = join(unitsFolder, name);
  return { name, folder, logFile: join(folder, 'log') };
}

/** Starts the command. Returns when its session exists. */
export async function startUnit(unit: Unit, { argv, environment }: UnitCommand): Promise<void> {
  await mkdir(unit.folder, { recursive: true });
  await writeFile(unit.logFile, '');
  await writeFile(join(unit.folder, 'command'), `${JSON.stringify(argv)}\n`);
  const child = spawn('/bin/sh', ['-c', WRAPPER, 'nixwarp-unit', unit.folder, ...argv], {
    detached: true,
    stdio: 'ignore',
    env: { ...environment },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve());
  });
  child.unref();
  ends.set(unit.folder, new Promise((resolve) => child.once('exit', () => resolve())));
  while ((await readLeader(unit)) === undefined && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, START_LOOK_MS));
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
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', giveUp, { once: true });
    void ends.get(unit.folder)?.then(done);
  });
  signal.throwIfAborted();
}

export async function readUnit(unit: Unit): Promise<UnitState> {
  const leader = await readLeader(unit);
  const alive = leader === undefined ? undefined : await findAlive(leader);
  // Looked for after the process: a status that is written in between is seen.
  const exit = await readText(join(unit.folder, 'exit'));
  if (exit !== undefined) {
    ends.delete(unit.folder);
    return { kind: 'exited', exit: Number(exit) };
  }
  if (leader === undefined)
    return (await readText(join(unit.folder, 'command'))) === undefined
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
  const family = descendants(await listProcesses(), leader.pid);
  const buildTops = new Set(
    (await Promise.all(family.map((entry) => buildTopOf(entry)))).filter((top) => top !== undefined),
  );
  if (state.kind === 'running') {
    for (const entry of family)
      if (entry.pid !== leader.pid && (await readEnvironment(entry.pid, 'NIX_BUILD_TOP')) === undefined)
        await signalProcess(entry, 'SIGTERM');
    await untilGone(family, TERM_MS);
  }
  await killLeftOver(family, buildTops);
}

async function killLeftOver(family: readonly ProcessEntry[], buildTops: ReadonlySet<string>): Promise<void> {
  // Twice: a process may fork while it is being looked for.
  for (let round = 0; round < 2; round++) {
    const table = await listProcesses();
    const below = family.flatMap((entry) => descendants(table, entry.pid));
    const ofBuild: ProcessEntry[] = [];
    for (const entry of buildTops.size === 0 ? [] : table) {
      const top = await buildTopOf(entry);
      if (top !== undefined && buildTops.has(top)) ofBuild.push(entry);
    }
    for (const entry of [...family, ...below, ...ofBuild]) await signalProcess(entry, 'SIGKILL');
  }
}

/** The build folder of a process that Nix started. In a sandbox it is `/build` for all, which names no build. */
async function buildTopOf(entry: ProcessEntry): Promise<string | undefined> {
  const top = await readEnvironment(entry.pid, 'NIX_BUILD_TOP');
  return top === undefined || top === '/build' ? undefined : top;
}

async function untilGone(family: readonly ProcessEntry[], patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const alive = await Promise.all(family.map(findAlive));
    if (alive.every((entry) => entry === undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
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

/** New bytes of the unit's log from `offset` on. */
export async function readLog(unit: Unit, offset: number, maxBytes: number): Promise<Buffer> {
  const handle = await open(unit.logFile, 'r').catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, offset);
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
  const [pid, startTime] = (await readText(join(unit.folder, 'leader')))?.split(' ') ?? [];
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

async function readText(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => undefined))?.trim();
}
