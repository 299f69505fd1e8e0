/** What the sample graph evaluates: a small CUDA package set with its faults, in two revisions. */

import { createHash } from 'node:crypto';
import type { NewDerivation } from '../../../db/derivations.ts';
import type { NewJob } from '../../../db/jobs.ts';
import type { Outcome } from '../../../domain/ci/outcome.ts';
import { NIX32_ALPHABET } from '../../../domain/nix/base32.ts';
import type { Verdict } from '../../../domain/ci/classification/verdict.ts';
import { failingLog, goodLog, HOSTILE_LINES } from './logs.ts';
import { COMPILE_ERROR_AT, VERDICTS } from './verdicts.ts';

/** How a step of a package ends. */
export interface SampleEnd {
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly builder?: string;
  readonly message?: string;
  readonly log?: string;
  readonly verdict?: Verdict;
  /** A first attempt on this builder, which was lost. */
  readonly lostOn?: string;
}

export interface SamplePackage {
  /** Attribute path; `null` where it is only an input of others. */
  readonly attrPath: readonly string[] | null;
  readonly name: string;
  readonly variant: string | null;
  readonly system: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly features: readonly string[];
  readonly fixedOutput: boolean;
  readonly constituents: readonly string[] | null;
  /** Served by the cache already. */
  readonly cached: boolean;
  /** By architecture; `''` for builds. What is absent goes on running. */
  readonly ends: Readonly<Record<string, SampleEnd>>;
  /** Another key is another derivation. */
  readonly revision: number;
}

/** A package under its key: `name`, or `name@variant`. */
type Shelf = Map<string, SamplePackage>;

const SYSTEM = 'x86_64-linux';
const built = (seconds: number, more: Partial<SampleEnd> = {}): SampleEnd => ({
  outcome: 'built',
  seconds,
  ...more,
});

export function keyOf({ name, variant }: Pick<SamplePackage, 'name' | 'variant'>): string {
  return variant === null ? name : `${name}@${variant}`;
}

function put(shelf: Shelf, name: string, given: Partial<SamplePackage> = {}): void {
  const variant = given.variant === undefined ? 'default' : given.variant;
  const made: SamplePackage = {
    attrPath: name.split('.'),
    variant,
    system: SYSTEM,
    inputs: [],
    outputs: ['out'],
    features: [],
    fixedOutput: false,
    constituents: null,
    cached: false,
    ends: { '': built(20) },
    revision: 1,
    ...given,
    name,
  };
  shelf.set(keyOf(made), made);
}

/** The package set `cuda` in its first or second revision. */
export function cudaPackages(revision: 1 | 2): SamplePackage[] {
  const shelf: Shelf = new Map();
  put(shelf, 'cuda_nvcc', { cached: true, outputs: ['out', 'dev', 'lib'] });
  put(shelf, 'cuda_cudart', { cached: true, outputs: ['lib', 'dev', 'static'] });
  for (const variant of ['default', 'sm_89', 'cuda12', 'sm_61']) addVariant(shelf, variant, revision);
  put(shelf, 'gpu-check', { ends: { '': built(4.2) } });
  addFaults(shelf, revision);
  addOthers(shelf, revision);
  return [...shelf.values()];
}

function addVariant(shelf: Shelf, variant: string, revision: number): void {
  const failed: SampleEnd = {
    outcome: 'failed',
    seconds: 9,
    message: 'builder for vecmath failed with exit code 1',
    verdict: VERDICTS.unsupportedArch,
    log: failingLog('vecmath', 12, [
      "nvcc fatal   : Unsupported gpu architecture 'compute_61'",
      'make: *** [Makefile:7: vecmath.o] Error 1',
    ]),
  };
  const common = { variant, revision };
  put(shelf, 'vecmath', {
    ...common,
    outputs: ['out', 'dev', 'fatbin'],
    inputs: ['cuda_nvcc@default', 'cuda_cudart@default'],
    ends: { '': variant === 'sm_61' ? failed : built(42) },
  });
  put(shelf, 'saxpy', { ...common, inputs: [`vecmath@${variant}`] });
  put(shelf, 'plugin-host', { ...common, inputs: [`vecmath@${variant}`] });
  const check = { ...common, features: ['cuda'] };
  const onPascal = built(3, { builder: 'pascal' });
  put(shelf, 'vecmath.tests.kernels.gpuCheck', {
    ...check,
    inputs: [`vecmath@${variant}`],
    ends: { sm_61: onPascal, sm_89: built(2.4, { builder: 'ada' }) },
  });
  put(shelf, 'saxpy.gpuCheck', {
    ...check,
    inputs: [`saxpy@${variant}`],
    ends: { sm_61: revision === 2 ? pascalFailure : onPascal, sm_89: built(1.8, { builder: 'ada' }) },
  });
}

