/** What is wrong with outputs: missing, too large, referring where they must not, not reproducible. */

import { defineRules } from './define.ts';

export const BUILD_OUTPUT_RULES = defineRules(
  'build-output',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97, stages: ['build', 'fetch', 'gpu-test'] },
  [
    {
      subclass: 'autopatchelf-missing',
      patterns: [
        'auto-patchelf could not satisfy dependency {library} wanted by',
        'auto-patchelf failed to find all the required dependencies',
        'could not satisfy dependency {library}',
      ],
      excludes: [/^warn/],
      explanation:
        'autoPatchelfHook does not find {library|a library}: add its package, or ignore it if the driver brings it.',
      examples: [
        'error: auto-patchelf could not satisfy dependency libnvinfer.so.10 wanted by /nix/store/a-b/lib/libx.so',
        'jax> error: auto-patchelf could not satisfy dependency libnvJitLink.so.13 wanted by /nix/store/c-d/lib/liby.so',
      ],
      counterExamples: [
        'warn: auto-patchelf ignoring missing libcuda.so.1 wanted by /nix/store/a-b/lib/libx.so',
      ],
    },
    {
      id: 'autopatchelf-count',
      subclass: 'autopatchelf-missing',
      rank: 'generic',
      // The count comes first, and it also counts what the recipe ignores.
      patterns: [/auto-patchelf: \d{1,5} dependenc(?:y|ies) could not be satisfied/],
      unless: ['warn: auto-patchelf ignoring missing'],
      confidence: 0.9,
      explanation:
        'autoPatchelfHook does not find libraries: add their packages, or ignore them if the driver brings them.',
      examples: [
        'auto-patchelf: 2 dependencies could not be satisfied',
        'auto-patchelf: 1 dependency could not be satisfied',
      ],
      counterExamples: [
        'auto-patchelf: 1 dependencies could not be satisfied\nwarn: auto-patchelf ignoring missing libcuda.so.1 wanted by /nix/store/a',
      ],
    },
    {
      subclass: 'fixup-missing-library',
      patterns: [
        /patchelf: (?:getting info about|open) '(?<file>[^']{1,300})': No such file/,
        /patchelf: (?<message>cannot find section .{1,60}|not an ELF executable|wrong ELF type|missing ELF header)/,
        /strip: '(?<file>[^']{1,300})': No such file/,
      ],
      confidence: 0.93,
      explanation:
        "The fixup phase works on a file that is not there or no ELF: adapt it to the release's layout.",
      examples: [
        "patchelf: open '/nix/store/a-cudnn/lib/libcudnn.so.9': No such file or directory",
        "patchelf: cannot find section '.interp'",
      ],
    },
    {
      subclass: 'output-limit',
      speaker: 'nix',
      patterns: [
        'Output limit exceeded',
        'Output size limit exceeded',
        /path '(?<path>[^']{1,300})' is too large at \d/,
        /(?<!closure of )path '(?<path>[^']{1,300})' is too large/,
      ],
      excludes: [/closure of path/],
      explanation:
        'An output is larger than allowed: build fewer architectures, split the output, or raise the limit.',
      examples: [
        "error: path '/nix/store/a-torch' is too large at 17179869184 bytes; limit is 16000000000",
        'Hydra: Output size limit exceeded',
      ],
    },
    {
      subclass: 'log-limit',
      speaker: 'nix',
      patterns: [
        /killed after writing more than (?<_bytes>\d{1,15}) bytes of log output/,
        'Log limit exceeded',
      ],
      explanation: 'The build wrote more log than allowed: make it quieter, or raise the limit for this job.',
      examples: [
        "error: builder for '/nix/store/a-b.drv' killed after writing more than 67108864 bytes of log output",
        'Log limit exceeded',
      ],
    },
    {
      subclass: 'reference-cycle',
      speaker: 'nix',
      patterns: [
        /cycle detected in build of '[^']{1,300}' in the references of output '(?<output>[^']{1,60})' from output '(?<from>[^']{1,60})'/,
        'cycle detected in the references of',
        'cycle detected in build of',
      ],
      confidence: 0.98,
      explanation: 'Two outputs refer to each other: move the file that does, or remove the reference.',
      examples: [
        "error: cycle detected in build of '/nix/store/a-b.drv' in the references of output 'lib' from output 'dev'",
        "error: cycle detected in the references of '/nix/store/a-b' from '/nix/store/c-d'",
      ],
    },
    {
      subclass: 'not-deterministic',
      speaker: 'nix',
      patterns: ["may not be deterministic: output '{output}' differs", 'may not be deterministic'],
      explanation:
        'Two builds of the derivation differ: compare the outputs with diffoscope and remove what varies.',
      examples: [
        "error: derivation '/nix/store/a-b.drv' may not be deterministic: output '/nix/store/a-b' differs",
        "error: derivation '/nix/store/c.drv' may not be deterministic: output '/nix/store/c' differs from '/nix/store/c.check'",
      ],
    },
    {
      subclass: 'missing-output',
      speaker: 'nix',
      patterns: [
        /failed to produce output path for output '(?<output>[^']{1,60})'/,
        /failed to produce output (?:path )?'/,
        'failed to produce output path',
      ],
      explanation:
        'The build succeeded without its output {output|path}: let the install phase create it, or drop the output.',
      examples: [
        "error: builder for '/nix/store/a-b.drv' failed to produce output path for output 'dev' at '/nix/store/x'",
        "error: builder for '/nix/store/q.drv' failed to produce output path '/nix/store/y-static'",
      ],
    },
    {
      class: 'closure-regression',
      id: 'forbidden-reference',
      subclass: 'leaked-toolchain',
      patterns: [
        'is not allowed to refer to the following paths',
        /is not allowed to refer to (?:path|output|derivation) '(?<path>[^']{1,300})'/,
        /contains a forbidden reference to (?!\/build)/,
      ],
      confidence: 0.95,
      explanation:
        'The output refers to a path it must not keep at run time: follow `nix why-depends` and remove the reference.',
      examples: [
        "error: output '/nix/store/a-firefox' is not allowed to refer to the following paths:\n /nix/store/b-cuda_nvcc-12.8",
        "error: output '/nix/store/a-b' is not allowed to refer to path '/nix/store/c-gcc-14'",
      ],
    },
    {
      class: 'closure-regression',
      subclass: 'closure-too-large',
      speaker: 'nix',
      patterns: [/closure of path '(?<path>[^']{1,300})' is too large/],
      confidence: 0.95,
      explanation:
        'The closure is larger than allowed: list its new paths with `nix path-info -rS`, and follow why-depends.',
      examples: [
        "error: closure of path '/nix/store/a-b' is too large at 9000000000 bytes; limit is 8000000000",
        "closure of path '/nix/store/c-torch' is too large at 12000000000 bytes",
      ],
    },
    {
      subclass: 'forbidden-build-reference',
      patterns: [
        'contains a forbidden reference to /build',
        /RPATH of binary (?<file>\S{1,300}) contains a forbidden reference/,
      ],
      explanation:
        'A binary keeps the build directory in its runpath: remove it in the build system, or with patchelf.',
      examples: [
        'RPATH of binary /nix/store/a-b/lib/libx.so contains a forbidden reference to /build/',
        'ERROR: noBuildReferences: bin/tool contains a forbidden reference to /build/source',
      ],
    },
    {
      subclass: 'fixed-output-references',
      patterns: [
        /fixed-output derivation '[^']{1,300}' must not reference store paths/,
        'illegal path references in fixed-output derivation',
        'must not reference store paths',
      ],
      explanation:
        'A fetch kept a store path in its result: remove the reference, or do not patch inside the fetch.',
      examples: [
        "error: the fixed-output derivation '/nix/store/a.drv' must not reference store paths but 2 such references were found",
        "error: illegal path references in fixed-output derivation '/nix/store/a.drv'",
      ],
    },
    {
      subclass: 'suspicious-ownership',
      speaker: 'nix',
      patterns: ['suspicious ownership or permission on'],
      scope: 'host',
      retry: 'other',
      confidence: 0.93,
      explanation:
        'The output has permissions Nix refuses: drop set-id bits, or look at the build users of the host.',
      examples: [
        "error: suspicious ownership or permission on '/nix/store/a-b/bin/x' for output 'out'; rejecting this build output",
        "error: suspicious ownership or permission on '/nix/store/c'; rejecting this build output",
      ],
    },
    {
      subclass: 'file-collision',
      patterns: [
        /collision between [`'](?<file>[^'`]{1,300})/,
        'two given paths contain a conflicting subpath',
        'Package duplicates found in closure',
        'Found duplicated packages in closure',
      ],
      excludes: [/^warning: /],
      confidence: 0.94,
      explanation: 'Two inputs bring the same file or module: keep one of them.',
      examples: [
        "error: collision between `/nix/store/a-x/bin/nvcc' and `/nix/store/b-y/bin/nvcc'",
        "Found duplicated packages in closure for dependency 'numpy':",
      ],
    },
    {
      subclass: 'broken-symlinks',
      patterns: [
        /found \d{1,6} (?:dangling|reflexive|unreadable) symlinks?/,
        /noBrokenSymlinks: (?:ERROR|found|the symlink)/,
      ],
      confidence: 0.95,
      explanation:
        'The output has links into nothing: repair the install phase, or allow them with dontCheckForBrokenSymlinks.',
      examples: [
        'ERROR: noBrokenSymlinks: found 3 dangling symlinks, 0 reflexive symlinks and 0 unreadable symlinks',
        'found 1 dangling symlinks',
      ],
    },
    {
      subclass: 'patchelf-failed',
      rank: 'generic',
      patterns: [/^patchelf: (?<message>.{4,120})/],
      excludes: [/warning|WARNING|cannot find section '\.interp'/],
      confidence: 0.8,
      explanation: 'patchelf could not edit a file: make it writable, or exclude it from the fixup.',
      examples: [
        'patchelf: open: Permission denied',
        'patchelf: cannot normalize PT_NOTE segment: non-contiguous SHT_NOTE sections',
      ],
    },
    {
      subclass: 'install-failed',
      rank: 'generic',
      patterns: [
        /^(?:cp|mv|install|ln|chmod|rm|rmdir|mkdir|touch): (?:cannot|failed to|can't) (?:stat|create|remove|overwrite|move|access|touch|open) (?<file>.{2,160})/,
        /Builder called die: (?<file>.{2,120})/,
        /file INSTALL cannot (?:find|copy|make|duplicate|set|create)(?<file>.{2,160})/,
        /Cannot wrap '(?<file>[^']{1,160})' because it is not an executable/,
      ],
      excludes: [/Read-only file system|No space left|Permission denied/],
      unless: [/Error \d{1,3} \(ignored\)/],
      confidence: 0.72,
      explanation: 'Installing failed at {file}: adapt the install phase to what the build made.',
      examples: [
        "cp: cannot stat 'build/libfoo.so': No such file or directory",
        "install: cannot stat 'bin/tool': No such file or directory",
      ],
    },
    {
      subclass: 'empty-output',
      patterns: [
        /ERROR: (?:cudaNonEmptyOutputs|checkCudaNonEmptyOutputs|checkCudaFhsRefs|cudaFhsRefs)/,
        /output \w{1,20} is empty \(excluding nix-support\)/,
        /(?:build input|output) .{0,300} does not exist$/,
      ],
      confidence: 0.85,
      explanation:
        'A check of cudaPackages refused the output: install the missing files, or drop the output.',
      examples: [
        'ERROR: checkCudaNonEmptyOutputs: output(s) with no content: stubs',
        'output lib is empty (excluding nix-support)!',
      ],
    },
  ],
);

export const BUILD_UNSUPPORTED_RULES = defineRules(
  'build-unsupported',
  { rank: 'decisive', scope: 'code', retry: 'no', confidence: 0.95, speaker: 'nix' },
  [
    {
      subclass: 'unsupported-placeholder-built',
      patterns: [
        /Cannot build '[^']{1,200}-0-unsupported\.drv'/,
        /builder for '[^']{1,200}-0-unsupported\.drv' failed/,
      ],
      explanation: 'A placeholder for an unsupported package was built: guard its use by meta.available.',
      examples: [
        "error: Cannot build '/nix/store/a-cuda12.9-libcudla-0-unsupported.drv'.\n Reason: builder failed with exit code 1.",
        "error: builder for '/nix/store/b-cuda13.0-nvidia_driver-0-unsupported.drv' failed with exit code 1",
      ],
    },
  ],
);
