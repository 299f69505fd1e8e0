/** A second builder with a store and a Nix of its own, in a root of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { clientOf, until } from './runs.ts';
import type { TestStack } from './stack.ts';

const NIX_CURRENT = join(PROJECT_FOLDER, '..', 'shared', 'tools', 'nix-current');

/** `false`, or why there can be no second machine here. */
export const noSecondMachine: string | false =
  existsSync(NIX_CURRENT) && existsSync('/var/cache/nix-current/usr/bin/nix')
    ? false
    : 'needs ../shared/tools/nix-current, installed';

/** Starts it and waits until it takes work; it has the feature `second`. */
export async function startSecondMachine(stack: TestStack): Promise<AsyncDisposable> {
  const keyOf = async (name: string): Promise<string> =>
    (await readFile(join(stack.stateDir, name), 'utf8')).trim();
  const variables = {
    NIXWARP_URL: stack.url,
    NIXWARP_BUILDER_TOKEN: await keyOf('keys/builder-token'),
    NIXWARP_STATE_DIR: `/tmp/second-${process.pid}`,
    NIXWARP_BUILDER_NAME: 'second',
    NIXWARP_FEATURES: 'second',
    NIXWARP_MIN_FREE_BYTES: '0',
    NIXWARP_ANNOUNCE_SECONDS: '1',
    TEMPORAL_ADDRESS: `127.0.0.1:${stack.environment['NIXWARP_TEMPORAL_PORT']}`,
    TEMPORAL_NAMESPACE: `nixwarp-${await keyOf('instance-id')}`,
  };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const child = spawn(
    NIX_CURRENT,
    ['env', ...words, process.execPath, join(PROJECT_FOLDER, 'workers', 'builder.ts')],
    {
      env: { ...process.env, NIX_CURRENT_BIND: PROJECT_FOLDER.replace(/\/$/, '') },
      stdio: 'ignore',
    },
  );
  const gone = once(child, 'exit');
  await until('the second builder is there', async () =>
    (await clientOf(stack).builders()).some(
      (builder) => builder.name === 'second' && builder.state === 'active',
    ),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
