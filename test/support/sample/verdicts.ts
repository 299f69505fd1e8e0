/** Verdicts of the sample graph, as the classifier writes them. */

import type { Verdict } from '../../../domain/ci/classification/verdict.ts';

type Given = Pick<Verdict, 'class' | 'subclass' | 'scope' | 'rule' | 'explanation'> & Partial<Verdict>;

function verdict(given: Given): Verdict {
  return {
    retry: 'no',
    confidence: 0.95,
    evidence: null,
    link: null,
    fingerprint: '0123456789abcdef',
    suspectedFlake: false,
    phase: null,
    others: [],
    ...given,
  };
}

function line(number: number, text: string, before: string | null = null, after: string | null = null) {
  return { source: 'log' as const, line: number, text, before, after };
}

export const COMPILE_ERROR_AT = 4_321;

export const VERDICTS = {
  compileError: verdict({
    class: 'build-compile',
    subclass: 'api-change',
    scope: 'code',
    rule: 'compile/cuda-member-removed',
    phase: 'buildPhase',
    explanation:
      'The source uses cudaDeviceProp.clockRate, which CUDA 13 removed: port the package to cudaDeviceGetAttribute.',
    evidence: line(
      COMPILE_ERROR_AT,
      '/build/source/src/device.cu(42): error: class "cudaDeviceProp" has no member "clockRate"',
      '/build/source/src/device.cu(41): note: in the expansion of CHECK',
      '1 error detected in the compilation of "src/device.cu".',
    ),
  }),
  unsupportedArch: verdict({
    class: 'build-compile',
    subclass: 'nvcc-unsupported-arch',
    scope: 'architecture',
    rule: 'compile/nvcc-unsupported-arch',
    confidence: 0.98,
    phase: 'buildPhase',
    explanation:
      'This nvcc cannot compile for compute_61: CUDA 13 serves Turing and newer. Drop the capability or use CUDA 12.',
    evidence: line(12, "nvcc fatal   : Unsupported gpu architecture 'compute_61'"),
  }),
  undefinedSymbol: verdict({
    class: 'build-link',
    subclass: 'undefined-reference',
    scope: 'code',
    rule: 'link/undefined-reference',
    explanation:
      'The program calls vecmath_gemm, which this libvecmath does not have: the package needs a newer library.',
    evidence: line(
      31,
      "main.c:(.text+0x1f): undefined reference to `vecmath_gemm'",
      "/nix/store/00000000000000000000000000000000-binutils-2.44/bin/ld: /build/main.o: in function `main':",
      'collect2: error: ld returned 1 exit status',
    ),
  }),
  hashMismatch: verdict({
    class: 'fetch-failure',
    subclass: 'hash-mismatch',
    scope: 'upstream',
    rule: 'nix/hash-mismatch',
    confidence: 1,
    explanation:
      'Upstream serves another file under the same tag: look at what changed, then update the pinned hash.',
    evidence: {
      source: 'nix',
      line: null,
      text: 'hash mismatch in fixed-output derivation: specified sha256-AAAA…, got sha256-BBBB…',
      before: null,
      after: null,
    },
  }),
  timeout: verdict({
    class: 'infra',
    subclass: 'build-timeout',
    scope: 'infrastructure',
    rule: 'fact/timeout',
    confidence: 0.9,
    explanation:
      'The build took longer than its limit of 5 s: raise meta.timeout, or look for a loop that never ends.',
    evidence: { source: 'fact', line: null, text: 'timed out after 5 seconds', before: null, after: null },
  }),
  noKernelImage: verdict({
    class: 'arch-specific',
    subclass: 'no-kernel-image',
    scope: 'architecture',
    rule: 'gpu/no-kernel-image',
    confidence: 0.88,
    suspectedFlake: true,
    explanation:
      'The binary holds no code for sm_61, though cudaCapabilities asks for it: the package ignores them. It passes on sm_89.',
    evidence: line(
      3,
      'vecmath: cuModuleLoadData: no kernel image is available for execution on the device (209)',
    ),
  }),
  lostBuilder: verdict({
    class: 'infra',
    subclass: 'builder-lost',
    scope: 'host',
    rule: 'fact/builder-lost',
    retry: 'other',
    explanation: 'The builder was lost while it built; the step was given to another one.',
  }),
  leak: verdict({
    class: 'closure-regression',
    subclass: 'leaked-toolchain',
    scope: 'code',
    rule: 'closure/leaked-toolchain',
    confidence: 1,
    explanation:
      'A build tool is in the runtime closure: look for its path in RUNPATH entries, scripts and configuration files.',
    evidence: {
      source: 'fact',
      line: null,
      text: 'the runtime closure holds /nix/store/0000000000000000000000000000000c-cuda_nvcc-13.0.88',
      before: null,
      after: null,
    },
  }),
  hostile: verdict({
    class: 'insufficient-evidence',
    subclass: 'unclassified',
    scope: 'unknown',
    rule: 'fallback/last-line',
    confidence: 0.2,
    explanation: 'Nothing in the log is known; it ended with <b>"this"</b> & nothing more.',
    evidence: line(
      2,
      '<script>document.title = "owned"</script><img src=x onerror="document.title=\'owned\'">',
      'before <i>it</i>',
    ),
  }),
} as const;
