/** Commands about jobsets: saving one in the server, and asking for an evaluation of it. */

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { readJobsetFile } from '../run/target.ts';

export async function saveJobset(
  config: CliConfig,
  file: string,
  { json = false }: { json?: boolean },
): Promise<number> {
  const path = resolve(file);
  if ((await stat(path).catch(() => undefined)) === undefined)
    throw new CommandFailure(EXIT.usage, `${path} does not exist`);
  const jobset = await readJobsetFile(path, 'file', {
    environment: config.environment,
    attr: undefined,
    recurse: undefined,
  });
  const client = await requireServer(config);
  const saved = await client.saveJobset(jobset);
  process.stdout.write(
    json
      ? `${JSON.stringify(saved, null, 2)}\n`
      : `jobset ${saved.id}: ${saved.project}/${saved.name} is saved\n`,
  );
  return EXIT.ok;
}

export async function trigger(
  config: CliConfig,
  name: string,
  options: { force?: boolean; json?: boolean },
): Promise<number> {
  const client = await requireServer(config);
  const jobset = (await client.jobsets()).find(
    (one) => `${one.project}/${one.name}` === name || String(one.id) === name,
  );
  if (jobset === undefined)
    throw new CommandFailure(EXIT.usage, `there is no jobset "${name}": PROJECT/JOBSET is expected`);
  const made = await client.trigger(jobset.id, options.force === true);
  const text = `trigger ${made.id}: ${name} is evaluated in ${jobset.config.debounceSeconds} s unless more triggers come`;
  process.stdout.write(options.json === true ? `${JSON.stringify(made, null, 2)}\n` : `${text}\n`);
  return EXIT.ok;
}
