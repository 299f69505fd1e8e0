/** The state folder: where everything of one instance lies, with its keys and tokens. */

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from '../../domain/nix/signature.ts';

export interface InstanceState {
  readonly folder: string;
  /** Tells instances on one Temporal, one machine or one Nix store apart. */
  readonly instanceId: string;
  readonly keys: {
    readonly cacheSecretKeyFile: string;
    readonly cachePublicKey: string;
    readonly adminTokenFile: string;
    readonly builderTokenFile: string;
    readonly postgresPasswordFile: string;
  };
  readonly folders: {
    readonly postgres: string;
    readonly temporal: string;
    /** Pids, ports and logs of processes. */
    readonly run: string;
  };
}

/** Opens the folder, and makes on first use what is missing. Keys are readable by their owner only. */
export async function openState(folder: string): Promise<InstanceState> {
  const keys = join(folder, 'keys');
  const folders = {
    postgres: join(folder, 'postgres'),
    temporal: join(folder, 'temporal'),
    run: join(folder, 'run'),
  };
  for (const one of [folder, folders.temporal, folders.run]) await mkdir(one, { recursive: true });
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const secret = (name: string, make: () => string) => readOrMake(join(keys, name), make);
  const instanceId = await readOrMake(join(folder, 'instance-id'), () => randomBytes(4).toString('hex'));
  const secretKey = await secret('cache-secret-key', () =>
    formatSecretKey(generateSecretKey(`nixwarp-${instanceId}-1`)),
  );
  const cachePublicKey = formatPublicKey(publicKeyOf(parseSecretKey(secretKey)));
  await writeFile(join(keys, 'cache-public-key'), `${cachePublicKey}\n`);
  for (const name of ['admin-token', 'builder-token', 'postgres-password'])
    await secret(name, () => randomBytes(24).toString('base64url'));
  return {
    folder,
    instanceId,
    keys: {
      cacheSecretKeyFile: join(keys, 'cache-secret-key'),
      cachePublicKey,
      adminTokenFile: join(keys, 'admin-token'),
      builderTokenFile: join(keys, 'builder-token'),
      postgresPasswordFile: join(keys, 'postgres-password'),
    },
    folders,
  };
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  const existing = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (existing !== undefined) return existing.trim();
  const value = make();
  // Renamed into place: a second process sees no key, or a whole one.
  await writeFile(`${file}.new`, `${value}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return value;
}
