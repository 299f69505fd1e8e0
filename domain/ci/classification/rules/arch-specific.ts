/** Faults of one GPU architecture. The numbered CUDA errors are in `gpu-code-tables.ts`. */

import { defineRules } from './define.ts';

export const ARCH_SPECIFIC_RULES = defineRules(
  'arch-specific',
  { rank: 'specific', scope: 'architecture', retry: 'other', confidence: 0.93 },
  [
    {
      subclass: 'no-kernel-image',
      patterns: [
        'no kernel image is available for execution on the device',
        /has no device code compatible with CUDA arch (?<_arch>\d{2,4})/,
        /was not compiled (?:with|for) any CUDA arch/,
        'cudaErrorNoKernelImageForDevice',
        'CUDA_ERROR_NO_BINARY_FOR_GPU',
        /CUDA binary kernel for this graphics card compute capability .{0,20}not found/,
        /[Nn]o (?:kernel|cubin|SASS|PTX)s? (?:found|available|compiled|built) for (?:sm_|compute|this GPU|the GPU)/,
      ],
      confidence: 0.96,
      explanation:
        'The package holds no code for this GPU: add its capability to cudaCapabilities, or do not schedule it here.',
      examples: [
        'CUDA error: no kernel image is available for execution on the device',
        'ERROR: CUDA kernel flash_attn_vec has no device code compatible with CUDA arch 610. ggml-cuda.cu was compiled for: 750,800',
        'ggml was not compiled with any CUDA arch <= 610',
      ],
    },
    {
      subclass: 'no-kernel-image-with-compat-warning',
      patterns: ['no kernel image is available for execution on the device'],
      when: ['is not compatible with the current PyTorch installation'],
      confidence: 0.98,
      explanation: 'PyTorch holds no code for this GPU and says so: add its capability to cudaCapabilities.',
      examples: [
        'RTX PRO 6000 with CUDA capability sm_120 is not compatible with the current PyTorch installation.\nCUDA error: no kernel image is available for execution on the device',
        'GTX 1080 with CUDA capability sm_61 is not compatible with the current PyTorch installation.\ncudaErrorNoKernelImageForDevice: no kernel image is available for execution on the device',
      ],
    },
    {
      subclass: 'compat-warning-only',
      rank: 'consequence',
      patterns: [
        /with CUDA capability (?<_architecture>sm_\w{2,5}) is not compatible with the current PyTorch installation/,
        'PyTorch no longer supports this GPU because it is too old',
        'is not compatible with the current PyTorch installation',
      ],
      confidence: 0.75,
      explanation:
        'PyTorch warns that it has no code for {architecture|this GPU}: add its capability before trusting a pass.',
      examples: [
        'NVIDIA B200 with CUDA capability sm_100 is not compatible with the current PyTorch installation.',
        'UserWarning:\n    Found GPU0 GeForce GT 710 which is of cuda capability 3.5.\n    PyTorch no longer supports this GPU because it is too old.',
      ],
    },
    {
      subclass: 'nvrtc-invalid-arch',
      patterns: ['nvrtc: error: invalid value for --gpu-architecture', /NVRTC_ERROR_INVALID_OPTION/],
      confidence: 0.94,
      explanation:
        'NVRTC does not know this GPU: bundle a newer NVRTC, or let it compile for an older architecture.',
      examples: [
        'kernel.cu: nvrtc: error: invalid value for --gpu-architecture (-arch)',
        'cupy_backends.cuda.libs.nvrtc.NVRTCError: NVRTC_ERROR_INVALID_OPTION (5)',
      ],
    },
    {
      subclass: 'nvrtc-arch-dropped',
      patterns: ['nvrtc: error: invalid value for --gpu-architecture', /NVRTC_ERROR_INVALID_OPTION/],
      // CUDA 13 dropped everything before Turing.
      when: [
        /NVRTC [Vv]ersion\s{0,20}: \(?1[3-9]/,
        /CUDA (?:Build|Runtime) Version\s{0,20}: 1[3-9]\d{3}/,
        /libnvrtc\.so\.1[3-9]/,
      ],
      confidence: 0.95,
      explanation: 'This NVRTC no longer knows the GPU: use CUDA 12 for it, or exclude the architecture.',
      examples: [
        'CUDA Runtime Version         : 13010\nnvrtc: error: invalid value for --gpu-architecture (-arch)',
        'NVRTC Version                : (13, 1)\nNVRTC_ERROR_INVALID_OPTION (5)',
      ],
    },
    {
      subclass: 'toolchain-too-old-for-gpu',
      patterns: [
        /ptxas does not support CC (?<architecture>[\d.]{2,5})/,
        'UNIMPLEMENTED: ptxas too old',
        /LLVM ERROR: Cannot select: (?<_node>.{0,60}nvvm)/,
        /(?<architecture>sm_\w{2,5})' is not a recognized processor for this target/,
        /NVVM_ERROR\w{0,40}.{0,80}arch/,
        /libnvvm: error: -arch/,
        /unsupported (?:value for )?-arch=?compute_\d/,
        /Triton only supports? CUDA [\d.]{2,5}/,
      ],
      explanation:
        'The bundled compiler is too old for this GPU ({architecture|see the line}): update ptxas or LLVM.',
      examples: [
        'W xla/service/gpu/nvptx_compiler.cc:893] ptxas does not support CC 12.0',
        "'sm_121' is not a recognized processor for this target (ignoring processor)",
      ],
    },
    {
      subclass: 'gpu-too-old',
      patterns: [
        'too old to be supported by the triton GPU compiler',
        /(?:only supports?|requires?|needs?)[^.]{0,80}(?:compute capability|CUDA [Cc]apability|Ampere GPUs|Hopper GPUs|Volta GPUs)/,
        /only supported on (?:GPUs|CUDA devices|devices) with (?:compute|CUDA) capability/,
        /compute capability (?<_has>[\d.]{1,5}) (?:is )?(?:not supported|too (?:low|old)|< )/i,
        'Arch conditional MMA instruction used without targeting appropriate compute capability',
        /requires device with capability/,
        /SM ?\d{2,3} is not supported by this TensorRT/,
        /not supported in this architecture/,
        /(?:minimum|at least) (?:required )?(?:Cuda|CUDA|compute) capability/i,
        /does not support (?:this GPU|your GPU|the GPU|GPUs? (?:with|older))/,
      ],
      confidence: 0.88,
      explanation: 'The package does not support this GPU: exclude the architecture from its checks.',
      examples: [
        'RuntimeError: Found GTX 1080 which is too old to be supported by the triton GPU compiler, which is used as the backend.',
        'RuntimeError: FlashAttention only supports Ampere GPUs or newer.',
        'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.',
      ],
    },
    {
      subclass: 'triton-codegen-failed',
      rank: 'consequence',
      patterns: [
        'Internal Triton PTX codegen error',
        /bin\/ptxas'.{0,200}--gpu-name=(?<_architecture>sm_\w{2,5})/,
        /`?ptxas`? failed with error code \d/,
        /PassManager::run failed/,
        /ptxas exited with non-zero error code/,
      ],
      confidence: 0.68,
      explanation:
        'Triton or XLA could not compile a kernel for this GPU: read the message of ptxas or MLIR above.',
      examples: [
        'triton.runtime.errors.PTXASError: PTXAS error: Internal Triton PTX codegen error',
        'RuntimeError: PassManager::run failed',
      ],
    },
    {
      subclass: 'device-kernel-image-invalid',
      patterns: [
        'device kernel image is invalid',
        /Binary format for key='\d', ident='[^']{0,40}' is not recogni/,
      ],
      unless: [/hipModule[A-Z]|hipError[A-Z]|amdgcn-amd/],
      confidence: 0.85,
      explanation:
        'The driver rejects the kernel image: check that its architecture and format fit this GPU and driver.',
      examples: [
        'CUDA error: device kernel image is invalid',
        "error   : Binary format for key='0', ident='' is not recognized",
      ],
    },
  ],
);
