/** Measurements: they name a regression only where nothing failed, and the number is judged elsewhere (reference/cuda.md §6). */

import { defineRules } from './define.ts';

/** `nix path-info -sS`, `du -h`: a store path and one or two sizes, at the end of the line. */
const SIZES_BEHIND =
  /^\/nix\/store\/[0-9a-z]{32}-[^\s:]{1,160}\s+[\d.]{1,8} ?[KMGT](?:i?B)?(?:\s+[\d.]{1,8} ?[KMGT](?:i?B)?)?$/;
const SIZE_BEFORE = /^(?:\d{3,11}|[\d.]{1,8} ?[KMGT](?:i?B)?)\s+\/nix\/store\/[0-9a-z]{32}-[^\s:]{1,160}$/;
const BYTES_BEHIND = /^\/nix\/store\/[0-9a-z]{32}-[^\s:]{1,160}\s+\d{6,15}(?:\s+\d{6,15})?$/;

export const REPORT_RULES = [
  ...defineRules('closure-regression', { rank: 'report', scope: 'code', retry: 'no', confidence: 0.7 }, [
    {
      subclass: 'size-report',
      patterns: [
        SIZES_BEHIND,
        SIZE_BEFORE,
        /[Cc]losure[ -][Ss]ize(?! (?:grew|increased)).{0,30}\d(?:\.\d{1,2})? ?[KMGT]/,
        /: [^→]{0,60}→.{0,60}[+-]\d{1,5}(?:\.\d{1,2})?(?: KiB| MiB| GiB)/,
      ],
      explanation: 'The log lists closure sizes: compare them with those of the base.',
      examples: [
        '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-python3.13-vllm-0.9.1\t  120.3M\t   9.9G',
        '1.2G\t/nix/store/80dh48rmb9mymaw894nh9a4zgp6i6c20-cudatoolkit-11.8',
      ],
    },
    {
      subclass: 'size-baseline-large',
      patterns: [SIZES_BEHIND],
      when: [/baseline/],
      explanation: 'The log compares closure sizes with a baseline: judge the difference, not the size.',
      examples: [
        '$ nix path-info -sSh ./jax-baseline\n/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-python3.13-jax-0.5\t  20.3M\t   4.1G',
        'baseline:\n/nix/store/kxrrpb3py0d5d443wy7bw1idjnk80sfb-magma-2.9 1.7G 3.9G',
      ],
    },
    {
      subclass: 'feature-enabled-growth',
      patterns: [SIZES_BEHIND],
      when: [/[Aa]fter \((?:with|enabling) /, /[Ww]ith (?:CUDNN|cuDNN|NCCL|CUDA|TensorRT|MKL)\b.{0,10}:/],
      confidence: 0.72,
      explanation:
        'The closure grew because a feature was switched on: accept it with a reason, or split the output.',
      examples: [
        'After (with NCCL):\n/nix/store/rbidgjzdb724mw0fzz5x9hakfyl09ncg-torch-2.9 1.1G 6.0G',
        '/nix/store/wivb3y3zqawbdkywks89d14063ryc0l3-ffmpeg-7.1 236.9M 3.1G\nWith cuDNN:\n/nix/store/rbidgjzdb724mw0fzz5x9hakfyl09ncg-ffmpeg-7.1 244.8M 5.5G',
      ],
    },
    {
      subclass: 'leaked-toolchain',
      patterns: [
        /nix why-depends/,
        /(?:=> |---|───|═══)\/nix\/store\/[0-9a-z]{32}-(?<tool>(?:gcc|gcc-wrapper|clang|clang-wrapper|cuda_nvcc|cuda_cudart|cudatoolkit|cmake|binutils|rustc|go|stdenv-\w{2,10}|bootstrap-tools|nvcc)-[\w.+-]{1,40})/,
        /depends on (?:gcc|nvcc|cuda_nvcc|the compiler|bootstrap-tools|binutils)\b/,
      ],
      confidence: 0.68,
      explanation:
        'A build tool ({tool|see the chain}) is in the runtime closure: follow the chain and remove the reference.',
      examples: [
        '$ nix why-depends ./result nixpkgs#cudaPackages.cuda_nvcc',
        '    => /nix/store/9z650yzczx5zyhcw5n36ya6x4jq436mr-gcc-wrapper-14.3.0',
      ],
    },
    {
      subclass: 'output-grew',
      patterns: [BYTES_BEHIND, /closure (?:size )?(?:grew|increased)/],
      explanation: 'The log lists output sizes: compare them with those of the base, and list new paths.',
      examples: [
        '/nix/store/cyr7nnpp7wvz121ig7mpnvcn8qq3hl18-llvm-19.1  904421320',
        'closure size increased by 1.2 GiB',
      ],
    },
  ]),
  ...defineRules('perf-regression', { rank: 'report', scope: 'code', retry: 'no', confidence: 0.65 }, [
    {
      subclass: 'throughput-drop',
      patterns: [
        /[Tt]okens? per second/,
        /Throughput \(T\/s\)/,
        /^(?:[Bb]efore|[Aa]fter|[Bb]aseline): ?~?[\d.]{1,10} ?(?:TPS|tps|[Tt]ok\w{0,4}\/s|t\/s|it\/s|ms|FPS|fps|img\/s|samples\/s|[GT]FLOPS)/,
        /\b[\d.]{1,10} ?(?:tokens\/s|tok\/s|images\/sec|samples\/sec|img\/s|iterations\/s)/,
        /(?:slower|regress(?:ed|ion)).{0,40}\d{1,4} ?%/,
        /\b\d{1,4}(?:\.\d{1,2})?(?:x|%) (?:slower|slowdown|regression|performance (?:loss|drop))/,
        /[Pp]erformance (?:regression|degradation|drop)/,
        /\bt\/s \|/,
        /\b[\d.]{1,10} tokens\/sec/,
        /\b[\d.]{1,10} ?(?:t\/s|tps|TPS|tok\/s|it\/s|FPS|fps)\b.{0,80}(?:drop|slow|regress|instead of|before|after|degrad)/,
        /(?:drop|slow|regress|degrad)\w{0,8}.{0,80}\b[\d.]{1,10} ?(?:t\/s|tps|TPS|tok\/s|it\/s|FPS|fps|GB\/s)\b/i,
        /\d{1,3} ?% (?:\w{2,20} ){0,2}(?:speed|performance|throughput)? ?(?:drop|decrease|degradation|loss|slowdown)/,
        /^(?:[Bb]efore|[Aa]fter|[Bb]aseline)\b.{0,40}: ?~?[\d.]{1,10} ?(?:TPS|tps|t\/s|tok|it\/s|ms|fps|FPS)/,
        /eval rate: {1,12}[\d.]{1,10} tokens/,
        /(?:used to (?:have|get|be)|only (?:getting|get|archive|achieve)|(?:dropped|went|fell|down) (?:down )?(?:from|to)) .{0,40}\d ?(?:t\/s|tok|it\/s|fps|FPS|GB\/s|ms)/,
        /\d(?:\.\d{1,2})? token per second/,
      ],
      explanation:
        'The log holds throughput figures: compare them on the same host and driver before calling them a regression.',
      examples: [
        'llama_perf_context_print:        eval time =    9000.00 ms /   600 runs   (   15.00 ms per token,    66.67 tokens per second)',
        'Before: 88.1 t/s\nAfter: 41.7 t/s',
      ],
    },
    {
      id: 'nccl-tests-bandwidth',
      subclass: 'collective-bandwidth',
      patterns: [/# Avg bus bandwidth {1,8}: [\d.]{2,12}/],
      unless: [/# Out of bounds values : 0 OK/],
      explanation: 'nccl-tests reports a bandwidth: compare it on the same host and driver.',
      examples: ['# Avg bus bandwidth    : 12.0731', '#\n# Avg bus bandwidth    : 328.4'],
    },
    {
      id: 'nccl-tests-bandwidths',
      subclass: 'collective-bandwidth',
      patterns: [/# Avg bus bandwidth {1,8}: [\d.]{2,12}/],
      least: 2,
      confidence: 0.68,
      explanation: 'nccl-tests reports two bandwidths: compare runs of the same host and driver only.',
      examples: [
        '# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 362.1\n# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 328.4',
        '# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 41.5\nafter\n# Avg bus bandwidth    : 20.9',
      ],
      counterExamples: ['# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 41.5'],
    },
    {
      subclass: 'collective-bandwidth',
      patterns: [
        /bus(?:bw| ?bandwidth)[^#\d]{0,40}[\d.]{1,10} ?(?:GB\/s|->|vs)/,
        /^\S{1,30}: [\d.]{1,8} GB\/s/,
      ],
      explanation: 'The log holds bandwidths of a collective: compare them on the same host and driver.',
      examples: ['all_reduce busbw 362.1 -> 328.0 GB/s', 'v2.27.3: 41.9 GB/s'],
    },
  ]),
];
