/** Errors of the evaluation: what Nix, Nixpkgs' `check-meta.nix` and nix-eval-jobs say. */

import { defineRules } from './define.ts';

export const EVAL_ERROR_RULES = defineRules(
  'eval-error',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97, stages: ['evaluation'] },
  [
    {
      subclass: 'unfree-refused',
      patterns: ['has an unfree license', /error: .{0,300}is «unfree»/, /because it is unfree\b/],
      confidence: 0.99,
      explanation:
        'The package or an input is unfree: allow its licence for this jobset, or drop the new dependency.',
      examples: [
        'error: Package ‘cuda-merged-12.8’ in /build/nixpkgs/pkgs/x.nix:94 has an unfree license (‘CUDA EULA’), refusing to evaluate.',
        "error: Refusing to evaluate package 'tensorrt-10.9' in /build/pkgs/a.nix:12 because it has an unfree license (‘tensorrt’)",
      ],
    },
    {
      subclass: 'insecure-refused',
      patterns: ['is marked as insecure', /is «insecure»/],
      confidence: 0.99,
      explanation: 'The package or an input is marked insecure: update it, or permit exactly this version.',
      examples: [
        'error: Package ‘freeimage-unstable-2021-11-01’ in /s/pkgs/free.nix:77 is marked as insecure, refusing to evaluate.',
        "error: Refusing to evaluate package 'openssl-1.1.1w' in /s/a.nix:1 because it is marked as insecure",
      ],
    },
    {
      subclass: 'broken-refused',
      patterns: ['is marked as broken', /is «broken»/],
      confidence: 0.99,
      explanation: 'The package or an input is marked broken: repair it, or drop the dependency.',
      examples: [
        'error: Package ‘python3.13-vllm-0.9.1’ in /s/pkgs/vllm/default.nix:401 is marked as broken, refusing to evaluate.',
        "error: Refusing to evaluate package 'magma-2.9.0' in /s/magma.nix:3 because it is marked as broken",
      ],
    },
    {
      subclass: 'unsupported-platform-refused',
      patterns: [
        'is not available on the requested hostPlatform',
        'is not supported on the requested platform',
        /is «unsupported»/,
      ],
      explanation: 'The package does not support this system: remove the job here, or repair meta.platforms.',
      examples: [
        'error: Package ‘nvidia-x11-580.82’ in /s/nvidia.nix:9 is not available on the requested hostPlatform:',
        "error: Refusing to evaluate package 'cuda_compat-13.0' in /s/x.nix because it is not available on the requested hostPlatform:",
      ],
    },
    {
      subclass: 'unsupported-interpreter',
      patterns: ['not supported for interpreter {interpreter}', 'is not supported for {interpreter}, please'],
      explanation:
        'The Python package does not support {interpreter|this interpreter}: leave it out of that package set.',
      examples: [
        'error: tensorflow-2.19.0 not supported for interpreter python3.14',
        'error: openai-triton-llvm-17 not supported for interpreter pypy3.11',
      ],
    },
    {
      subclass: 'package-policy-refused',
      patterns: [
        'is blocklisted, refusing to evaluate',
        "contains elements not built from source ('",
        'has an invalid meta attrset:',
        'has a license on the blocklist',
      ],
      explanation:
        "Nixpkgs' policy refuses the package: read the reason in the line, then change the configuration or meta.",
      examples: [
        'error: Package ‘cudatoolkit-12.4’ in /s/x.nix:8 contains elements not built from source (‘binaryNativeCode’), refusing to evaluate.',
        'error: Package ‘saxpy’ in /s/saxpy.nix:30 has an invalid meta attrset:',
      ],
    },
    {
      subclass: 'unsupported-capability',
      patterns: [
        'unsupported capabilities were requested',
        /Jetson (?:devices|CUDA capabilities|capabilities)[^.]{0,160}(?:cannot|require|must)/,
        /(?:[Uu]nsupported|not supported|unrecognized)[^.]{0,40} (?:CUDA|cuda|compute) capabilit/,
        /(?:CUDA|cuda|compute) capabilit(?:y|ies) [^.]{0,60}(?:not supported|unsupported|are unrecognized)/,
      ],
      scope: 'architecture',
      explanation:
        'This CUDA version does not support a requested capability: correct cudaCapabilities or the CUDA version.',
      counterExamples: ['CUDA error: compute capability 5.2 is not supported by this kernel'],
      examples: [
        'However, the following unsupported capabilities were requested: 12.0',
        'error: Jetson devices cannot be targeted with non-Jetson devices. Additionally, they require hostPlatform to be aarch64.',
        'error: Unsupported CUDA capability: 6.1',
      ],
      excludes: [/CUDA error|RuntimeError|UserWarning/],
    },
    {
      subclass: 'unsupported-system-throw',
      patterns: [
        'Unsupported Nix system: {system}',
        /error: .{0,60}[Uu]nsupported (?:system|platform):? '?(?<system>[\w-]{3,30})/,
      ],
      confidence: 0.96,
      explanation: 'The expression throws for {system|this system}: guard the attribute by the platform.',
      examples: [
        'error: Unsupported Nix system: riscv64-linux',
        'error: unsupported system: powerpc64le-linux',
      ],
    },
    {
      subclass: 'infinite-recursion',
      patterns: [
        'infinite recursion encountered',
        'stack overflow (possible infinite recursion)',
        'stack overflow; max-call-depth exceeded',
        '(possible infinite recursion)',
      ],
      confidence: 0.98,
      explanation: 'The expression refers to itself: follow the trace to the attribute that needs itself.',
      examples: [
        'error: stack overflow; max-call-depth exceeded',
        'evaluation worker got killed by SIGSEGV, (possible infinite recursion)',
      ],
    },
    {
      subclass: 'missing-attribute',
      patterns: [
        "attribute '{attribute}' missing",
        /attribute '(?<attribute>[^']{1,200})' in selection path '[^']{1,200}' not found/,
        "does not provide attribute '{attribute}'",
        "attribute path '{attribute}' not found",
      ],
      confidence: 0.95,
      explanation:
        'The attribute {attribute|named in the line} does not exist: look for a rename or a removed alias.',
      examples: [
        "error: attribute 'cudnn_9_11' missing",
        "error: flake 'path:/w' does not provide attribute 'packages.x86_64-linux.vllm', 'legacyPackages.x86_64-linux.vllm' or 'vllm'",
      ],
    },
    {
      subclass: 'undefined-variable',
      patterns: ["undefined variable '{variable}'"],
      confidence: 0.96,
      explanation: 'The variable {variable} is not defined: add it to the arguments, or correct its name.',
      examples: ["error: undefined variable 'cudaPackages_13'", "error: undefined variable 'lib'"],
    },
    {
      subclass: 'wrong-argument',
      patterns: [
        "called with unexpected argument '{argument}'",
        "called without required argument '{argument}'",
      ],
      confidence: 0.95,
      explanation:
        'A function is called with the wrong arguments ({argument}): compare caller and definition.',
      examples: [
        "error: function 'anonymous lambda' called with unexpected argument 'cudaSupport'",
        "error: function 'anonymous lambda' called without required argument 'nccl'",
      ],
    },
    {
      subclass: 'type-error',
      patterns: [
        /error: cannot coerce (?<type>\w[\w ]{2,40}) to a string/,
        /error: (?:value is|expected) (?<type>an? [\w ]{3,30})(?: while| but found)/,
        'attempt to call something which is not a function',
        /error: cannot (?:compare|add) (?<type>an? (?:set|list|string|integer|function|null|Boolean|path)\b.{0,30})/,
      ],
      confidence: 0.93,
      explanation: 'A value has the wrong type: follow the trace to where it comes from.',
      examples: [
        'error: cannot coerce a set to a string: { x = 1; }',
        'error: expected a list but found a string: "sm_89"',
      ],
    },
    {
      subclass: 'assertion-failed',
      patterns: [
        /error: assertion '(?<assertion>.{1,200})' failed/,
        /error: assertion (?<assertion>.{1,200}) failed at/,
        'Failed assertions:',
      ],
      confidence: 0.94,
      explanation: 'An assertion of the expression failed: read its condition, it names what does not fit.',
      examples: [
        "error: assertion '(cudaSupport -> cudaPackages.nccl.meta.available)' failed",
        'error: assertion (cudaSupport && !rocmSupport) failed at /s/torch.nix:70:1',
      ],
    },
    {
      subclass: 'syntax-error',
      patterns: [/error: syntax error, unexpected (?<token>.{1,60})/],
      explanation: 'The expression does not parse: correct the place named in the line.',
      examples: [
        "error: syntax error, unexpected '}', expecting ';'",
        'error: syntax error, unexpected end of file',
      ],
    },
    {
      subclass: 'missing-file',
      patterns: [
        /error: (?:getting status of|opening file|path|reading directory) '(?<path>[^']{1,300})'(?:: No such file| does not exist)/,
        "file '{path}' was not found in the Nix search path",
        /error: access to (?:absolute )?(?:path|URI) '(?<path>[^']{1,300})' is forbidden/,
      ],
      confidence: 0.9,
      explanation:
        'The evaluation reads {path|a file} that is not there or not allowed: add it to git, or make it an input.',
      examples: [
        "error: getting status of '/nix/store/abc-source/pkgs/x.nix': No such file or directory",
        "error: file 'nixpkgs' was not found in the Nix search path (add it using $NIX_PATH or -I)",
      ],
    },
    {
      subclass: 'flake-lock-outdated',
      patterns: [
        'requires lock file changes but they',
        'cannot update unlocked flake input',
        'cannot write modified lock file',
      ],
      explanation: 'The lock file does not match the inputs: run `nix flake lock` and commit it.',
      examples: [
        "error: flake 'git+file:///w' requires lock file changes but they're not allowed due to '--no-write-lock-file'",
        "error: cannot update unlocked flake input 'nixpkgs' in pure mode",
      ],
    },
    {
      subclass: 'ifd-disabled',
      patterns: ["'allow-import-from-derivation' is"],
      explanation:
        'The evaluation needs a build and that is not allowed: commit the generated file, or allow it for the jobset.',
      examples: [
        "error: cannot build '/nix/store/a-x.drv' during evaluation because the option 'allow-import-from-derivation' is disabled",
        "error: attempted to realize '/nix/store/b-y.drv' during evaluation but 'allow-import-from-derivation' is false",
      ],
    },
    {
      subclass: 'ifd-wrong-system',
      patterns: [/a '(?<system>[\w-]{5,40})' is required to build '/],
      when: [
        /(?:hydra|nix)-eval-jobs/,
        'while evaluating',
        'during evaluation',
        'while realising the context',
      ],
      confidence: 0.93,
      explanation:
        'The evaluation must build for {system|another system} first: avoid import from derivation there.',
      examples: [
        "error: a 'aarch64-linux' is required to build '/nix/store/q-gen.drv', but I am a 'x86_64-linux'\n… while evaluating the attribute 'src'",
        "nix-eval-jobs: worker error\nerror: a 'x86_64-darwin' is required to build '/nix/store/q-a.drv', but I am a 'x86_64-linux'",
      ],
    },
    {
      subclass: 'eval-oom',
      patterns: [
        'maybe memory limit reached?',
        'GC Warning: Failed to expand heap',
        'Too many heap sections',
        'Out of Memory! Returning NULL!',
        /(?:hydra|nix)-eval-jobs returned signal 9\b/,
        'unexpected EOF reading a line',
      ],
      scope: 'infrastructure',
      retry: 'bigger',
      confidence: 0.9,
      explanation: 'The evaluation ran out of memory: give its workers more, or split the jobset.',
      examples: [
        'evaluation worker got killed by SIGKILL, maybe memory limit reached?',
        'GC Warning: Failed to expand heap by 1073741824 bytes',
      ],
    },
    {
      id: 'eval-thrown',
      subclass: 'thrown',
      rank: 'consequence',
      patterns: [
        'evaluation aborted with the following error message: {message}',
        /error: in job '.{1,200}': (?<message>.{1,160})/,
      ],
      confidence: 0.75,
      explanation: 'The expression refuses by its own words: read them in the line.',
      examples: [
        "error: evaluation aborted with the following error message: 'lib.customisation.callPackageWith: unknown name'",
        "error: in job 'torch.x86_64-linux': tests are missing",
      ],
    },
  ],
);
