/** What set-up put on the machine outside the project: recorded, so that `npm run clean` can take it away. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One store path a line. `cli/clean.mjs` reads it. */
export async function recordStorePaths(cacheFolder: string, paths: readonly string[]): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  const file = join(cacheFolder, 'store-paths');
  const before = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  await writeFile(file, `${[...new Set([...before, ...paths])].join('\n')}\n`);
}
