/** The key that signs staging views: another one than the cache's, which whoever trusts the cache does not trust. */

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatSecretKey,
  generateSecretKey,
  parseSecretKey,
  type SecretKey,
} from '../../domain/nix/signature.ts';
import { ifMissing } from './sources/folder.ts';

export interface StagingKeyOptions {
  readonly stateDir: string;
  /** `<name>:<base64>`; `undefined`: the one in the state folder, made on first use. */
  readonly stagingSecretKey: string | undefined;
}

/** A new key is called after that of the cache. @throws ParseError where the file holds no key. */
export async function openStagingKey(
  { stateDir, stagingSecretKey }: StagingKeyOptions,
  cacheKey: SecretKey,
): Promise<SecretKey> {
  if (stagingSecretKey !== undefined) return parseSecretKey(stagingSecretKey);
  const folder = join(stateDir, 'keys');
  const file = join(folder, 'staging-secret-key');
  const known = await readFile(file, 'utf8').catch(ifMissing(undefined));
  if (known !== undefined) return parseSecretKey(known);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = `${file}.${process.pid}`;
  await writeFile(made, `${formatSecretKey(generateSecretKey(`${cacheKey.name}-staging`))}\n`, {
    mode: 0o600,
  });
  try {
    // Of several processes that start at once, the first one's is everybody's.
    await link(made, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(made, { force: true });
  }
  return parseSecretKey(await readFile(file, 'utf8'));
}

/** What is wrong with the two keys together. */
export function stagingKeyProblem({
  secretKey,
  stagingSecretKey,
}: {
  readonly secretKey?: string | undefined;
  readonly stagingSecretKey?: string | undefined;
}): string | undefined {
  if (secretKey === undefined || stagingSecretKey === undefined) return undefined;
  const { name } = parseSecretKey(stagingSecretKey);
  const isShared = secretKey.split(/\s+/).some((key) => key.startsWith(`${name}:`));
  return isShared
    ? `NIXWARP_STAGING_SECRET_KEY: ${name} signs the cache, too: give it a key with a name of its own`
    : undefined;
}
