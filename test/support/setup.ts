/** What only some tests need, beside what nixwarp itself needs. */

import { compilerPart, wheelsPart } from '../../cli/setup/cuda.ts';
import { findOnPath } from '../../cli/setup/command.ts';
import { aptInstall, whyNotByApt } from '../../cli/setup/nix.ts';
import { SetupFailure, type SetupPart } from '../../cli/setup/part.ts';
import { cudaToolsPart } from './cuda-tools.ts';
import { motoPart } from './moto.ts';

const chromiumPart: SetupPart = {
  name: 'Chromium',
  find: async ({ environment }) =>
    (await findOnPath('chromium', environment['PATH'])) ??
    (await findOnPath('chromium-browser', environment['PATH'])),
  announcement: () =>
    "Debian's package chromium by apt-get, to look at the pages (110 MB to download, 400 MB on disk; licence: BSD-3-Clause)",
  install: async (context) => {
    const reason = await whyNotByApt();
    if (reason !== undefined) throw new SetupFailure(reason);
    await aptInstall(['chromium'], context);
    return '/usr/bin/chromium';
  },
};

/** Others' implementations of what we read and write, to hold ours against. */
const PROGRAMS = { xz: 'xz-utils', bzip2: 'bzip2', zstd: 'zstd', readelf: 'binutils', ps: 'procps' } as const;

const programsPart: SetupPart = {
  name: 'Programs to compare with',
  find: async ({ environment }) => {
    for (const name of Object.keys(PROGRAMS))
      if ((await findOnPath(name, environment['PATH'])) === undefined) return undefined;
    return Object.keys(PROGRAMS).join(', ');
  },
  announcement: () =>
    `Debian's packages ${Object.values(PROGRAMS).join(', ')} by apt-get (a few MB; licences: BSD, GPL and the like)`,
  install: async (context) => {
    const reason = await whyNotByApt();
    if (reason !== undefined) throw new SetupFailure(reason);
    await aptInstall(Object.values(PROGRAMS), context);
    return Object.keys(PROGRAMS).join(', ');
  },
};

export const testParts: readonly SetupPart[] = [
  programsPart,
  compilerPart,
  wheelsPart,
  cudaToolsPart,
  chromiumPart,
  motoPart,
];
