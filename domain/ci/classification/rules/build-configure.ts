/** The configuration of a build did not find, or did not like, what it needs. */

import { defineRules } from './define.ts';

export const BUILD_CONFIGURE_RULES = defineRules(
  'build-configure',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'fetch'] },
  [
    {
      subclass: 'cuda-arch-unset',
      patterns: [
        "arch_bin wasn't set for some reason",
        'CUDA_ARCHITECTURES is empty for target',
        /CMAKE_CUDA_ARCHITECTURES (?:must be non-empty|is not set|must be valid)/,
        /arch_list\[-1\] \+= '\+PTX'/,
        /(?:set|specify) (?:the )?(?:environment variable )?TORCH_CUDA_ARCH_LIST/i,
        'Failed to detect a default CUDA architecture',
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
      patterns: [
        /The detected CUDA version \((?<_found>[\d.]{1,12})\) mismatches the version that was used to compile/,
      ],
      confidence: 0.97,
      explanation:
        'nvcc ({found}) and PyTorch were built for different CUDA versions: use one cudaPackages for both.',
      examples: [
        'RuntimeError: The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch (12.1).',
        'The detected CUDA version (13.0) mismatches the version that was used to compile PyTorch (12.8). Please make sure to use the same CUDA versions.',
      ],
    },
    {
      subclass: 'missing-c-library',
      patterns: [
        /Missing (?:\(or bad\) )?C librar(?:y|ies): (?<library>\S{1,80})/,
        'Missing dependency on a foreign library',
        /C (?:shared or static )?library '(?<library>[^']{1,80})' not found/,
      ],
      confidence: 0.93,
      explanation: 'The C library {library|named in the log} is missing: add it to the inputs.',
      examples: [
        '* Missing (or bad) C library: cublas',
        "meson.build:31:11: ERROR: C shared or static library 'nvrtc' not found",
      ],
    },
    {
      subclass: 'missing-python-build-dep',
      patterns: [
        "ModuleNotFoundError: No module named '{module}'",
        /ERROR Missing dependencies:/,
        /Could not find a version that satisfies the requirement (?<module>[\w.-]{1,80})/,
        /No matching distribution found for (?<module>[\w.-]{1,80})/,
        /BackendUnavailable: Cannot import '(?<module>[^']{1,80})'/,
      ],
      when: [
        'setuptoolsBuildPhase',
        'pypaBuildPhase',
        'pipBuildPhase',
        'setup.py',
        'pyproject',
        'Missing dependencies:',
        'satisfies the requirement',
        'No matching distribution',
        'BackendUnavailable',
        'Building wheel',
      ],
      confidence: 0.92,
      explanation:
        'The Python build lacks {module|a module}: add it to build-system, or relax the requirement.',
      examples: [
        "Executing pypaBuildPhase\nModuleNotFoundError: No module named 'scikit_build_core'",
        'ERROR: Could not find a version that satisfies the requirement torch==2.4.0 (from versions: none)',
        'ERROR Missing dependencies:\n\thatchling>=1.18',
      ],
    },
    {
      subclass: 'missing-package',
      patterns: [
        /Could not find a package configuration file provided by "(?<package>[^"]{1,80})"/,
        /meson\.build:\d{1,5}:\d{1,4}: ERROR: Dependency "(?<package>[^"]{1,80})" not found/,
        /target "(?<package>[^"]{1,80})" but the target was not found/,
        /include could not find (?:requested|load) file/,
        /No package '(?<package>[^']{1,80})' found/,
        /Package '?(?<package>[\w.+-]{1,80})'?,? (?:required by .{1,80}, not found|was not found in the pkg-config search path)/,
        /CMake Error.{0,80}Could NOT find (?<package>\w{1,60})/,
        /^Could NOT find (?<package>\w{1,60}) \(missing:/,
        /program '(?<package>[^']{1,60})' not found/i,
      ],
      excludes: [/Could NOT find (?:CUDA|CUDAToolkit|CUDNN|cuDNN|NCCL)\b/, /[Ww]arning/],
      confidence: 0.86,
      explanation: 'The build did not find {package|a package}: add it to the inputs.',
      examples: [
        'Could not find a package configuration file provided by "Protobuf" with any of the following names:',
        'meson.build:88:12: ERROR: Dependency "libdrm" not found, tried pkgconfig',
        "No package 'fmt' found",
      ],
    },
    {
      subclass: 'cmake-too-new',
      patterns: [
        /Compatibility with CMake < [\d.]{1,6} has been removed/,
        /CMake [\d.]{1,8} or higher is required/,
      ],
      confidence: 0.95,
      explanation:
        'The project and this CMake do not fit: raise cmake_minimum_required, or use another CMake.',
      examples: [
        '  Compatibility with CMake < 3.5 has been removed from CMake.',
        '  CMake 3.30 or higher is required.  You are running version 3.28.3',
      ],
    },
    {
      subclass: 'unpack-failed',
      patterns: [
        'do not know how to unpack source archive',
        'unpacker appears to have produced no directories',
        'unpacker produced multiple directories',
      ],
      confidence: 0.95,
      explanation: 'The source could not be unpacked: set sourceRoot, or add the unpacker.',
      examples: [
        'do not know how to unpack source archive /nix/store/a-cuda.run',
        'unpacker produced multiple directories',
      ],
    },
    {
      subclass: 'lockfile-outdated',
      patterns: [
        'needs to be updated but --locked was passed',
        'go: inconsistent vendoring',
        'needs to be updated but --offline',
        /error: failed to select a version for the requirement/,
        /error: no matching package named/,
      ],
      explanation: 'The lock file and the sources do not fit: regenerate the lock file and its hash.',
      examples: [
        'error: the lock file /build/source/Cargo.lock needs to be updated but --locked was passed to prevent this',
        'go: inconsistent vendoring in /build/source:',
      ],
    },
    {
      subclass: 'missing-command',
      patterns: [
        /: line \d{1,6}: (?<command>[\w.+-]{1,60}): command not found/,
        /(?:sh|env): \d{0,6}:? ?(?<command>[\w.+-]{1,60}): not found/,
        /env: '?(?<command>[\w.+-]{1,60})'?: No such file or directory/,
        /(?<command>\/\S{1,100}): bad interpreter: No such file/,
      ],
      excludes: [/hydra/, /zstd|nvcc/],
      confidence: 0.8,
      explanation:
        'The build calls {command}, which is not there: add it to nativeBuildInputs, or patch the shebang.',
      examples: [
        '/build/source/build.sh: line 12: protoc: command not found',
        '/bin/sh: ./configure: /usr/bin/perl: bad interpreter: No such file or directory',
      ],
    },
    {
      subclass: 'python-build-backend',
      rank: 'consequence',
      patterns: [
        'setuptools-scm was unable to detect version',
        'Multiple top-level packages discovered in a flat-layout',
        /error in \S{1,60} setup command: (?<message>.{1,120})/,
      ],
      explanation:
        'The Python build backend refused: set SETUPTOOLS_SCM_PRETEND_VERSION or correct the project file.',
      examples: [
        'LookupError: setuptools-scm was unable to detect version for /build/source.',
        "error: Multiple top-level packages discovered in a flat-layout: ['csrc', 'tools'].",
      ],
    },
    {
      subclass: 'configure-error',
      rank: 'consequence',
      patterns: [
        /configure: error: (?<message>.{1,160})/,
        /meson\.build:\d{1,5}:\d{1,4}: ERROR: (?<message>.{1,160})/,
      ],
      confidence: 0.85,
      explanation: 'The configuration stopped by its own words: read them in the line.',
      examples: [
        'configure: error: C compiler cannot create executables',
        "meson.build:12:0: ERROR: Unknown compiler(s): [['gfortran']]",
      ],
    },
    {
      subclass: 'cmake-error',
      rank: 'generic',
      patterns: [/^CMake Error(?: at| in|:)/, 'Configuring incomplete, errors occurred'],
      confidence: 0.8,
      explanation: 'CMake stopped: read the message in the lines below this one.',
      examples: [
        'CMake Error at cmake/deps.cmake:12 (message):\n  Unsupported layout',
        '-- Configuring incomplete, errors occurred!',
      ],
    },
    {
      subclass: 'build-script-failed',
      rank: 'generic',
      patterns: [
        /error: failed to run custom build command for `(?<crate>[^`]{1,80})`/,
        /error: command '[^']{1,300}' failed with exit (?:code|status) \d/,
        'Failed building wheel for',
      ],
      confidence: 0.55,
      explanation: 'A step of the build system failed: look at what it printed before.',
      examples: [
        'error: failed to run custom build command for `cudarc v0.16.4`',
        "error: command '/nix/store/a-gcc/bin/g++' failed with exit code 1",
      ],
    },
  ],
);
