/** `nixwarp up`. */

import type { CliConfig } from '../config.ts';
import { EXIT } from '../exit.ts';
import { startOwnStack } from '../run/run.ts';
import { describeStack } from '../up/describe.ts';
import { untilStopped } from '../up/until-stopped.ts';

export async function up(config: CliConfig): Promise<number> {
  const say = (message: string): void => void process.stdout.write(`${message}\n`);
  // Asked for before anything starts: a Ctrl-C during the start stops it in order, too.
  const stopped = untilStopped();
  const starting = startOwnStack(config, say);
  const first = await Promise.race([starting, stopped]);
  if (first === undefined) {
    say('stopping …');
    await (await starting)[Symbol.asyncDispose]();
    return EXIT.ok;
  }
  await using stack = first;
  for (const line of await describeStack(stack)) say(line);
  say('Ctrl-C stops everything.');
  await Promise.race([stopped, stack.hopeless]);
  say('stopping …');
  return EXIT.ok;
}
