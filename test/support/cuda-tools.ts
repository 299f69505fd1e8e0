/** NVIDIA's own tools and libraries, to check readers of device code against. */

import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, PROJECT_FOLDER } from '../../cli/config.ts';
import { runCommand } from '../../cli/setup/command.ts';
import { SetupFailure, type SetupPart } from '../../cli/setup/part.ts';

const FOLDER = join(CACHE_FOLDER, 'cuda-tools');
const REQUIREMENTS = join(import.meta.dirname, 'cuda-wheels.txt');

/** Four wheels, and `cuobjdump` unpacked. */
export const cudaToolsPart: SetupPart = {
  name: "NVIDIA's cuobjdump and libraries to read",
  find: async () => ((await listWheels()).length >= 4 ? FOLDER : undefined),
  announcement: () =>
    'four wheels by pip from PyPI (13 MB to download; licence: CUDA EULA, https://docs.nvidia.com/cuda/eula/ — by going on you accept it)',
  install: async ({ environment }) => {
    await mkdir(CACHE_FOLDER, { recursive: true });
    const folder = await mkdtemp(join(CACHE_FOLDER, 'cuda-tools-new-'));
    try {
      const pip = 'python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes'.split(' ');
      await must(
        [...pip, '--disable-pip-version-check', '--dest', folder, '--requirement', REQUIREMENTS],
        environment,
      );
      const wheel = (await readdir(folder)).find((file) => file.startsWith('nvidia_cuda_cuobjdump-')) ?? '';
      await must(['python3', '-m', 'zipfile', '-e', join(folder, wheel), folder], environment);
      await chmod(join(folder, 'nvidia', 'cu13', 'bin', 'cuobjdump'), 0o755);
      await rm(FOLDER, { recursive: true, force: true });
      await rename(folder, FOLDER);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return FOLDER;
  },
};

async function must(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { ok, stdout, problem } = await runCommand(argv, { environment, timeoutMs: 300_000 });
  if (!ok) throw new SetupFailure(`${argv.slice(0, 4).join(' ')}: ${problem}`);
  return stdout;
}

async function listWheels(): Promise<string[]> {
  return (await readdir(FOLDER).catch(() => [])).filter((file) => file.endsWith('.whl'));
}

export interface CudaTools {
  readonly cuobjdump: string;
  /** A wheel's file by the start of its name, such as `nvidia_nvjpeg_cu12-`. */
  wheel(name: string): string;
  /** Runs the real nvcc, host compiler included. */
  nvcc(args: readonly string[], cwd: string): Promise<void>;
  /** Runs another tool of the toolkit, such as `fatbinary` or `ptxas`. */
  tool(name: string, args: readonly string[], cwd: string): Promise<void>;
  /** Of the toolkit's runtime library. */
  readonly cudartFolder: string;
}

/** The tools, or why they are not there: a test that gets a text is skipped with it. */
export async function findCudaTools(): Promise<CudaTools | string> {
  const wheels = await listWheels();
  if (wheels.length < 4) return `no wheels in ${FOLDER}: npm test fetches them`;
  let paths: string[];
  try {
    const example = join(PROJECT_FOLDER, 'examples', 'cuda');
    const expression = `with import ${example} { }; [ cuda_nvcc cuda_nvcc.dev cuda_cudart.lib cuda_cudart.dev cuda_cudart.static ]`;
    paths = (await must(['nix-build', '--no-out-link', '--option', 'sandbox', 'false', '-E', expression]))
      .trim()
      .split('\n');
  } catch (error) {
    return `no CUDA toolkit: ${error instanceof Error ? error.message : String(error)}`;
  }
  const [nvcc = '', headers = '', runtime = '', runtimeHeaders = '', archives = ''] = paths;
  const bin = join(nvcc, 'bin');
  const environment = {
    ...process.env,
    PATH: `${bin}:/usr/bin:/bin`,
    NVCC_PREPEND_FLAGS: `-I${headers}/include -I${runtimeHeaders}/include -L${runtime}/lib -L${archives}/lib`,
  };
  const tool = async (name: string, args: readonly string[], cwd: string): Promise<void> => {
    const { ok, problem } = await runCommand([join(bin, name), ...args], { environment, cwd });
    if (!ok) throw new Error(`${name} ${args.join(' ')}: ${problem}`);
  };
  return {
    cuobjdump: join(FOLDER, 'nvidia', 'cu13', 'bin', 'cuobjdump'),
    wheel: (name) => join(FOLDER, wheels.find((file) => file.startsWith(name)) ?? `no wheel ${name}`),
    nvcc: (args, cwd) => tool('nvcc', args, cwd),
    tool,
    cudartFolder: join(runtime, 'lib'),
  };
}
