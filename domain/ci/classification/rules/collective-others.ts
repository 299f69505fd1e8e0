/** Collectives without NCCL: gloo, MPI and PMIx, PyTorch's rendezvous. */

import { defineRules } from './define.ts';

export const COLLECTIVE_RULES = defineRules(
  'collective',
  { rank: 'specific', scope: 'host', retry: 'same', confidence: 0.9 },
  [
    {
      subclass: 'gloo-connect-full-mesh',
      patterns: ['Gloo connectFullMesh failed', 'connectFullMesh failed'],
      explanation: 'gloo could not connect its ranks: set GLOO_SOCKET_IFNAME, in a sandbox to lo.',
      examples: [
        'RuntimeError: Gloo connectFullMesh failed with [../gloo/transport/tcp/pair.cc:144] no error',
        'connectFullMesh failed with Connection refused',
      ],
    },
    {
      subclass: 'gloo-connection-refused',
      patterns: [
        /gloo\/\S{0,80}\] ?connect \[[^\]]{1,60}\]:\d{1,5}: Connection refused/,
        /gloo\/.{0,140}(?:Connection refused|No route to host)/,
      ],
      explanation:
        'gloo could not reach a rank: check the host name, the interface and that every rank started.',
      examples: [
        'RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:799] connect [127.0.1.1]:4242: Connection refused',
        '[/build/gloo/transport/tcp/pair.cc:835] connect [::1]:80: Connection refused',
      ],
    },
    {
      subclass: 'gloo-connection-closed',
      rank: 'consequence',
      patterns: [
        /gloo\/.{0,140}(?:Connection closed by peer|Connection reset by peer|Timed out waiting|Broken pipe)/,
        /[Gg]loo .{0,60}(?:timed? ?out|closed by peer|reset by peer)/,
        /Connection closed by peer \[[\d.:a-f]{2,45}\]/,
      ],
      confidence: 0.87,
      explanation: 'A rank of gloo went away or stopped: read the logs of the other ranks first.',
      examples: [
        'RuntimeError: [../gloo/transport/tcp/pair.cc:598] Connection closed by peer [127.0.0.1]:12345',
        'RuntimeError: [gloo/transport/tcp/unbound_buffer.cc:84] Timed out waiting 1800000ms for recv operation to complete',
      ],
    },
    {
      subclass: 'gloo-interface',
      patterns: [
        /gloo\/.{0,120}(?:[Uu]nable to (?:find|resolve) (?:address|hostname)|Unable to find interface|unsupported gloo device)/,
        'makeDeviceForHostname',
      ],
      retry: 'fix',
      confidence: 0.87,
      explanation: 'gloo did not find an interface: set GLOO_SOCKET_IFNAME=lo in a sandbox.',
      examples: [
        'RuntimeError: [enforce fail at ../gloo/transport/tcp/device.cc:83] ifa != nullptr. Unable to find address for: eth0',
        '[../gloo/transport/tcp/device.cc:208] Unable to find interface for: [10.1.2.3]',
      ],
    },
    {
      subclass: 'rendezvous-failed',
      rank: 'consequence',
      patterns: [
        /The client socket has (?:timed out|failed to connect)/,
        'RendezvousConnectionError',
        'RendezvousTimeoutError',
        /TCPStore.{0,80}(?:timed? ?out|failed|Broken pipe|Connection reset)/,
        /The server socket has failed to (?:listen|bind)/,
        /RuntimeError: Address already in use/,
        /EADDRINUSE/,
        /connect\(\) timed out\b/,
        /RendezvousClosedError|RendezvousStateError|RendezvousError/,
        /store->get\(.{0,20}\) got error/,
        /Timeout waiting for key: /,
        /Timed out initializing process group/,
        /store[ _]based[ _]barrier.{0,120}(?:[Tt]imed? ?out)/,
        /wait timeout after \d{1,9} ?ms, keys: /,
        /DistNetworkError|DistStoreError/,
      ],
      confidence: 0.82,
      explanation:
        'The ranks did not find each other: check MASTER_ADDR, the port, and that every rank started.',
      examples: [
        'torch.distributed.DistNetworkError: The client socket has timed out after 60000ms while trying to connect to (10.0.0.2, 29500).',
        'RuntimeError: The server socket has failed to listen on any local network address. port: 29500, EADDRINUSE',
      ],
    },
    {
      subclass: 'mpi-not-enough-slots',
      patterns: [
        'There are not enough slots available',
        /All nodes which are allocated for this job are already filled/,
      ],
      retry: 'fix',
      confidence: 0.95,
      explanation: 'mpirun wants more slots than the sandbox has: pass --oversubscribe.',
      examples: [
        'There are not enough slots available in the system to satisfy the 4',
        'All nodes which are allocated for this job are already filled.',
      ],
    },
    {
      subclass: 'mpi-run-as-root',
      patterns: [/(?:mpi(?:run|exec)|orterun|prte(?:run)?) has detected an attempt to run as root/],
      retry: 'fix',
      confidence: 0.95,
      explanation: 'mpirun refuses to run as root: set OMPI_ALLOW_RUN_AS_ROOT and its CONFIRM.',
      examples: [
        'mpirun has detected an attempt to run as root.',
        'mpiexec has detected an attempt to run as root.',
      ],
    },
    {
      subclass: 'mpi-rsh-missing',
      patterns: [
        /plm_rsh_agent/,
        /daemon (?:failed to report back|has unexpectedly failed) after (?:being spawned|launch)/,
        /unable to reliably start one or more daemons/,
        /launch agent.{0,80}(?:not found|could not be found)/,
      ],
      retry: 'fix',
      confidence: 0.93,
      explanation:
        'mpirun looks for ssh, which the sandbox has not: set OMPI_MCA_plm_rsh_agent to the empty string.',
      examples: [
        'The value of the MCA parameter "plm_rsh_agent" was set to a path that could not be found:',
        'plm_rsh_agent: ssh : rsh',
      ],
    },
    {
      subclass: 'mpi-init-rte',
      patterns: [
        /MPI (?:runtime )?init(?:ialization)? failed/i,
        /It looks like (?:MPI_INIT|MPI runtime init|orte_init|opal_init|prte_init|PMIX)\S{0,20} failed/,
        /(?:ORTE|PRTE|OPAL)_ERROR_LOG: (?<_message>.{1,80})/,
        /ORTE_ERROR_LOG/,
        /PMIX ERROR: (?<_message>.{1,80})/,
        /\*\*\* An error occurred in MPI_Init/,
        /Fatal error in (?:internal_|P?)MPI_Init/,
        /No components were able to be opened in the \w{2,12} framework/,
        /PMIX_\w{2,20}_INIT|PMIx_Init failed/,
        /Sockets? path.{0,40}too long|directory path .{0,80}is too long/,
        /(?:OMPI|ompi|PML|pml)\b.{0,80}(?:init(?:ialization)? failed|cannot be selected|Failed to initialize)/,
        /MPI_Init(?:_thread)?(?:\(\))? (?:failed|has failed|error)/,
        /[Uu]nable to (?:initialize|start) (?:MPI|PMIx|PMI|the PMI)/,
        /PMI2?_Init failed/,
        /Abort\(\d{1,12}\) on node \d{1,6} .{0,60}Fatal error in/,
        'PMIX ERROR',
        /OPAL ERROR: (?<_message>.{1,80})/,
        /PMIx detected a call to \w{3,20} was unable/,
        'MPI_INIT has failed because',
        /(?:OPAL|ORTE|PRTE|PMIx|Open MPI).{0,60}was unable to (?:create|open|find|initialize)/,
      ],
      excludes: [/gds_ds|dstore|psec:munge|mca_base_component_repository/],
      retry: 'fix',
      confidence: 0.88,
      explanation:
        'MPI could not start: in a sandbox check TMPDIR length, the rsh agent, and the interfaces.',
      examples: [
        'It looks like orte_init failed for some reason; your parallel process is',
        '[ada:00042] PMIX ERROR: UNREACHABLE in file ptl_tcp_component.c at line 1849',
        '[ada:1] *** An error occurred in MPI_Init_thread',
      ],
    },
    {
      subclass: 'mpi-executable-missing',
      patterns: [
        /unable to (?:launch|find) the specified (?:application|executable)/,
        /execvp error on file (?<_file>\S{1,160}) \(No such file/,
      ],
      scope: 'code',
      retry: 'no',
      explanation: 'mpirun does not find the program that it shall start: give its full path.',
      examples: [
        'mpirun was unable to find the specified executable file, and therefore',
        '[proxy:0:0@ada] HYDU_create_process: execvp error on file ./all_reduce_perf (No such file or directory)',
      ],
    },
    {
      subclass: 'mpi-error',
      rank: 'consequence',
      patterns: [
        /\bMPI_ERR_(?<error>[A-Z_]{3,30})\b/,
        /\*\*\* An error occurred in MPI_(?!Init)(?<error>\w{3,30})/,
        /The (?<error>MPI_\w{3,30})\(\) function was called (?:before MPI_INIT|after MPI_FINALIZE)/,
      ],
      excludes: [/MPI_ERR_IN_STATUS.{0,40}handler|MPI_ERRORS_ARE_FATAL/],
      scope: 'code',
      retry: 'no',
      confidence: 0.8,
      explanation: 'A call of MPI failed ({error}): read what the rank did before.',
      examples: [
        'mpi4py.MPI.Exception: MPI_ERR_COUNT: invalid count argument',
        '[ada:411] *** MPI_ERR_TAG: invalid tag',
      ],
    },
    {
      subclass: 'mpi-rank-crashed',
      rank: 'consequence',
      patterns: [
        /(?:mpi(?:run|exec)|prterun|orterun) noticed that process rank (?<_rank>\d{1,6}) .{0,200}exited on(?: signal)?/,
        /^\[[\w.-]{1,80}:\d{1,9}\] \*\*\* Process received signal \*\*\*/,
        'BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES',
      ],
      scope: 'code',
      confidence: 0.6,
      explanation: 'A rank crashed and took the others with it: look at what it printed, and run it alone.',
      examples: [
        'prterun noticed that process rank 3 with PID 99 on node ada exited on',
        '[grace:01234] *** Process received signal ***',
      ],
    },
    {
      subclass: 'mpi-abort',
      rank: 'generic',
      patterns: [
        'MPI_ABORT was invoked on rank',
        /mpi(?:run|exec) detected that one or more processes exited/,
      ],
      confidence: 0.55,
      explanation: 'A rank ended the whole run: look for what it printed before.',
      examples: [
        'MPI_ABORT was invoked on rank 1 in communicator MPI_COMM_WORLD',
        'mpirun detected that one or more processes exited with non-zero status, thus causing',
      ],
    },
  ],
);
