/** What nvcc, ptxas, cicc and clang's CUDA mode refuse to compile. */

import { defineRules } from './define.ts';

/** Signs that a program compiles while it runs; then the same words are an architecture's fault, not the build's. */
export const RUNTIME_COMPILATION = [
  /[Cc]ompiling CUDA kernel/,
  /CUDA kernel compilation failed/,
  /[Ee]rror building extension/,
  /torch_extensions|\/\.triton\/cache|\.nv\/ComputeCache/,
  /torch\/_inductor|triton\/(?:runtime|backends|compiler)/,
  /NVRTC|nvrtc/,
  /JIT compil|jit_compile/,
  /Internal Triton|triton\.runtime|torchinductor|TorchInductor|PTXASError/,
  /external\/(?:xla|org_tensorflow)|xla\/service\/gpu|XlaRuntimeError/,
];

export const BUILD_COMPILE_CUDA_RULES = defineRules(
  'build-compile',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97 },
  [
    {
      subclass: 'nvcc-unsupported-arch',
      patterns: [
        "Unsupported gpu architecture '{architecture}'",
        "Incompatible code generation requested: arch='{architecture}'",
        /Value '(?<architecture>[\w,]{2,40})' is not defined for option '(?:gpu-name|gpu-architecture|gpu-code|arch)'/,
        /error: unsupported CUDA gpu architecture: (?<architecture>\w{2,20})/,
        /error: GPU arch (?<architecture>\w{2,20}) is supported by CUDA versions between/,
        /SM version specified by \.target is higher than default SM version assumed/,
        /error: invalid target ID '(?<architecture>gfx[^']{1,40})'/,
        /Value '(?<architecture>(?:sm|compute|lto)_\w{2,6})' is not defined/,
      ],
      scope: 'architecture',
      confidence: 0.98,
      stages: ['build'],
      explanation:
        'This compiler cannot produce code for {architecture|a requested architecture}: change cudaCapabilities or the toolkit.',
      examples: [
        "nvcc fatal   : Unsupported gpu architecture 'compute_120a'",
        "ptxas fatal   : Value 'sm_101' is not defined for option 'gpu-name'",
        'clang++: error: unsupported CUDA gpu architecture: sm_100',
      ],
    },
    {
      class: 'arch-specific',
      subclass: 'nvcc-runtime-arch',
      patterns: [
        "Unsupported gpu architecture '{architecture}'",
        /Value '(?<architecture>[\w,]{2,40})' is not defined for option '(?:gpu-name|gpu-architecture|gpu-code|arch)'/,
      ],
      when: RUNTIME_COMPILATION,
      scope: 'architecture',
      confidence: 0.93,
      explanation:
        'The compiler that runs at run time does not know {architecture}: bundle a newer toolkit, or exclude this GPU.',
      examples: [
        "Compiling CUDA kernel saxpy\nnvcc fatal   : Unsupported gpu architecture 'compute_121'",
        "RuntimeError: Error building extension 'fused'\nptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'",
      ],
    },
    {
      id: 'nvcc-runtime-arch-in-check',
      class: 'arch-specific',
      subclass: 'nvcc-runtime-arch',
      stages: ['gpu-test'],
      stageRequired: true,
      patterns: [
        "Unsupported gpu architecture '{architecture}'",
        /Value '(?<architecture>[\w,]{2,40})' is not defined for option '(?:gpu-name|gpu-architecture|gpu-code|arch)'/,
      ],
      scope: 'architecture',
      confidence: 0.95,
      explanation:
        'The compiler that runs at run time does not know {architecture}: bundle a newer toolkit, or exclude this GPU.',
      examples: [
        "nvcc fatal   : Unsupported gpu architecture 'compute_103'",
        "ptxas fatal   : Value 'sm_110' is not defined for option 'gpu-name'",
      ],
    },
    {
      subclass: 'unsupported-host-compiler',
      patterns: [
        /#error -- unsupported (?:GNU|clang|ICC|Microsoft|PGI)/,
        /error.{0,20}-- unsupported (?:GNU|clang) version!/,
        'No supported gcc/g++ host compiler found',
        /version of \S{1,20} \([\d.]{1,10}\) is (?:greater than|less than) the (?:maximum|minimum) required version by CUDA/,
      ],
      confidence: 0.98,
      explanation: 'The host compiler is newer than nvcc allows: build with cudaPackages.backendStdenv.',
      examples: [
        '/include/crt/host_config.h:149:2: error: #error -- unsupported clang version! clang version must be less than 20 and greater than 3.2.',
        'host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 14 are not supported!',
      ],
      counterExamples: [
        'host_config.h:82:2: warning: #warning -- unsupported GNU version! gcc 5 and up are not supported! [-Wcpp]',
      ],
    },
    {
      subclass: 'unsupported-host-compiler-glibc',
      patterns: [
        /identifier "_Float(?:16|32|64|128)x?" is undefined/,
        /'_Float(?:16|32|64|128)x?' does not name a type/,
        /exception specification is incompatible with that of previous function "(?:cospi|sinpi|rsqrt)f?"/,
        /identifier "__(?:builtin_ia32|Int8x8_t|builtin_aarch64)\w{0,60}" is undefined/,
        /identifier "__SV\w{1,40}" is undefined/,
      ],
      explanation:
        'nvcc does not understand the headers of this glibc or gcc: use a newer toolkit, or an older host compiler.',
      examples: [
        '/glibc-2.42-dev/include/bits/floatn-common.h(214): error: identifier "_Float64x" is undefined',
        'mathcalls.h(79): error: exception specification is incompatible with that of previous function "cospi" (declared at line 2601 of math_functions.h)',
      ],
    },
    {
      subclass: 'ptxas-unresolved-extern',
      patterns: ["Unresolved extern function '{symbol}'", "Unresolved extern variable '{symbol}'"],
      confidence: 0.95,
      explanation:
        'Device code calls {symbol}, which is defined nowhere: build with relocatable device code, or define it.',
      examples: [
        "ptxas fatal   : Unresolved extern function 'nvshmem_putmem'",
        "ptxas fatal   : Unresolved extern variable 'lut'",
      ],
    },
    {
      class: 'gpu-code',
      subclass: 'silent-empty-kernel',
      // Whoever assembles a .ptx file by hand looks for what the driver's loader did not say.
      patterns: ["Unresolved extern function '{symbol}'"],
      when: [/^\$ ptxas /],
      confidence: 0.8,
      explanation:
        'PTX made at run time calls {symbol}, which is defined nowhere, and the loader made an empty kernel of it.',
      examples: [
        "$ ptxas -arch sm_89 out.ptx\nptxas fatal   : Unresolved extern function 'helper'",
        "$ ptxas --gpu-name sm_80 kernel.ptx -o k\nptxas fatal   : Unresolved extern function '_Z1fv'",
      ],
    },
    {
      subclass: 'ptxas-arch-feature',
      patterns: [
        /(?:Feature|Modifier|Instruction) '(?<feature>[^']{1,120})' requires \.target (?<architecture>\w{2,20})/,
        /(?:Instruction|Feature|Modifier) '(?<feature>[^']{1,120})'.{0,40} not supported on \.target '(?<architecture>\w{2,20})'/,
        /(?<feature>'[^']{1,120}'|[\w.:{}]{2,60}) (?:is )?not supported on \.target/,
        /'(?<feature>[^']{1,120})' requires PTX ISA \.version/,
      ],
      excludes: [/Advisory:/],
      scope: 'architecture',
      confidence: 0.96,
      explanation:
        'The code uses {feature}, which this architecture lacks: guard it, or leave the architecture out.',
      examples: [
        "ptxas /build/a.ptx, line 71; error   : Feature '.bf16' requires .target sm_80 or higher",
        "ptxas /build/b.ptx, line 9; error   : Instruction 'wgmma.fence' not supported on .target 'sm_90'",
      ],
    },
    {
      subclass: 'ptxas-advisory-then-fail',
      rank: 'generic',
      patterns: [/ptxas .{1,300}warning : Advisory: /],
      when: [/builder failed with exit code/, /failed with exit code \d/, /\*\*\* \[.{1,300}\] Error/],
      confidence: 0.55,
      explanation: 'Only advice of ptxas is to be seen before the build failed: fetch the whole log.',
      examples: [
        "Reason: builder failed with exit code 2.\nptxas /b/a.ptx, line 2; warning : Advisory: Modifier '.sp::ordered_metadata' should be used on instruction 'mma'",
        "ptxas /b/c.ptx, line 8; warning : Advisory: 'setmaxnreg' ignored\nmake: *** [Makefile:3: a.o] Error 1",
      ],
    },
    {
      subclass: 'ptxas-too-much-shared',
      patterns: [
        /ptxas error {0,3}: Entry function '(?<kernel>[^']{1,200})' uses too much (?<what>[\w ]{4,30}) data/,
      ],
      scope: 'architecture',
      explanation: 'A kernel needs more {what} data than the architecture has: shrink its tiles for it.',
      examples: [
        "ptxas error   : Entry function '_Z4gemmv' uses too much shared data (0x14000 bytes, 0xc000 max)",
        "ptxas error   : Entry function 'attn' uses too much local data (0x90000 bytes, 0x80000 max)",
      ],
    },
    {
      subclass: 'nvcc-flag-redefinition',
      patterns: ["nvcc fatal   : redefinition of argument '{flag}'", "redefinition of argument '{flag}'"],
      explanation: 'nvcc got {flag} twice: find the second place that sets it.',
      examples: [
        "nvcc fatal   : redefinition of argument 'optimize'",
        "nvcc fatal   : redefinition of argument 'machine'",
      ],
    },
    {
      subclass: 'nvcc-fatal',
      rank: 'consequence',
      patterns: [/nvcc fatal {1,4}: (?<message>.{1,160})/, /nvlink fatal {1,4}: (?<message>.{1,160})/],
      confidence: 0.88,
      explanation: 'nvcc stopped by its own words: read them in the line.',
      examples: [
        "nvcc fatal   : Unknown option '-Wno-unused'",
        'nvcc fatal   : A single input file is required for a non-link phase when an outputfile is specified',
      ],
    },
    {
      subclass: 'ptxas-error',
      rank: 'consequence',
      patterns: [
        /ptxas fatal {1,4}: (?<message>.{1,160})/,
        /ptxas .{1,300}; (?:error|fatal) {1,4}: (?<message>.{1,160})/,
      ],
      excludes: [/aborted due to errors|Internal error: writing file/],
      scope: 'architecture',
      confidence: 0.85,
      explanation: 'ptxas refused the code: read its message, and for which architecture it was called.',
      examples: [
        'ptxas fatal   : Could not open input file a.ptx',
        "ptxas /build/x.ptx, line 12; error   : Arguments mismatch for instruction 'mov'",
      ],
    },
  ],
);
