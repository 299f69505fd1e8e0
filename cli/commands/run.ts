/** `nixwarp run`. */

import { cwd } from 'node:process';
import type { CliConfig } from '../config.ts';
import { runAndReport, withServer } from '../run/run.ts';
import { readTarget } from '../run/target.ts';

export interface RunCommandOptions {
  readonly attr?: string;
  readonly arg?: readonly (readonly [string, string])[];
  readonly argstr?: readonly (readonly [string, string])[];
  readonly recurse?: 'all' | 'marked';
  readonly jobset?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export async function run(config: CliConfig, target: string, options: RunCommandOptions): Promise<number> {
  const json = options.json === true;
  // With --json, standard output is for the document alone.
  const stream = json ? process.stderr : process.stdout;
  const say = (message: string): void => void stream.write(`${message}\n`);
  const start = await readTarget(target, cwd(), {
    attr: options.attr,
    args: options.arg ?? [],
    argStrings: options.argstr ?? [],
    recurse: options.recurse,
    jobset: options.jobset === true,
    environment: config.environment,
  });
  return withServer(config, say, (client) =>
    runAndReport(client, start, { json, stream, say, verbose: options.watch === true }),
  );
}
