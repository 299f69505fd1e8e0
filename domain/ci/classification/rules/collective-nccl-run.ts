/** Collectives that hang, time out or compute wrong: PyTorch's watchdog and nccl-tests. */

import { defineRules } from './define.ts';

/** A result row of nccl-tests: size, count, type, and where they apply operation and root; then time and two bandwidths. */
const ROW =
  /^\d{1,15} +\d{1,15} +(?:u?int(?:8|32|64)|half|float|double|bfloat16|fp8_e[45]m[23]) +(?:[a-z]{3,6} +)?(?:-?\d{1,3} +)?[\d.]{1,12} +[\d.]{1,12} +[\d.]{1,12} +/;
/** `#wrong` of the out-of-place run, or of the in-place run behind it. The column `error` of old versions is no count. */
const WRONG_ROW = new RegExp(`${ROW.source}(?<_wrong>[1-9]\\d{0,15})(?: |$)`);
const WRONG_IN_PLACE_ROW = new RegExp(
  `${ROW.source}0 +[\\d.]{1,12} +[\\d.]{1,12} +[\\d.]{1,12} +(?<_wrong>[1-9]\\d{0,15})(?: |$)`,
);

export const COLLECTIVE_RUN_RULES = defineRules(
  'collective',
  {
    rank: 'consequence',
    scope: 'host',
    retry: 'same',
    confidence: 0.85,
    link: 'https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html',
  },
  [
    {
      subclass: 'nccl-wrong-results',
      rank: 'decisive',
      silent: true,
      patterns: [WRONG_ROW, WRONG_IN_PLACE_ROW, /# Out of bounds values : (?<_count>[1-9]\d{0,15}) FAILED/],
      retry: 'other',
      confidence: 0.97,
      explanation:
        'The collective returned wrong numbers: a link or GPU corrupts data, take the host out of service.',
      examples: [
        '# Out of bounds values : 14 FAILED',
        '     1048576        262144     float     sum      -1    41.2   25.4   25.4   4096    40.9   25.6   25.6   4096',
      ],
      counterExamples: [
        '     1048576        262144     float     sum      -1    41.2   25.4   25.4      0    40.9   25.6   25.6      0',
      ],
    },
    {
      subclass: 'nccl-hang',
      rank: 'consequence',
      patterns: [/^# +size +count +type/],
      unless: [
        /# Out of bounds values/,
        /# Avg bus bandwidth/,
        ROW,
        'Test NCCL failure',
        'Test CUDA failure',
      ],
      retry: 'other',
      confidence: 0.6,
      explanation:
        'nccl-tests printed its header and no row: peer access or the IOMMU hangs, set NCCL_P2P_DISABLE=1 to prove it.',
      examples: [
        '# nThread 1 nGpus 2\n#       size         count      type   redop    root     time   algbw   busbw #wrong',
        '# Using devices\n#\n#       size         count      type     time   algbw   busbw  error',
      ],
    },
    {
      subclass: 'nccl-watchdog-timeout',
      rank: 'consequence',
      patterns: [
        /Watchdog caught collective operation timeout: WorkNCCL\(.{0,80}OpType=(?<operation>\w{3,40})/,
        'ProcessGroupNCCL::WorkNCCL::checkTimeout',
        'ProcessGroupNCCL::watchdogHandler',
        'ncclCommWatchdog',
        'Some NCCL operations have failed or timed out',
        'NCCL watchdog thread terminated with exception',
        'Watchdog caught collective operation timeout',
        /(?:Collective|Monitored) .{0,60}(?:timed? ?out|timeout).{0,60}(?:NCCL|Work|rank)/,
        /\[PG .{0,40} Rank \d{1,6}\].{0,120}(?:timeout|timed out)/,
      ],
      confidence: 0.85,
      explanation: 'A collective waited for a rank that never came: read the logs of the other ranks first.',
      examples: [
        '[E ProcessGroupNCCL.cpp:475] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=3, OpType=BROADCAST, Timeout(ms)=600000) ran for 600031 milliseconds before timing out.',
        '[E] Some NCCL operations have failed or timed out. Due to the asynchronous nature of CUDA kernels',
      ],
    },
    {
      subclass: 'nccl-aborted',
      rank: 'consequence',
      patterns: [
        /NCCL communicator was aborted/,
        /ncclCommAbort/,
        /[Pp]rocess group watchdog thread terminated/,
      ],
      confidence: 0.82,
      explanation:
        'The communicator was torn down after a fault elsewhere: read the log of the other ranks first.',
      examples: [
        'torch.distributed.DistBackendError: NCCL communicator was aborted on rank 3.',
        'RuntimeError: NCCL communicator was aborted.',
      ],
    },
    {
      subclass: 'collective-mismatch',
      rank: 'specific',
      patterns: [/Detected mismatch between collectives on ranks/, /mismatch(?:ed)? (?:in )?collectives?/],
      scope: 'code',
      retry: 'no',
      explanation: 'The ranks run different collectives: look for a branch that only some of them take.',
      examples: [
        'RuntimeError: Detected mismatch between collectives on ranks. Rank 1 is running collective: X',
        'mismatched collectives: rank 0 ALLREDUCE, rank 1 BROADCAST',
      ],
    },
  ],
);
