/** What UCX, UCC and NVSHMEM refuse or lose. */

import { defineRules } from './define.ts';

export const COLLECTIVE_UCX_RULES = defineRules(
  'collective',
  { rank: 'specific', scope: 'host', retry: 'same', confidence: 0.9 },
  [
    {
      subclass: 'ucx-no-cuda-transport',
      patterns: [
        /UCX {1,2}ERROR.{0,40}no (?:copy across memory types|remote registered memory access|active messages|am bcopy) transport/,
        /UCX.{0,60}transports? '?(?:cuda_copy|cuda_ipc|gdr_copy)'? (?:is|are) not available/,
        /UCX.{0,80}(?:cuda_copy|cuda_ipc).{0,60}not available/,
        /UCX.{0,40}(?:no .{0,60}transport to|[Dd]estination is unreachable)/,
      ],
      retry: 'no',
      scope: 'code',
      confidence: 0.9,
      explanation: 'UCX has no transport for GPU memory: build it with CUDA, and allow cuda_copy in UCX_TLS.',
      examples: [
        'select.c:627  UCX  ERROR   no copy across memory types transport to <no debug data>: Unsupported operation',
        "ucp_context.c:969  UCX  WARN  transports 'cuda_copy','cuda_ipc' are not available, please use one or more of: self, tcp",
      ],
    },
    {
      subclass: 'ucx-memory-registration',
      patterns: [
        /ibv_reg_mr.{0,160}failed/,
        /UCX {1,2}ERROR.{0,20}failed to register (?:address|user buffer|memory)/,
        /UCX.{0,40}Please set max locked memory/,
      ],
      retry: 'fix',
      confidence: 0.9,
      explanation:
        'UCX could not register memory: raise the memlock limit, or load nvidia-peermem for GPU memory.',
      examples: [
        'ib_md.c:309  UCX  ERROR ibv_reg_mr(address=0x7f, length=8192, access=0xf) failed: Bad address',
        'UCX  ERROR failed to register address 0x7f8 mem_type bit 0x2 length 4096 on md[4]=mlx5_0',
      ],
    },
    {
      subclass: 'ucx-transport-retry',
      patterns: [
        'Transport retry count exceeded on',
        /Receiver-not-ready \(RNR\) retry count exceeded/,
        /UCX {1,2}ERROR.{0,80}(?:Endpoint timeout|Connection reset by remote peer)/,
      ],
      retry: 'other',
      confidence: 0.92,
      explanation:
        'The network lost packets or the peer died: check cables, routes and the other rank, then run again.',
      examples: [
        'ib_mlx5_log.c:177  Transport retry count exceeded on mlx5_0:1/RoCE (synd 0x15 vend 0x81 hw_synd 0/0)',
        'ib_log.c:254  Receiver-not-ready (RNR) retry count exceeded on mlx5_2:1/IB',
      ],
    },
    {
      id: 'ucx-frames',
      subclass: 'ucx-error',
      rank: 'generic',
      patterns: [/\((?:ucs_fatal_error|uct_ib_mlx5_completion_with_err|ucs_handle_error)\w{0,24}\+0x/],
      confidence: 0.7,
      explanation:
        'UCX ended the program, and its message is not in this part: fetch the lines above the frames.',
      examples: [
        '[n1:7] [ 3] /lib/libucs.so.0(ucs_fatal_error_message+0x55)[0x2aed]',
        '[n1:7] [ 1] /lib/libucs.so.0(ucs_handle_error+0x2a4)[0x7f00]',
      ],
    },
    {
      subclass: 'ucx-error',
      rank: 'consequence',
      patterns: [
        /UCX {1,2}ERROR {1,4}(?<message>.{4,160})/,
        /UCC {1,2}ERROR {1,4}(?<message>.{4,160})/,
        'Failed to create UCP worker',
      ],
      excludes: [/scandir\(\/sys\/class\/net\)/],
      confidence: 0.7,
      explanation: 'UCX failed: read the line, and list its transports with ucx_info -d.',
      examples: [
        'tcp_iface.c:930  UCX  ERROR bind(fd=12 addr=0.0.0.0:0) failed: Address already in use',
        'pml_ucx.c:310  Error: Failed to create UCP worker',
      ],
    },
    {
      subclass: 'nvshmem-ibgda-permission',
      patterns: [
        /ibgda.{0,120}cannot allocate mlx5dv_devx_uar/,
        /cannot allocate mlx5dv_devx_uar/,
        /mlx5dv_devx_\w{3,30} failed/,
      ],
      retry: 'fix',
      confidence: 0.92,
      explanation:
        'NVSHMEM may not map the doorbell of the network card: set PeerMappingOverride, or do not use IBGDA.',
      examples: [
        '/build/nvshmem/modules/transport/ibgda/ibgda.cpp:2001: NULL value cannot allocate mlx5dv_devx_uar with type 0x1',
        'mlx5dv_devx_umem_reg failed',
      ],
    },
    {
      subclass: 'nvshmem-init',
      patterns: [
        /nvshmem initialization failed/,
        /init failed for transport: (?<transport>\w{2,20})/,
        'Unable to initialize any transports',
        /(?:NVSHMEM|nvshmem) API called before (?:NVSHMEM|nvshmem)/,
        // NVSHMEM's error macros name file and line of its own source.
        /nvshmem\S{0,160}:\d{1,6}: (?:non-zero status: -?\d|NULL value)/,
        /transport\/(?:ibrc|ibgda|ucx|libfabric)\S{0,80}:\d{1,6}: (?:non-zero status|NULL value)/,
        /nvshmem (?:detect topo|setup connections|setup heap) failed/,
        /nvshmemi_\w{3,60}:\d{1,6}: .{0,80}fail/,
        /WARN: .{0,40}nvshmem.{0,80}failed/i,
      ],
      retry: 'fix',
      confidence: 0.9,
      explanation:
        'NVSHMEM could not start: the first line of the chain names the transport; test with one PE and no network.',
      examples: [
        'src/host/topo/topo.cpp:469: [GPU 0] nvshmem detect topo failed',
        'src/host/transport/transport.cpp:nvshmemi_transport_init:289: init failed for transport: IBGDA',
        'src/host/init/init.cu:972: non-zero status: 7 nvshmem initialization failed, exiting',
      ],
    },
  ],
);
