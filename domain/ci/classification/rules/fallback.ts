/**
 * What remains when no rule knows the message: the component that complains tells the class, no more. Ranked below every
 * other rule, with the confidence of a guess that names its ground.
 */

import type { Pattern, Rule } from '../rule.ts';
import type { FailureClass, Retry, Scope } from '../taxonomy.ts';
import { BENIGN_TOOL_RULES } from './benign-tools.ts';
import { BENIGN_RULES } from './benign.ts';
import { CASCADE_RULES } from './cascade.ts';

/** Words of complaint, as programs use them. */
const COMPLAINT =
  '(?:[Ee]rror|ERROR|[Ff]ail|FAIL|[Aa]bort|[Tt]imed? ?out|[Mm]ismatch|[Rr]efused|[Uu]nreachable|[Uu]nable|[Cc]annot|[Cc]ould not|[Ii]nvalid|[Ee]xception|[Nn]ot found|[Cc]rash)';
/** Talk about errors that is none. */
const NO_COMPLAINT =
  /NCCL INFO|[Nn]o errors?\b|0 errors|errors?: 0|[Ww]arning|WARNING|-Werror|_error\.\w{1,3}\b|[Ee]rror[-_ ](?:handl|check|correct)|^(?:\[ ?\d{1,3}%\] |copying |creating |adding |-- |checking |Installing: )|recipe for target|(?:cuda|hip|nccl|CUDA_|VK_)S(?:uccess|UCCESS)|[Ee]rrors? (?:code )?:? ?0\b|might be asynchronously reported|NCCL INFO|CUDA_(?:HOME|PATH|ROOT|DIR|TOOLKIT|VERSION|ARCH|VISIBLE|LAUNCH)|^-- /;

interface Component {
  readonly id: string;
  readonly class: FailureClass;
  /** Alternation of at least four characters each. */
  readonly names: string;
  readonly scope: Scope;
  readonly retry: Retry;
  readonly what: string;
  /** Words of complaint of this component only. */
  readonly complaint?: string;
  readonly examples: readonly string[];
}

