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

export const testParts: readonly SetupPart[] = [
  compilerPart,
  wheelsPart,
  cudaToolsPart,
  chromiumPart,
  motoPart,
];
