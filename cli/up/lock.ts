/** One `up` a state folder: who holds it, and where its server is. */

import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNotes } from './notes.ts';
import { readProcess } from '../../activities/adapters/process-table.ts';

export interface RunningInstance {
  readonly pid: number;
  readonly startTime: string;
  readonly url: string;
}

const file = (runFolder: string): string => join(runFolder, 'up.json');

/** The instance that runs on this folder; `undefined` when none does. */
export async function findRunningInstance(runFolder: string): Promise<RunningInstance | undefined> {
  const recorded = await readNotes<RunningInstance>(file(runFolder), { pid: 0, startTime: '', url: '' });
  const entry = await readProcess(recorded.pid);
  return entry?.startTime === recorded.startTime ? recorded : undefined;
}

/**
 * Takes the folder for this process. @throws Error naming the process that has it.
 * Returns a function that gives it back.
 */
export async function lockInstance(runFolder: string, url: string): Promise<() => Promise<void>> {
  const startTime = (await readProcess(process.pid))?.startTime ?? '';
  const mine = `${file(runFolder)}.${process.pid}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, startTime, url } satisfies RunningInstance));
  try {
    for (let tries = 0; ; tries++) {
      try {
        // Either the name is free and now ours, or it is not: two at once cannot both succeed.
        await link(mine, file(runFolder));
        return () => rm(file(runFolder), { force: true });
      } catch (error) {
        const holder = await findRunningInstance(runFolder);
        if (holder !== undefined || tries > 0)
          throw new Error(
            `nixwarp runs on this state folder already: process ${holder?.pid}, ${holder?.url}`,
            { cause: error },
          );
        await rm(file(runFolder), { force: true });
      }
    }
  } finally {
    await rm(mine, { force: true });
  }
}
