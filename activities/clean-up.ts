/** Taking away what a builder no longer needs: finished units, and the roots that held their outputs. */

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readResult, removeUnit, unitAt } from './adapters/unit.ts';

export interface CleanUpFolders {
  readonly units: string;
  readonly roots: string;
}

/** A repeated attempt (Temporal's database was lost) finds the result of its unit for so long. */
const KEPT_MS = 3_600_000;
/** Inputs of a build that is still running are held for longer than any build may take. */
const ROOTS_KEPT_MS = 8 * 24 * 3_600_000;

/** Removes units that ended long ago with their roots, and roots that nobody can need. Returns how many units went. */
export async function cleanUp({ units, roots }: CleanUpFolders, now: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(units).catch(() => [])) {
    const unit = unitAt(units, name);
    const age = await ageOf(join(unit.folder, 'result.json'), now);
    if (age === undefined || age < KEPT_MS || (await readResult(unit)) === undefined) continue;
    await removeUnit(unit);
    // Nix names further outputs `<root>-2`, `<root>-dev`.
    for (const root of await readdir(roots).catch(() => []))
      if (root === name || root.startsWith(`${name}-`)) await rm(join(roots, root), { force: true });
    removed++;
  }
  for (const root of await readdir(roots).catch(() => []))
    if (((await ageOf(join(roots, root), now)) ?? 0) > ROOTS_KEPT_MS)
      await rm(join(roots, root), { force: true });
  return removed;
}

async function ageOf(path: string, now: number): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : now - found.mtimeMs;
}
