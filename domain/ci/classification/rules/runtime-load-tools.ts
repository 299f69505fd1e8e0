/** Tools that a program calls while it runs, and programs that quietly go on without the GPU (class `runtime-load`). */

import { defineRules } from './define.ts';

export const RUNTIME_TOOL_RULES = defineRules(
  'runtime-load',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9 },
  [
    {
      subclass: 'jit-tool-missing-nvcc',
      patterns: [
        'CUDA nvcc compiler not found',
        /No such file or directory: '[^']{0,200}\/?nvcc'/,
        /(?:nvcc: (?:command )?not found|[Cc](?:ould not|annot) find nvcc|[Uu]nable to find nvcc|nvcc (?:was )?not found)/,
        'CUDA_HOME environment variable is not set. Please set it to your CUDA install root',
        'CUDA path could not be detected',
        'Could not find a working nvcc',
      ],
      unless: [
        /Getting requirements to build wheel|pypaBuildPhase|setuptoolsBuildPhase|pipBuildPhase|setup\.py/,
      ],
      excludes: [/^-- |checking for|CMake|in path specified by|please set CUDAToolkit/],
      explanation:
        'The program compiles kernels at run time and does not find nvcc: wrap it with cuda_nvcc in PATH and CUDA_HOME.',
      examples: [
        "FileNotFoundError: [Errno 2] No such file or directory: '/usr/local/cuda/bin/nvcc'",
        'OSError: CUDA_HOME environment variable is not set. Please set it to your CUDA install root.',
        '/bin/sh: line 1: nvcc: command not found',
      ],
    },
    {
      subclass: 'jit-tool-missing-compiler',
      patterns: [
        'Failed to find C compiler. Please specify via CC environment variable',
        /InvalidCxxCompiler: No working C\+\+ compiler found/,
        /No such file or directory: '(?:gcc|g\+\+|cc|c\+\+|clang)'/,
        /RuntimeError: Failed to find (?:C|a C) compiler/,
      ],
      explanation:
        'The program compiles at run time and has no C compiler: wrap it with one in PATH, or set CC.',
      examples: [
        'RuntimeError: Failed to find C compiler. Please specify via CC environment variable.',
        "FileNotFoundError: [Errno 2] No such file or directory: 'gcc'",
      ],
    },
    {
      subclass: 'jit-tool-missing-ptxas',
      patterns: [
        /(?:[Cc]annot|[Cc]an't|[Cc]ouldn't|[Cc]ould not|[Ff]ailed to) find .{0,40}ptxas/,
        /ptxas(?:: command)? not found/,
        /No such file or directory: '[^']{0,200}ptxas[\w-]{0,20}'/,
        'No PTX compilation provider is available',
        "Couldn't invoke ptxas",
      ],
      // XLA then lets the driver compile, and says whether that failed.
      excludes: ["This is OK so long as you don't see"],
      explanation:
        'The program compiles PTX at run time and does not find ptxas: put it where it looks, or set its variable.',
      examples: [
        'RuntimeError: Cannot find ptxas',
        "W xla/asm_compiler.cc:235] Couldn't invoke ptxas --version",
      ],
      counterExamples: [
        "W xla/nvptx_compiler.cc:70] Can't find ptxas binary in /opt/bin.  Will back to the GPU driver. This is OK so long as you don't see a warning below",
      ],
    },
    {
      subclass: 'jit-tool-missing-libdevice',
      patterns: [
        /libdevice not found at/,
        /Can't find libdevice directory/,
        'Missing libdevice file',
        /libNVVM cannot be found/,
        /libdevice\.10\.bc: No such file/,
      ],
      explanation:
        'The program compiles kernels at run time and does not find libdevice or NVVM: point CUDA_DIR or CUDA_HOME at them.',
      examples: [
        'INTERNAL: libdevice not found at ./libdevice.10.bc',
        'NvvmSupportError: libNVVM cannot be found. Do `conda install cudatoolkit`:',
      ],
    },
    {
      subclass: 'jit-link-libcuda',
      patterns: [/cannot find -lcuda\b/],
      when: [/triton|torchinductor|torch\/_inductor|BackendCompilerFailed/],
      explanation:
        "Run-time compilation links with libcuda and does not find it: set TRITON_LIBCUDA_PATH to the driver's directory.",
      examples: [
        '  File "triton/runtime/build.py", line 48\n/ld: cannot find -lcuda: No such file or directory',
        'torch._dynamo.exc.BackendCompilerFailed: inductor\n/ld: cannot find -lcuda',
      ],
    },
    {
      subclass: 'jit-headers-missing',
      patterns: [
        /(?:catastrophic error|error): cannot open source file "(?<header>[^"]{1,120})"/,
        /fatal error: '?(?<header>(?:cuda|cuda_runtime|cuda_fp16|Python)\.h)'?(?:: No such file| file not found)/,
      ],
      when: [/NVRTC|nvrtc|cupy|jitify/, /triton|torchinductor|torch_extensions|BackendCompilerFailed/],
      confidence: 0.85,
      explanation:
        'Run-time compilation does not find {header}: give it the include directory of the toolkit.',
      examples: [
        'cupy.cuda.compiler.CompileException: x.cu(3): catastrophic error: cannot open source file "cuda_fp16.h"',
        'triton/runtime/build.py\n/tmp/main.c:1:10: fatal error: cuda.h: No such file or directory',
      ],
    },
    {
      subclass: 'silent-cpu-fallback',
      rank: 'consequence',
      silent: true,
      patterns: [
        'Failed to create CUDAExecutionProvider',
        /Applied providers: \['CPUExecutionProvider'\]/,
        /'CUDAExecutionProvider' is not in available provider names/,
        /a CUDA-enabled jaxlib is not installed/,
        'No GPU/TPU found, falling back to CPU',
        'Skipping registering GPU devices',
        'total_vram="0 B"',
        "filtering device which didn't fully initialize",
        /no (?:compatible |usable )?GPUs? (?:were )?(?:discovered|detected)/,
        /GPU will not be used/,
        /(?:[Ff]alling|[Ff]alls|fell) back to (?:the )?(?:CPU|cpu)\b/,
        /inference compute" id=(?:0|cpu) library=cpu/,
        /Num GPUs Available: {1,3}0\b/,
        /\[CpuDevice\(id=0\)\]/,
        /\b100% CPU\b/,
        /msg="inference compute" .{0,120}library="?cpu\b/,
        /no GPU detected/i,
        /Failed to create (?:Tensorrt|ROCM|MIGraphX|NvTensorRtRtx)ExecutionProvider/,
      ],
      excludes: [/operator|aten::|for this op|kernel/],
      confidence: 0.88,
      explanation:
        'The program went on without the GPU: look above for the library or architecture it missed.',
      examples: [
        'An NVIDIA GPU may be present on this machine, but a CUDA-enabled jaxlib is not installed. Falling back to cpu.',
        'W tensorflow/core/common_runtime/gpu/gpu_device.cc:2251] Cannot dlopen some GPU libraries. Skipping registering GPU devices...',
        "Applied providers: ['CPUExecutionProvider'], with options: {}",
      ],
    },
  ],
);
