/** Faults of hosts: disk, memory, limits, hardware (class `infra`). */

import { ERRNO_MEANINGS } from '../codes/errno.ts';
import { defineRules } from './define.ts';

/** NCCL and UCX name shared memory in the same words; those belong to the collective rules. */
const SHARED_MEMORY = /\/dev\/shm|posix_fallocate|shm_open|NCCL WARN|UCX {1,2}ERROR/;

export const HOST_RULES = defineRules(
  'infra',
  { rank: 'specific', scope: 'host', retry: 'other', confidence: 0.93 },
  [
    {
      subclass: 'disk-full',
      rank: 'decisive',
      patterns: [
        'No space left on device',
        'lack of free disk space',
        'database or disk is full',
        'Disk quota exceeded',
        /tar: .{1,200}: Wrote only \d{1,9} of \d{1,9} bytes/,
        /[Ee]rror writing .{0,200}\(28\)/,
        /not enough (?:free )?(?:disk )?space/i,
      ],
      excludes: [
        SHARED_MEMORY,
        /(?:Cannot (?:open|mkdir)|cannot create (?:directory|regular file)) ?[^:]{0,200}: No space/,
      ],
      confidence: 0.97,
      explanation: 'The disk or its quota is full: free space on the builder, and try another one meanwhile.',
      examples: [
        'fatal error: error writing to /build/ccX1.s: No space left on device',
        'note: build failure may have been caused by lack of free disk space',
        'error: committing transaction: database or disk is full, (13)',
      ],
      counterExamples: [
        'include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device',
      ],
    },
    {
      subclass: 'disk-full-inodes',
      rank: 'decisive',
      // Creating a file needs an inode; a disk full of bytes fails later, when the file is written.
      patterns: [
        /(?:Cannot (?:open|mkdir)|cannot create (?:directory|regular file)) ?[^:]{0,200}: No space left on device/,
      ],
      confidence: 0.96,
      explanation:
        'No file could be created, so inodes ran out: count them with `df -i`, and collect garbage.',
      examples: [
        'tar: source/x.nix: Cannot open: No space left on device',
        "mkdir: cannot create directory '/build/tmp': No space left on device",
      ],
    },
    {
      subclass: 'errno',
      patterns: [
        /\[Errno (?<code>\d{1,3})\] /,
        /\(os error (?<code>\d{1,3})\)/,
        /\berrno[ =:]{1,3}(?<code>\d{1,3})\b/,
        /(?:Error|error): (?<code>E[A-Z]{3,12})[:,] /,
      ],
      excludes: [SHARED_MEMORY, /CUDA|cuda|NCCL|nccl/],
      codes: ERRNO_MEANINGS,
      explanation: 'The operating system refused a call.',
      examples: [
        'OSError: [Errno 24] Too many open files: /build/x',
        'Error: Os { code: 24 }: Too many open files (os error 24)',
        'write error: ENOSPC: no space left on device, write',
      ],
    },
    {
      subclass: 'oom-kill',
      rank: 'decisive',
      patterns: [
        /Killed signal terminated program (?<program>\S{1,60})/,
        /died due to signal 9\b/,
        /signal 9 \(Killed\)/,
        /signal: 9, SIGKILL/,
        /internal compiler error: Killed \(program/,
        'Out of memory: Killed process',
        'Memory cgroup out of memory',
        'invoked oom-killer',
        /terminated with signal 9 \[Killed\]/,
        /: line \d{1,6}: {1,4}\d{1,9} Killed\b/,
        'LLVM ERROR: out of memory',
        'virtual memory exhausted: Cannot allocate memory',
        /out of memory allocating \d{1,15} bytes/,
        /memory allocation of \d{1,15} bytes failed/,
        /(?:[Ee]xit(?:ed)?(?: with)?(?: code| status)?|Error|code) 137\b/,
        /(?:fork|posix_spawn\w{0,2}|vfork|clone): Cannot allocate memory/,
        /\boom-kill event/,
        /(?:^|[\s.])Killed$/,
        /make(?:\[\d{1,3}\])?: \*\*\* \[.{1,300}\] Killed/,
        /signal: killed\b/,
        /[Ee]xit(?:ed)?(?: with)? (?:code|status):? ?137\b/,
        /ptxas fatal {1,4}: Memory allocation failure/,
        'OOMKilled',
      ],
      excludes: [/CUDA (?:out|error)|cudaError|CUDA_ERROR|VRAM|GPU memory/],
      retry: 'bigger',
      confidence: 0.92,
      explanation:
        'The system ran out of memory and killed a program: use a bigger host, or fewer parallel jobs.',
      examples: [
        'clang++: fatal error: Killed signal terminated program cc1plus',
        'kernel: Out of memory: Killed process 4242 (cicc) total-vm:9000000kB',
        "error: builder for '/nix/store/x-torch.drv' failed due to signal 9 (Killed)",
        'make[2]: *** [CMakeFiles/flash.dir/build.make:90: flash.cu.o] Error 137',
      ],
    },
    {
      id: 'host-memory',
      subclass: 'oom-kill',
      rank: 'consequence',
      patterns: [
        'std::bad_alloc',
        /^(?:numpy\.\S{1,60}\.)?_?(?:Array)?MemoryError\b/,
        'Reached heap limit Allocation failed',
        'JavaScript heap out of memory',
        'java.lang.OutOfMemoryError',
        'requires more system memory',
        /terminated by signal SIGKILL/,
        /(?:[Cc]annot|[Cc]ould not|[Ff]ailed to) allocate memory/,
        /Server terminated abruptly \(error code: 14/,
      ],
      excludes: [/CUDA|cuda|out_of_memory|HIP|UCX|NCCL|ibv_|requested buffer|GPU/],
      retry: 'bigger',
      confidence: 0.75,
      explanation:
        'The program got no more memory: use a bigger host, fewer parallel jobs, or a larger heap limit.',
      examples: [
        "terminate called after throwing an instance of 'std::bad_alloc'",
        'numpy.core._exceptions._ArrayMemoryError: Unable to allocate 29.8 GiB for an array with shape (4, 1)',
      ],
    },
    {
      subclass: 'process-limit',
      rank: 'consequence',
      patterns: [
        /fork: (?:retry: )?(?:Resource temporarily unavailable|No child processes)/,
        /posix_spawn\w{0,2}: Resource temporarily/,
        "can't start new thread",
        'pthread_create failed',
        /unable to fork: Resource temporarily/,
      ],
      retry: 'fix',
      confidence: 0.8,
      explanation:
        'No more processes or threads may be started: raise the limit, or use fewer parallel jobs.',
      examples: [
        'bash: fork: retry: Resource temporarily unavailable',
        "RuntimeError: can't start new thread",
      ],
    },
    {
      subclass: 'host-hardware',
      rank: 'decisive',
      speaker: 'kernel',
      patterns: [
        'Machine Check Exception',
        'mce: [Hardware Error]',
        /EXT4-fs error \(device/,
        /blk_update_request: I\/O error/,
      ],
      confidence: 0.9,
      explanation: 'The kernel reports broken hardware: take the host out of service.',
      examples: [
        'mce: [Hardware Error]: Machine check events logged',
        'blk_update_request: I/O error, dev nvme0n1, sector 8',
      ],
    },
    {
      subclass: 'store-corrupted',
      patterns: [
        'database disk image is malformed',
        /error: (?:path|store path) '[^']{1,300}' is (?:corrupt|corrupted|missing in the store)/,
        /executing SQLite (?:query|statement) .{0,200}: (?:database is locked|disk I\/O error|attempt to write a readonly|unable to open)/,
        /cannot link '\/nix\/store\/[^']{1,120}' to '/,
      ],
      retry: 'fix',
      explanation: "The builder's Nix store is damaged: run `nix-store --verify --check-contents` on it.",
      examples: [
        'error: executing SQLite query: database disk image is malformed, (13)',
        "error: path '/nix/store/a-glibc' is corrupted",
      ],
    },
  ],
);
