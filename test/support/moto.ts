/** moto's S3 server, by pip into a virtual environment of its own: for tests of buckets. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../cli/setup/command.ts';
import { SetupFailure, type SetupPart } from '../../cli/setup/part.ts';

const VERSION = '5.2.5';

export function motoServer(cacheFolder: string): string {
  return join(cacheFolder, 'moto', 'bin', 'moto_server');
}

export const motoPart: SetupPart = {
  name: "moto's S3 server",
  find: async ({ cacheFolder }) =>
    existsSync(motoServer(cacheFolder)) ? motoServer(cacheFolder) : undefined,
  announcement: ({ cacheFolder }) =>
    `moto ${VERSION} from PyPI into ${join(cacheFolder, 'moto')}, for tests of buckets (50 MB to download, 320 MB on disk; licence: Apache-2.0)`,
  install: async ({ cacheFolder, environment }) => {
    const folder = join(cacheFolder, 'moto');
    for (const argv of [
      ['python3', '-m', 'venv', folder],
      [join(folder, 'bin', 'pip'), 'install', '--quiet', `moto[server]==${VERSION}`],
    ]) {
      const { ok, problem } = await runCommand(argv, { environment: { ...environment } });
      if (!ok) throw new SetupFailure(`${argv.join(' ')}: ${problem}`);
    }
    return motoServer(cacheFolder);
  },
};