const pascalFailure: SampleEnd = {
  outcome: 'failed',
  seconds: 2,
  builder: 'pascal',
  message: 'builder for saxpy-gpuCheck failed with exit code 3',
  verdict: VERDICTS.noKernelImage,
  log: 'stand-in driver: sm_61, no kernel is run on a device\nsaxpy: 1 device\nvecmath: cuModuleLoadData: no kernel image is available for execution on the device (209)\n',
};

function addFaults(shelf: Shelf, revision: number): void {
  const nvcc = ['cuda_nvcc@default', 'cuda_cudart@default'];
  const faults: Record<string, SampleEnd> = {
    compileError:
      revision === 1
        ? built(61)
        : {
            outcome: 'failed',
            seconds: 151,
            message: 'builder for faults-compileError failed with exit code 2',
            verdict: VERDICTS.compileError,
            lostOn: 'hopper',
            log: failingLog('device', COMPILE_ERROR_AT - 1, [
              '/build/source/src/device.cu(41): note: in the expansion of CHECK',
              '/build/source/src/device.cu(42): \u001b[1;31merror\u001b[0m: class "cudaDeviceProp" has no member "clockRate"',
              '1 error detected in the compilation of "src/device.cu".',
              ...Array.from({ length: 4_000 }, (_, index) => `make[2]: waiting for unfinished job ${index}`),
              'make: *** [Makefile:91: all] Error 2',
            ]),
          },
    undefinedSymbol: {
      outcome: 'failed',
      seconds: 12,
      message: 'builder for faults-undefinedSymbol failed with exit code 1',
      verdict: VERDICTS.undefinedSymbol,
      log: failingLog('gemm', 31, [
        "main.c:(.text+0x1f): undefined reference to `vecmath_gemm'",
        'collect2: error: ld returned 1 exit status',
      ]),
    },
    needsDriver:
      revision === 2
        ? built(7)
        : {
            outcome: 'failed',
            seconds: 7,
            message: 'builder failed with exit code 1',
            log: goodLog('needsDriver'),
          },
    leakedToolkit: built(11),
  };
  for (const [fault, end] of Object.entries(faults)) {
    put(shelf, `faults.${fault}`, { inputs: nvcc, revision, ends: { '': end } });
    put(shelf, `faults.dependents.${fault}`, { inputs: [`faults.${fault}@default`], revision });
  }
  put(shelf, 'hash-mismatch-src', {
    attrPath: null,
    fixedOutput: true,
    revision,
    ends: {
      '': {
        outcome: 'hash-mismatch',
        seconds: 3,
        message: 'hash mismatch in fixed-output derivation',
        verdict: VERDICTS.hashMismatch,
        log: 'fetching https://example.org/v1.tar.gz\n',
      },
    },
  });
  put(shelf, 'faults.hashMismatch', { inputs: ['hash-mismatch-src@default'], revision });
  for (const name of ['torch-lite', 'torch-lite-tools', 'magma-lite'])
    put(shelf, name, { inputs: ['faults.compileError@default'], revision });
}

function addOthers(shelf: Shelf, revision: number): void {
  if (revision === 1) put(shelf, 'cudnn-legacy');
  if (revision === 2) {
    put(shelf, 'cutensor', { revision });
    put(shelf, 'faults.timeout', {
      revision,
      ends: {
        '': {
          outcome: 'timed-out',
          seconds: 5,
          message: 'timed out after 5 seconds',
          verdict: VERDICTS.timeout,
          log: goodLog('timeout'),
        },
      },
    });
  }
  put(shelf, 'fetch-flaky', {
    revision,
    ends: { '': built(30, { lostOn: 'hopper', log: goodLog('fetch-flaky') }) },
  });
  put(shelf, 'grace.toolchain', { system: 'aarch64-linux', revision, ends: {} });
  put(shelf, 'grace.saxpy', {
    system: 'aarch64-linux',
    inputs: ['grace.toolchain@default'],
    revision,
    ends: {},
  });
  put(shelf, 'hostile.markup', {
    attrPath: ['hostile', '<script>document.title="owned"</script>'],
    revision,
    ends: {
      '': {
        outcome: 'failed',
        seconds: 1,
        message: '"><img src=x onerror="document.title=\'owned\'"> \u202Etxt.exe',
        verdict: VERDICTS.hostile,
        log: `first line\n${HOSTILE_LINES.join('\n')}\n`,
      },
    },
  });
  put(shelf, 'hostile.long', { attrPath: ['hostile', `${'very-long-'.repeat(18)}name`], revision });
  put(shelf, 'tested', {
    constituents: ['cuda_nvcc', 'cuda_cudart', 'gpu-check', 'vecmath', 'saxpy'],
    revision,
  });
  put(shelf, 'channel', { constituents: ['tested', 'faults.compileError', 'torch-lite'], revision });
}

