/** What the CUDA example needs: NVIDIA's four wheels in the Nix store, and a C++ compiler. */

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../config.ts';
import { findOnPath, runCommand } from './command.ts';
import { aptInstall, whyNotByApt } from './nix.ts';
import { SetupFailure, type SetupContext, type SetupPart } from './part.ts';
import { recordStorePaths } from './taken.ts';

const EXAMPLE = join(PROJECT_FOLDER, 'examples', 'cuda');
const MIB = 1024 * 1024;

interface Wheel {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

async function wheelsOfThisSystem(): Promise<readonly Wheel[] | undefined> {
  const all = JSON.parse(await readFile(join(EXAMPLE, 'wheels.json'), 'utf8')) as {
    systems: Record<string, Wheel[]>;
  };
  return all.systems[`${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-${process.platform}`];
}

/** The store paths of the wheels, as `nix-store --add-fixed` names them. */
async function wheelPaths(wheels: readonly Wheel[], environment: NodeJS.ProcessEnv): Promise<string[]> {
  const paths = [];
  for (const { sha256, file } of wheels) {
    const { ok, stdout, problem } = await runCommand(
      ['nix-store', '--print-fixed-path', 'sha256', sha256, file],
      { environment },
    );
    if (!ok) throw new SetupFailure(`nix-store --print-fixed-path: ${problem}`);
    paths.push(stdout.trim());
  }
  return paths;
}

export const wheelsPart: SetupPart = {
  name: "NVIDIA's CUDA 13 toolkit",
  find: async ({ environment }) => {
    const wheels = await wheelsOfThisSystem();
    if (wheels === undefined)
      throw new SetupFailure(`NVIDIA has no CUDA wheels for ${process.arch}-${process.platform}`);
    const paths = await wheelPaths(wheels, environment);
    const { ok, stdout } = await runCommand(['nix-store', '--check-validity', '--print-invalid', ...paths], {
      environment,
    });
    return ok && stdout.trim() === '' ? `${wheels.length} wheels in the Nix store` : undefined;
  },
  announcement: () =>
    'four wheels by pip from PyPI into the Nix store (122 MB to download, 122 MB on disk and 330 MB unpacked by the example; licence: CUDA EULA, https://docs.nvidia.com/cuda/eula/ — by going on you accept it)',
  install: async ({ environment, cacheFolder }: SetupContext) => {
    const wheels = (await wheelsOfThisSystem()) ?? [];
    await mkdir(cacheFolder, { recursive: true });
    const folder = await mkdtemp(join(cacheFolder, 'wheels-new-'));
    try {
      const pip = await runCommand(
        [
          'python3',
          '-m',
          'pip',
          'download',
          '--quiet',
          '--no-deps',
          '--only-binary=:all:',
          '--require-hashes',
          '--disable-pip-version-check',
          '--dest',
          folder,
          '--requirement',
          join(EXAMPLE, 'requirements.txt'),
        ],
        { environment },
      );
      if (!pip.ok) throw new SetupFailure(`pip download of the CUDA wheels: ${pip.problem}`);
      for (const { file } of wheels) {
        const added = await runCommand(['nix-store', '--add-fixed', 'sha256', join(folder, file)], {
          environment,
        });
        if (!added.ok) throw new SetupFailure(`nix-store --add-fixed ${file}: ${added.problem}`);
        await recordStorePaths(cacheFolder, [added.stdout.trim()]);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
    return `${wheels.length} wheels, ${Math.round(bytes / MIB)} MiB, in the Nix store`;
  },
};

export const compilerPart: SetupPart = {
  name: 'C++ compiler',
  find: async ({ environment }) => {
    const path = await findOnPath('g++', environment['PATH']);
    return path === undefined || !path.startsWith('/usr/bin') ? undefined : path;
  },
  announcement: () =>
    "Debian's packages gcc and g++ by apt-get (about 60 MB to download, 220 MB on disk; licence: GPL-3.0 with the runtime exception)",
  install: async (context) => {
    const reason = await whyNotByApt();
    if (reason !== undefined) throw new SetupFailure(`there is no /usr/bin/g++, and ${reason}`);
    await aptInstall(['gcc', 'g++', 'libc6-dev'], context);
    return '/usr/bin/g++';
  },
};

/** Why the CUDA example cannot be built here although all parts are there: Nix's sandbox hides the host's compiler. */
export async function whyNoHostCompiler({
  environment,
}: Pick<SetupContext, 'environment'>): Promise<string | undefined> {
  const { ok, stdout } = await runCommand(
    ['nix', '--extra-experimental-features', 'nix-command', 'show-config', '--json'],
    { environment },
  );
  if (!ok) return undefined;
  const config = JSON.parse(stdout) as Record<string, { value?: unknown }>;
  return config['sandbox']?.value === true
    ? "Nix's sandbox is on, which hides the host's C++ compiler from builds"
    : undefined;
}
