/** Collectives by NCCL and RCCL: the library's warnings and its result codes. */

import { CUDA_MESSAGES } from '../codes/cuda-errors.ts';
import { NCCL_MESSAGES, NCCL_RESULTS } from '../codes/library-status.ts';
import { defineRules } from './define.ts';

export const COLLECTIVE_NCCL_RULES = defineRules(
  'collective',
  {
    rank: 'specific',
    scope: 'host',
    retry: 'same',
    confidence: 0.9,
    link: 'https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html',
  },
  [
    {
      subclass: 'nccl-shm-too-small',
      rank: 'decisive',
      patterns: [
        /\/dev\/shm\/nccl-.{0,80}No space left/,
        /posix_fallocate failed ?: No space left/,
        /failed to extend \/dev\/shm/,
        /Error while creating shared memory segment/,
        /ftruncate .{0,60}\/dev\/shm.{0,40}No space/,
      ],
      retry: 'fix',
      confidence: 0.97,
      explanation:
        "/dev/shm is too small for NCCL: enlarge the sandbox's shared memory, or set NCCL_SHM_DISABLE=1.",
      examples: [
        'NCCL WARN Error: failed to extend /dev/shm/nccl-a1B2 to 33030532 bytes, error: No space left on device (28)',
        'include/shm.h:28 NCCL WARN Call to posix_fallocate failed: No space left on device',
      ],
    },
    {
      subclass: 'nccl-shm-permission',
      patterns: [
        /shm_open.{0,60}(?:failed|Permission denied)/,
        /unable to open shared memory object/,
        /Error while attaching to shared memory segment/,
        /shm(?:_open|get|at)\b.{0,40}(?:Permission denied|Operation not permitted)/,
        'unable to open shared memory',
      ],
      excludes: [/No space left/],
      retry: 'fix',
      confidence: 0.93,
      explanation: '/dev/shm cannot be used: mount it writable in the sandbox.',
      examples: [
        'NCCL WARN Call to shm_open failed : Permission denied',
        'RuntimeError: unable to open shared memory object </torch_5_1> in read-write mode',
      ],
    },
    {
      subclass: 'nccl-invalid-usage-duplicate-gpu',
      patterns: [/Duplicate GPU detected ?: rank/],
      scope: 'code',
      retry: 'no',
      confidence: 0.98,
      explanation: 'Two ranks share one GPU, which NCCL refuses: give each its own, or test with one rank.',
      examples: [
        'init.cc:1358 NCCL WARN Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 65000',
        'Last error:\nDuplicate GPU detected : rank 2 and rank 0 both on CUDA device b2000',
      ],
    },
    {
      subclass: 'nccl-socket-closed',
      patterns: [
        /NCCL WARN .{0,40}Connection closed by (?:remote )?peer/,
        /socketProgress(?:Opt)?: (?:Connection closed|abort|Call to recv)/,
        /NCCL WARN .{0,60}(?:Broken pipe|Connection reset by peer)/,
      ],
      confidence: 0.85,
      explanation: 'Another rank went away: read the log of the other ranks first.',
      examples: [
        'misc/socket.cc:49 NCCL WARN socketProgress: Connection closed by remote peer ada<41234>',
        'NCCL WARN Net : Connection closed by remote peer',
      ],
    },
    {
      subclass: 'rccl-socket-recv',
      patterns: [/Socket recv failed while polling for opId/, /NCCL WARN \[Proxy (?:Service|Progress)/],
      confidence: 0.82,
      explanation: 'The proxy of a rank went away: read the log of the other ranks, and its kernel messages.',
      examples: [
        'src/proxy.cc:1088 NCCL WARN Socket recv failed while polling for opId=0x7f00aa',
        'NCCL WARN [Proxy Service 1] Failed to execute operation Connect from rank 0, retcode 1',
      ],
    },
    {
      subclass: 'nccl-connect-failed',
      patterns: [
        /NCCL WARN .{0,60}[Cc]onnect(?: to)? .{0,80}(?:failed|returned|refused|timed out)/,
        /NCCL WARN .{0,40}: (?:Connection refused|Connection timed out|No route to host)/,
        /[Cc]onnect to .{1,80} failed : /,
      ],
      confidence: 0.88,
      explanation: 'NCCL could not connect its ranks: set NCCL_SOCKET_IFNAME, in a sandbox to lo.',
      examples: [
        'NCCL WARN Connect to 192.168.0.12<41333> failed : Connection refused',
        'misc/socket.cc:483 NCCL WARN socketStartConnect: Connect to fe80::1<44> failed : Connection timed out',
      ],
    },
    {
      id: 'nccl-system-call',
      subclass: 'nccl-system-error',
      patterns: [
        /NCCL WARN .{0,40}Call to \w{2,30} (?:failed|returned) ?:? ?(?<message>[A-Z][\w ]{3,60})/,
        /\[\d{1,3}\] \S{1,60}\.(?:cu|cc|h):\d{1,5} WARN (?<message>.{4,120})/,
      ],
      excludes: [
        /No space left|shm_open|Permission denied|Connection closed|ibv_|[Cc]onnect |libibverbs|libnccl-net/,
      ],
      confidence: 0.86,
      explanation:
        'NCCL could not use the system ({message}): check interfaces, ports, /dev/shm and limits of the sandbox.',
      examples: [
        'include/socket.h:340 NCCL WARN Call to bind failed : Cannot assign requested address',
        '4f2:31:31 [0] include/socket.h:300 WARN Call to getsockname failed : Bad file descriptor',
      ],
    },
    {
      subclass: 'nccl-no-interface',
      patterns: [
        /NCCL WARN .{0,60}(?:no (?:socket )?interface found|[Nn]o usable .{0,20}interface|Could not find any local path)/,
        /Bootstrap : no socket interface found/,
      ],
      retry: 'fix',
      confidence: 0.92,
      explanation: 'NCCL found no network interface: in a sandbox set NCCL_SOCKET_IFNAME=lo and bring lo up.',
      examples: [
        'NCCL WARN Bootstrap : no socket interface found',
        'bootstrap.cc:45 NCCL WARN NET/Socket : no interface found',
      ],
    },
    {
      subclass: 'nccl-ib-error',
      patterns: [
        /NCCL WARN .{0,40}NET\/IB ?: ?(?:Got completion|Unable to open|.{0,30}error)/,
        /NCCL WARN Call to ibv_\w{3,30} failed/,
      ],
      confidence: 0.88,
      explanation: 'InfiniBand failed below NCCL: check the link and memlock, or set NCCL_IB_DISABLE=1.',
      examples: [
        'NCCL WARN NET/IB : Got completion from peer 10.0.0.3<39> with status=12 opcode=0 len=0 vendor err 129',
        'NCCL WARN Call to ibv_create_qp failed with error Cannot allocate memory',
      ],
    },
    {
      subclass: 'rccl-ipc-handle',
      patterns: [/hipIpc(?:Get|Open)MemHandle failed/, /NCCL WARN .{0,30}[Hh]ip failure '/],
      retry: 'fix',
      confidence: 0.87,
      explanation: 'GPUs could not share memory by IPC: check iommu=pt, the kernel and the container rights.',
      examples: [
        'transport/p2p.cc:241 NCCL WARN hipIpcOpenMemHandle failed : invalid device pointer',
        'NCCL WARN hipIpcGetMemHandle failed : out of memory',
      ],
    },
    {
      id: 'nccl-cuda-failure',
      subclass: 'nccl-cuda-failure',
      patterns: [/NCCL WARN Cuda failure (?:\d{1,3} )?'(?<code>[^']{4,120})'/],
      excludes: [/'(?:invalid argument|peer access|invalid device context|mapping of buffer)/],
      codes: CUDA_MESSAGES,
      explanation: 'NCCL met a CUDA error.',
      examples: [
        "enqueue.cc:102 NCCL WARN Cuda failure 'misaligned address'",
        "NCCL WARN Cuda failure 2 'out of memory'",
      ],
    },
    {
      subclass: 'nccl-p2p-failure',
      patterns: [
        /NCCL WARN Cuda failure (?:\d{1,3} )?'(?:invalid argument|peer access|invalid device context|mapping of buffer)/,
        /NCCL WARN .{0,60}(?:P2P|IPC|cudaIpc).{0,60}(?:fail|error)/,
      ],
      retry: 'other',
      confidence: 0.8,
      explanation: 'NCCL could not share memory between GPUs: set NCCL_P2P_DISABLE=1, or use another host.',
      examples: [
        "transport/p2p.cc:275 NCCL WARN Cuda failure 'invalid argument'",
        "NCCL WARN Cuda failure 217 'peer access is not supported between these two devices'",
      ],
    },
    {
      subclass: 'nccl-result',
      rank: 'consequence',
      patterns: [
        /\bnccl(?<code>UnhandledCudaError|SystemError|InternalError|InvalidArgument|InvalidUsage|RemoteError|Timeout)\b/,
      ],
      codes: NCCL_RESULTS,
      explanation: 'NCCL reports a result.',
      examples: [
        'ncclRemoteError: A call failed possibly due to a network error or a remote process exiting prematurely.',
        'all-reduce failed: ncclInternalError',
      ],
    },
    {
      subclass: 'nccl-message',
      rank: 'consequence',
      patterns: [
        new RegExp(`(?<code>${[...NCCL_MESSAGES.keys()].map((text) => text.replace('(', '\\(')).join('|')})`),
      ],
      codes: NCCL_MESSAGES,
      explanation: 'NCCL reports a result.',
      examples: [
        "Test NCCL failure common.cu:961 'unhandled system error (run with NCCL_DEBUG=INFO for details) / '",
        "Test NCCL failure common.cu:1005 'internal error - please report this issue to the NCCL developers'",
      ],
    },
    {
      subclass: 'nccl-warning',
      rank: 'generic',
      patterns: [/NCCL WARN (?<message>.{4,160})/],
      excludes: [
        /Missing "|NET\/Plugin|[Ff]ailed to find|set by environment|lead to (?:system )?(?:instab|hang|low)|MSCCL|iommu/,
      ],
      confidence: 0.6,
      explanation: 'NCCL warns: read the line, and the log of every rank.',
      examples: [
        'init.cc:400 NCCL WARN Could not find any common channels between ranks',
        'graph/search.cc:1045 NCCL WARN Could not find a path for pattern 4',
      ],
    },
  ],
);
