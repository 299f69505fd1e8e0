/** Postgres: the one that DATABASE_URL names, else the embedded one, whose binaries npm brought. */

import { runCommand } from './command.ts';
import { join } from 'node:path';
import { embeddedPostgresFolder } from '../up/postgres.ts';
import { SetupFailure, type SetupPart } from './part.ts';

export const postgresPart: SetupPart = {
  name: 'Postgres',
  find: async ({ environment }) => {
    if (environment['DATABASE_URL'] || environment['DATABASE_URL_FILE'])
      return 'the one that DATABASE_URL names';
    let folder: string;
    try {
      folder = embeddedPostgresFolder();
    } catch (error) {
      throw new SetupFailure(error instanceof Error ? error.message : String(error));
    }
    const { ok, stdout, problem } = await runCommand([join(folder, 'postgres'), '--version']);
    if (!ok)
      throw new SetupFailure(
        `the embedded Postgres does not run here (${problem}): set DATABASE_URL to one of your own`,
      );
    return `${stdout.trim()}, embedded`;
  },
  announcement: () => 'comes with the npm packages',
  install: () => Promise.reject(new SetupFailure('the embedded Postgres comes with the npm packages')),
};
