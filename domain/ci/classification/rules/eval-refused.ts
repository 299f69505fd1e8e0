/** Packages that Nixpkgs refuses to evaluate (`check-meta.nix` and assertions on platforms): a decision, not a mistake. */

import { defineRules } from './define.ts';

export const EVAL_REFUSED_RULES = defineRules(
  'eval-error',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97, stages: ['evaluation'] },
  [
    {
      subclass: 'unfree-refused',
      patterns: ['has an unfree license', '«unfree»', /because it is unfree\b/],
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
      patterns: ['is marked as insecure', '«insecure»'],
      confidence: 0.99,
      explanation: 'The package or an input is marked insecure: update it, or permit exactly this version.',
      examples: [
        'error: Package ‘freeimage-unstable-2021-11-01’ in /s/pkgs/free.nix:77 is marked as insecure, refusing to evaluate.',
        "error: Refusing to evaluate package 'openssl-1.1.1w' in /s/a.nix:1 because it is marked as insecure",
      ],
    },
    {
      subclass: 'broken-refused',
      patterns: ['is marked as broken', '«broken»'],
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
        /is not supported on '[\w-]{5,30}', refusing to evaluate/,
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
        /[Uu]nsupported .{0,40}capabilit/,
        /does not support the following requested capabilities/,
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
  ],
);
