/** Builds outlive their worker on purpose; when everything is stopped, they are stopped too. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { killUnit, readUnit, unitAt } from '../../activities/adapters/unit.ts';

/** Ends all builds of all builders of this state folder. */
export async function killUnits(stateFolder: string): Promise<void> {
  const builders = await readdir(join(stateFolder, 'builder')).catch(() => []);
  for (const builder of builders) {
    const folder = join(stateFolder, 'builder', builder, 'units');
    const names = await readdir(folder).catch(() => []);
    const units = names.map((name) => unitAt(folder, name));
    const running = [];
    for (const unit of units) if ((await readUnit(unit)).kind === 'running') running.push(unit);
    await Promise.all(running.map((unit) => killUnit(unit, 'stopped with everything else on this machine')));
  }
}
