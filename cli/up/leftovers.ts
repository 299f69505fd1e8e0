/** What an `up` that was killed left running: found by pid and start time, and stopped before a new one begins. */

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNotes } from './notes.ts';
import { type ProcessEntry, readProcess, signalProcess } from '../../activities/adapters/process-table.ts';

interface Recorded {
  readonly name: string;
  readonly pid: number;
  readonly startTime: string;
  readonly stopSignal: NodeJS.Signals;
}

const PATIENCE_MS = 15_000;
const LOOK_MS = 50;

/** Keeps the list of running children on disk. Where that cannot be written (a full disk) it is said, and the children go on. */
export function createPidRecord(runFolder: string, say: (message: string) => void) {
  const file = join(runFolder, 'children.json');
  const recorded = new Map<string, Recorded>();
  let writing = Promise.resolve();
  // Whole or not at all: whoever reads it may do so because we were killed in the middle.
  const write = async (): Promise<void> => {
    await writeFile(`${file}.new`, JSON.stringify([...recorded.values()], null, 1));
    await rename(`${file}.new`, file);
  };
  return {
    add: async (name: string, pid: number, stopSignal: NodeJS.Signals): Promise<void> => {
      const entry = await readProcess(pid);
      if (entry === undefined) return;
      recorded.set(name, { name, pid, startTime: entry.startTime, stopSignal });
      writing = writing.then(() => write().catch((error: Error) => say(`${file}: ${error.message}`)));
      await writing;
    },
  };
}

/** Stops what is left. Returns the names of what it stopped. */
export async function stopLeftovers(runFolder: string): Promise<string[]> {
  const children = await readNotes<Recorded[]>(join(runFolder, 'children.json'), []);
  const left: [Recorded, ProcessEntry][] = [];
  for (const recorded of children) {
    const entry = await readProcess(recorded.pid);
    if (entry?.startTime === recorded.startTime) left.push([recorded, entry]);
  }
  for (const [{ stopSignal }, entry] of left) await signalProcess(entry, stopSignal);
  const deadline = Date.now() + PATIENCE_MS;
  for (const [, entry] of left) {
    while (Date.now() < deadline && (await readProcess(entry.pid))?.startTime === entry.startTime)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    await signalProcess(entry, 'SIGKILL');
  }
  return left.map(([{ name }]) => name);
}
