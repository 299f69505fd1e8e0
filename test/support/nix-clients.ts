/** Stock Nix clients with empty stores: the one on PATH, and a current one in a root of its own where there is one. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../../cli/config.ts';

export interface NixClient {
  readonly name: string;
  /** Runs `nix ARGS` against an empty store of its own, or against `store`. Never throws. */
  run(args: readonly string[], store?: string): Promise<{ ok: boolean; output: string }>;
  /** Removes the store. */
  close(): Promise<void>;
}

const NIX_CURRENT = join(PROJECT_FOLDER, '..', 'shared', 'tools', 'nix-current');
const CURRENT_ROOT = '/var/cache/nix-current';

/** Clients by name; a function that makes one, or the reason why there is none. */
export const nixClients: Readonly<Record<string, (() => Promise<NixClient>) | string>> = {
  'Nix on PATH': distributionClient,
  'current Nix': existsSync(NIX_CURRENT)
    ? existsSync(join(CURRENT_ROOT, 'usr', 'bin', 'nix'))
      ? currentClient
      : `${NIX_CURRENT} is not installed`
    : 'there is no ../shared/tools/nix-current',
};

const OPTIONS = ['--extra-experimental-features', 'nix-command flakes', '--option', 'substituters', ''];

async function distributionClient(): Promise<NixClient> {
  const store = await mkdtemp(join(tmpdir(), 'nixwarp-store-'));
  return {
    name: 'Nix on PATH',
    // A fresh cache folder, too: answers about the cache must not come from an earlier test.
    run: (args, other = store) =>
      run('nix', [...OPTIONS, ...args, '--store', other], {
        ...process.env,
        XDG_CACHE_HOME: join(store, 'cache'),
      }),
    close: async () => {
      await run('chmod', ['-R', 'u+w', store], process.env);
      await rm(store, { recursive: true, force: true });
    },
  };
}

async function currentClient(): Promise<NixClient> {
  const store = `/tmp/store-${process.pid}-${Date.now()}`;
  return {
    name: 'current Nix',
    run: (args, other = store) =>
      run(
        NIX_CURRENT,
        ['env', `XDG_CACHE_HOME=${store}/cache`, 'nix', ...OPTIONS, ...args, '--store', other],
        process.env,
      ),
    close: async () => {
      await run('chmod', ['-R', 'u+w', join(CURRENT_ROOT, store)], process.env);
      await rm(join(CURRENT_ROOT, store), { recursive: true, force: true });
    },
  };
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: stdout + stderr }),
    );
  });
}
