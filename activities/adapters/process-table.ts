/** The kernel's table of processes, from /proc: who descends from whom, and whose environment says what. */

import { readdir, readFile } from 'node:fs/promises';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Ticks since boot; with the pid it names a process for ever, since pids are used again. */
  readonly startTime: string;
}

/** All processes that can be seen. Empty where there is no /proc (macOS). */
export async function listProcesses(): Promise<ProcessEntry[]> {
  const names = await readdir('/proc').catch(() => []);
  const entries = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))),
  );
  return entries.filter((entry) => entry !== undefined);
}

/** `undefined` when there is no such process (any more). A zombie counts as gone: it runs nothing. */
export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  // The second field is the command in parentheses, and may hold spaces and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields ?? [];
  const startTime = fields?.[19];
  if (state === undefined || parent === undefined || startTime === undefined || state === 'Z')
    return undefined;
  return { pid, parent: Number(parent), startTime };
}

/** `root` and everything below it. */
export function descendants(table: readonly ProcessEntry[], root: number): ProcessEntry[] {
  const children = Map.groupBy(table, (entry) => entry.parent);
  const found: ProcessEntry[] = table.filter((entry) => entry.pid === root);
  for (let index = 0; index < found.length; index++)
    found.push(...(children.get(found[index]?.pid ?? -1) ?? []));
  return found;
}

/** A variable of a process's environment as it was when it started; `undefined` also where it is not ours to read. */
export async function readEnvironment(pid: number, name: string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const line = text.split('\0').find((entry) => entry.startsWith(`${name}=`));
  return line?.slice(name.length + 1);
}

/** Sends a signal to exactly that process; one that has gone is nothing to complain about. */
export async function signalProcess(entry: ProcessEntry, signal: NodeJS.Signals): Promise<void> {
  const now = await readProcess(entry.pid);
  if (now?.startTime !== entry.startTime) return;
  try {
    process.kill(entry.pid, signal);
  } catch {
    // Gone since, or another user's: then its own daemon ends it.
  }
}