const COMPONENTS: readonly Component[] = [
  {
    id: 'driver-versions',
    class: 'driver-mismatch',
    names: 'NVRM|NVML|nvidia-\\w{3}|[Dd]river|libcuda|CUDA version|kernel module',
    complaint:
      '(?:[Mm]ismatch|too old|out ?dated|out of date|[Ii]ncompatible|does not match|not compatible with)',
    scope: 'driver',
    retry: 'other',
    what: 'A driver',
    examples: [
      'modeset driver reports a mismatch of 3 and 4',
      'libcuda and its helper are incompatible, giving up',
    ],
  },
  {
    id: 'download',
    class: 'fetch-failure',
    names: '[Dd]ownload|[Ff]etching |[Cc]loning into|submodule|tarball',
    scope: 'upstream',
    retry: 'same',
    what: 'A download',
    examples: ['Download of model.bin failed oddly', 'Fetching index: something went wrong, aborting'],
  },
  {
    id: 'remote-builder',
    class: 'infra',
    names: 'ssh: |ssh-ng|ssh://|nix-daemon|queue-runner|build machine|remote builder',
    scope: 'infrastructure',
    retry: 'other',
    what: 'The connection to a builder',
    examples: ['ssh: odd error 7', 'the build machine ada is unreachable'],
  },
  {
    id: 'linker',
    class: 'build-link',
    names: '[/ ]ld(?:\\.\\w{2,5})?: {1,4}\\S|rust-lld: |ld\\.lld: |ld64\\.lld: ',
    scope: 'code',
    retry: 'no',
    what: 'The linker',
    examples: ['rust-lld: internal invalid state', 'ld.lld: x.o: an error of no known kind'],
  },
  {
    id: 'collective',
    class: 'collective',
    names:
      'NCCL|nccl[A-Z]|RCCL|ProcessGroup|c10d::|torch\\.distributed|Dist(?:Backend|Store|Network)Error|[Gg]loo\\b|MPI_\\w|mpirun|mpiexec|OpenMPI|PMI[xX]|PRTE|UCX |UCC |[Nn][Vv]?SHMEM|nvshmem|all_?reduce',
    scope: 'host',
    retry: 'same',
    what: 'A library for collectives',
    examples: ['torch.distributed.DistBackendError: something new failed', 'NCCL plugin reported error 17'],
  },
  {
    id: 'nvidia-kernel-driver',
    class: 'gpu-hardware',
    names: 'NVRM: |nvidia-modeset: |nvidia-nvlink: |nvidia-nvswitch|NV_ERR_\\w',
    scope: 'host',
    retry: 'other',
    what: "NVIDIA's kernel driver",
    examples: ['NVRM: rpcRmApiControl_GSP: failed to do a thing', 'nvidia-nvlink: link 3 training error'],
  },
  {
    id: 'rocm',
    class: 'rocm',
    names:
      'ROCm|rocm[A-Z_]|[Rr]oc(?:BLAS|FFT|SPARSE|SOLVER|blas)|MIOpen|miopen|hip(?:BLAS|blas|FFT|MIOpen)|amdgpu|hsa_\\w|HIP ',
    scope: 'host',
    retry: 'other',
    what: "AMD's GPU stack",
    examples: ['rocBLAS internal exception while planning', 'amdgpu: SMU reported an error'],
  },
  {
    id: 'cuda-library',
    class: 'gpu-lib-init',
    names:
      'cuDNN|CUDNN|cudnn[A-Z_]|cuBLAS|CUBLAS|cublas[A-Z_L]|cuFFT|cuSPARSE|cuSOLVER|cuTENSOR|cuRAND|CUTLASS|cutlass',
    scope: 'host',
    retry: 'other',
    what: 'A CUDA library',
    examples: ['cuTENSOR planner failed for mode 3', 'cutlass: operation could not start, error internal'],
  },
  {
    id: 'cuda-tools',
    class: 'runtime-load',
    names:
      'TensorRT|tensorrt|ExecutionProvider|NVRTC|nvrtc|nvJitLink|libcuda|libnvidia|NVML|nvml[A-Z_I]|dlopen|ldconfig|triton\\.|Triton ',
    scope: 'code',
    retry: 'no',
    what: 'A part of the CUDA run time',
    examples: ['Error: TensorRT plugin creation failed', 'nvJitLink could not start, exception'],
  },
  {
    id: 'graphics',
    class: 'runtime-load',
    names: 'Vulkan|vulkan|vkCreate|OpenGL|libGL|libEGL|eglGet|glX[A-Z]|OpenCL|clGet|clCreate',
    scope: 'host',
    retry: 'other',
    what: 'A graphics driver',
    examples: ['Vulkan loader: exception while enumerating', 'clCreateContext failed oddly'],
  },
  {
    id: 'cuda',
    class: 'gpu-code',
    names:
      'CUDA |CUDA:|cuda[A-Z]\\w|\\bcu(?:Ctx|Mem|Module|Launch|Stream|Event|Init|Device)[A-Z(]|CUDA_\\w|Cuda[A-Z]\\w',
    scope: 'code',
    retry: 'same',
    what: 'CUDA',
    examples: ['CUDA runtime reported an exception of no known kind', 'cudaMemPrefetchAsync failed'],
  },
];

/** What is known to be harmless, or to repeat a failure only, proves nothing of the component it names. */
const KNOWN_LINES: readonly Pattern[] = [...BENIGN_RULES, ...BENIGN_TOOL_RULES, ...CASCADE_RULES]
  .filter(({ rank }) => rank !== 'unknown')
  .flatMap(({ patterns }) => patterns);

/** One rule a component: the name and a complaint in the same line, in either order. */
export const FALLBACK_RULES: readonly Rule[] = COMPONENTS.map((component) => ({
  id: `fallback-${component.id}`,
  rank: 'vague',
  class: component.class,
  subclass: `${component.id}-unspecified`,
  scope: component.scope,
  retry: component.retry,
  // On a line with two components the more telling one, which has words of its own, goes first.
  confidence: component.complaint === undefined ? 0.5 : 0.55,
  patterns: [
    new RegExp(`(?:${component.names}).{0,120}${component.complaint ?? COMPLAINT}`),
    new RegExp(`${component.complaint ?? COMPLAINT}.{0,120}(?:${component.names})`),
  ],
  excludes: [NO_COMPLAINT, ...KNOWN_LINES],
  explanation: `${component.what} complains and no rule knows the message: read it and the lines around, then add a rule.`,
  examples: component.examples,
}));
