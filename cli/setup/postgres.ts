/** Postgres: the one that DATABASE_URL names, else the embedded one, whose binaries npm brought. */

import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedPostgresFolder } from '../up/postgres.ts';
import { runCommand } from './command.ts';
import { SetupFailure, type SetupPart } from './part.ts';

export const postgresPart: SetupPart = {
  name: 'Postgres',
  find: async ({ environment }) => {
    if (environment['DATABASE_URL'] || environment['DATABASE_URL_FILE'])
      return 'the one that DATABASE_URL names';
    return (await lacksLinks(embeddedFolder())) ? undefined : await embeddedVersion();
  },
  announcement: () => 'linking the libraries of the embedded one, in node_modules',
  install: async () => {
    const folder = packageFolder(embeddedFolder());
    const { ok, problem } = await runCommand([process.execPath, 'scripts/hydrate-symlinks.js'], {
      cwd: folder,
    });
    if (!ok)
      throw new SetupFailure(`the embedded Postgres cannot link its libraries in ${folder}: ${problem}`);
    return await embeddedVersion();
  },
};

function embeddedFolder(): string {
  try {
    return embeddedPostgresFolder();
  } catch (error) {
    throw new SetupFailure(error instanceof Error ? error.message : String(error));
  }
}

/** The package's own, above `native/bin`. */
function packageFolder(binaries: string): string {
  return join(binaries, '..', '..');
}

/**
 * An npm package cannot carry links, so that this one makes those between its libraries in an install script. npm 11 runs no
 * such script unless it is approved, and set-up asks npm for none.
 */
async function lacksLinks(binaries: string): Promise<boolean> {
  const folder = packageFolder(binaries);
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { target } of JSON.parse(list) as readonly { readonly target: string }[]) {
    const isThere = await lstat(join(folder, target)).then(
      () => true,
      () => false,
    );
    if (!isThere) return true;
  }
  return false;
}

async function embeddedVersion(): Promise<string> {
  const { ok, stdout, problem } = await runCommand([join(embeddedFolder(), 'postgres'), '--version']);
  if (!ok)
    throw new SetupFailure(
      `the embedded Postgres does not run here (${problem}): set DATABASE_URL to one of your own`,
    );
  return `${stdout.trim()}, embedded`;
}
