/** The configuration of a build did not find CUDA, or not the one it needs. */

import { defineRules } from './define.ts';

export const BUILD_CONFIGURE_CUDA_RULES = defineRules(
  'build-configure',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'fetch'] },
  [
    {
      subclass: 'cuda-arch-unset',
      patterns: [
        "arch_bin wasn't set for some reason",
        'CUDA_ARCHITECTURES is empty',
        /CMAKE_CUDA_ARCHITECTURES (?:must be non-empty|is not set|must be valid)/,
        /arch_list\[-1\] \+= '\+PTX'/,
        /(?:set|specify) (?:the )?(?:environment variable )?TORCH_CUDA_ARCH_LIST/i,
        'Failed to detect a default CUDA architecture',
        /`?nvidia-smi`? (?:failed|returned|not found).{0,60}(?:CUDA|compute)/,
        /[Cc]ould not (?:detect|determine) .{0,30}(?:GPU|CUDA|compute) (?:arch|capabilit)/,
      ],
      confidence: 0.93,
      explanation: 'No GPU architecture was given: pass CMAKE_CUDA_ARCHITECTURES or TORCH_CUDA_ARCH_LIST.',
      examples: [
        'CMake Error in CMakeLists.txt:\n  CUDA_ARCHITECTURES is empty for target "saxpy".',
        "    arch_list[-1] += '+PTX'\nIndexError: list index out of range",
      ],
    },
    {
      subclass: 'cmake-cuda-missing',
      patterns: [
        /Could NOT find (?:CUDA|CUDAToolkit|CUDNN|cuDNN|NCCL|cuBLAS|Cuda)\b/,
        'No CMAKE_CUDA_COMPILER could be found',
        'CUDA_TOOLKIT_ROOT_DIR not found or specified',
        'Failed to find nvcc',
        'Specify CUDA_TOOLKIT_ROOT_DIR',
        /Cuda Configuration Error: (?<message>.{1,120})/,
        /Unable to find (?:the )?CUDA/,
        'cannot find CUDA installation',
        /cannot find libdevice for sm_/,
        /Compiling the CUDA compiler identification source file .{0,60}failed/,
        /^CUDA_\w{2,30}_LIBRARY(?: \(ADVANCED\))?$/,
        /(?:Caffe2|PyTorch): CUDA (?:cannot be found|not found)/,
        /CUDA [Tt]oolkit (?:was )?not found/,
        'Could not find nvcc executable in path specified by',
        /Could not find nvcc(?: executable)?,? please set/i,
        /(?:CUDAToolkit|CUDA_TOOLKIT_ROOT_DIR) .{0,40}(?:not (?:set|found|specified)|could not be found)/,
        'Could not find `nvcc` executable',
        /Could NOT find (?:NVCC|nvcc|CUDART|CUBLAS|CUFFT|CURAND|CUSOLVER|CUSPARSE|NVML|NVTX|TensorRT|TENSORRT|CuDNN|Cudnn|cuTENSOR|CUTENSOR|OptiX)\b/,
      ],
      excludes: [/^-- (?!Could NOT find CUDA)/, /[Ww]arning/],
      explanation: 'The build did not find CUDA: add the missing cudaPackages output to its inputs.',
      examples: [
        'Could NOT find CUDAToolkit (missing: CUDAToolkit_NVCC_EXECUTABLE) (found version "12.8")',
        '  No CMAKE_CUDA_COMPILER could be found.',
        "Cuda Configuration Error: Could not find any cuda.h matching version '12'",
      ],
    },
    {
      id: 'cuda-home-of-build',
      subclass: 'cmake-cuda-missing',
      patterns: [
        'CUDA_HOME environment variable is not set',
        'CUDA path could not be detected',
        /[Cc](?:ould not|annot) find nvcc/,
      ],
      when: [
        /Getting requirements to build wheel|pypaBuildPhase|setuptoolsBuildPhase|pipBuildPhase|setup\.py/,
      ],
      explanation:
        'The Python build does not find CUDA: set CUDA_HOME, and add cuda_nvcc to nativeBuildInputs.',
      examples: [
        'Executing pypaBuildPhase\nOSError: CUDA_HOME environment variable is not set. Please set it to your CUDA install root.',
        '  File "/build/source/setup.py", line 71\nRuntimeError: Cannot find nvcc',
      ],
    },
    {
      subclass: 'bazel-cuda-configuration',
      patterns: [
        /@local_config_cuda\/\/.{0,120}failed/,
        /no such package '@local_config_cuda/,
        /Repository command failed.{0,80}[Cc]uda/,
      ],
      explanation:
        "Bazel's CUDA configuration failed: check the merged toolkit, TF_CUDA_PATHS and the compute capabilities.",
      examples: [
        'ERROR: /build/output/external/local_config_cuda/cuda/BUILD:231:8: Executing genrule @local_config_cuda//cuda:cudnn-include failed: (Exit 1): bash failed',
        "ERROR: no such package '@local_config_cuda//cuda': Repository command failed",
      ],
    },
    {
      subclass: 'autoconf-cuda-missing',
      patterns: [
        /configure: error: (?<message>.{0,160}(?:CUDA|cuda|nvcc|cudart|nvml|NCCL|nccl|cudnn).{0,160})/,
        'configure: error: CUDA',
      ],
      confidence: 0.93,
      explanation: 'configure did not find CUDA: add the missing cudaPackages output, or pass --with-cuda.',
      examples: [
        'configure: error: CUDA support requested, but libcudart was not found',
        'configure: error: Could not find nvcc in /usr/local/cuda',
      ],
    },
    {
      subclass: 'nvml-header-missing',
      rank: 'consequence',
      patterns: ['nvml header not found', /checking for nvml\.h\.\.\. no/],
      confidence: 0.7,
      explanation: 'nvml.h is missing: add cuda_nvml_dev to the inputs.',
      examples: [
        'configure: nvml header not found in /nix/store/q-cuda/include',
        '12:01 checking for nvml.h... no (cached)',
      ],
    },
    {
      subclass: 'cuda-version-mismatch',
      patterns: [/The detected CUDA version \((?<_found>[^)]{1,12})\) mismatches/],
      confidence: 0.97,
      explanation:
        'nvcc ({found}) and PyTorch were built for different CUDA versions: use one cudaPackages for both.',
      examples: [
        'RuntimeError: The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch (12.1).',
        'The detected CUDA version (13.0) mismatches the version that was used to compile PyTorch (12.8). Please make sure to use the same CUDA versions.',
      ],
    },
    {
      subclass: 'compiler-broken',
      patterns: [
        /is not able to compile a simple test program/,
        /compiler does not seem to be functional/i,
        /Could not find compiler set in environment variable/,
        /CMAKE_\w{1,10}_COMPILER not set, after EnableLanguage/,
        /No CMAKE_(?:C|CXX|Fortran|HIP)_COMPILER could be found/,
        /(?:rustc|cargo|go) \S{1,40} is not supported by the following package/,
        /requires go >= [\d.]{1,10} \(running go/,
        /feature `edition\d{4}` is required/,
        /configure: error: C(?:\+\+)? compiler cannot create executables/,
        /requires the language dialect "?(?<dialect>CUDA\d{2})"?/,
        /requires rustc (?<_version>[\d.]{3,8})/,
      ],
      explanation:
        'The compiler does not do what the build asks for first: read its test in the lines below, check version and wrappers.',
      examples: [
        '  is not able to compile a simple test program.',
        'error: package `cudarc v0.17.0` cannot be built because it requires rustc 1.86 or newer',
      ],
    },
  ],
);