/** The package set of a jobset that is evaluated for the first time and still builds. */
export function trunkPackages(): SamplePackage[] {
  const shelf: Shelf = new Map();
  const alone = { variant: null };
  put(shelf, 'cmake', { ...alone, cached: true });
  put(shelf, 'ucx', { ...alone, ends: { '': built(95) } });
  put(shelf, 'nccl', { ...alone, ends: {} });
  put(shelf, 'magma', { ...alone, ends: {} });
  put(shelf, 'opencv', {
    ...alone,
    ends: {
      '': {
        outcome: 'failed',
        seconds: 33,
        message: 'builder for opencv failed with exit code 1',
        verdict: VERDICTS.undefinedSymbol,
        log: failingLog('opencv', 31, ["main.c:(.text+0x1f): undefined reference to `vecmath_gemm'"]),
      },
    },
  });
  put(shelf, 'opencv-python', { ...alone, inputs: ['opencv'] });
  put(shelf, 'torch', { ...alone, inputs: ['nccl', 'magma', 'ucx', 'cmake'], ends: {} });
  put(shelf, 'torchvision', { ...alone, inputs: ['torch'], ends: {} });
  put(shelf, 'torch.gpuCheck', { ...alone, inputs: ['torch'], features: ['cuda'], ends: {} });
  return [...shelf.values()];
}

/** 32 characters of Nix's base 32 that stand for a text. */
export function hashFor(text: string): string {
  return Array.from(
    createHash('sha256').update(text).digest(),
    (byte) => NIX32_ALPHABET[byte % NIX32_ALPHABET.length],
  ).join('');
}

const nixName = (made: SamplePackage): string => `${made.name.replaceAll('.', '-')}-${made.revision}.0`;
const drvHash = (made: SamplePackage): string => hashFor(`drv/${keyOf(made)}/${made.revision}`);

export function outputPaths(made: SamplePackage) {
  return made.outputs.map((name) => {
    const pathHash = hashFor(`out/${keyOf(made)}/${made.revision}/${name}`);
    return {
      name,
      pathHash,
      path: `/nix/store/${pathHash}-${nixName(made)}${name === 'out' ? '' : `-${name}`}`,
    };
  });
}

export function derivationOf(made: SamplePackage, all: readonly SamplePackage[]): NewDerivation {
  const byKey = new Map(all.map((one) => [keyOf(one), one]));
  return {
    drvHash: drvHash(made),
    drvPath: `/nix/store/${drvHash(made)}-${nixName(made)}.drv`,
    name: nixName(made),
    system: made.system,
    fixedOutput: made.fixedOutput,
    features: made.features,
    inputs: made.inputs.flatMap((key) => {
      const input = byKey.get(key);
      return input === undefined ? [] : [{ drvHash: drvHash(input), outputNames: input.outputs }];
    }),
    outputs: outputPaths(made),
  };
}

export function jobsOf(packages: readonly SamplePackage[]): NewJob[] {
  return packages.flatMap((made): NewJob[] => {
    if (made.attrPath === null) return [];
    return [
      {
        name: made.attrPath.join('.'),
        attrPath: made.attrPath,
        system: made.system,
        variant: made.variant,
        drvHash: drvHash(made),
        nixName: nixName(made),
        kind: made.constituents !== null ? 'aggregate' : made.features.length > 0 ? 'gpu-check' : 'build',
        meta: {},
        timeoutSeconds: null,
        silentTimeoutSeconds: null,
        constituents: made.constituents ?? [],
      },
    ];
  });
}
