/** Builders and the CI itself: time limits, connections, features, the sandbox's set-up, logs (class `infra`). */

import { defineRules } from './define.ts';

export const BUILDER_RULES = defineRules(
  'infra',
  { rank: 'specific', scope: 'host', retry: 'other', confidence: 0.93 },
  [
    {
      subclass: 'silent-timeout',
      rank: 'consequence',
      speaker: 'nix',
      patterns: [/timed out after (?<_seconds>\d{1,9}) seconds of silence/],
      scope: 'infrastructure',
      retry: 'no',
      confidence: 0.9,
      explanation:
        'The build printed nothing for {seconds} s: look for a hang before a person allows more silence.',
      examples: [
        'error: building of ‘/nix/store/a-vllm.drv’ timed out after 3600 seconds of silence',
        "building of '/nix/store/b-x.drv^out' from .drv file timed out after 600 seconds of silence",
      ],
    },
    {
      subclass: 'build-timeout',
      rank: 'consequence',
      speaker: 'nix',
      patterns: [
        /timed out after (?<_seconds>\d{1,9}) seconds(?! of silence)/,
        'Timed out, unknown build status',
        /^(?:Build )?[Tt]imed out$/,
        'DUE TO TIME LIMIT',
        /has exceeded the maximum execution time of \d/,
      ],
      excludes: [/Timeout >|test|Test|Watchdog|socket/],
      scope: 'infrastructure',
      retry: 'no',
      confidence: 0.87,
      explanation:
        'The build took longer than allowed: compare with its usual duration before a person raises the limit.',
      examples: [
        "error: building of '/nix/store/a-chromium.drv' timed out after 36000 seconds",
        'Timed out, unknown build status on aarch64-linux',
      ],
    },
    {
      subclass: 'builder-unreachable',
      patterns: [
        'failed to start SSH connection to',
        /opening a connection to remote store '[^']{1,200}' previously failed/,
        /cannot start (?:ssh|nix-store|nix-daemon): /,
        'Host key verification failed',
        /ssh: connect to host (?<_host>\S{1,80}) port \d/,
        /cannot (?:connect to|open connection to remote store) '(?<_host>[^']{1,200})'/,
        'Permission denied (publickey',
        'cannot connect to daemon at',
        /cannot connect to socket at '/,
        /(?:kex|ssh)_exchange_identification: /,
        /cannot build on 'ssh[^']{1,120}': error/,
        'failed to start SSH connection',
      ],
      scope: 'infrastructure',
      confidence: 0.9,
      explanation: 'The builder could not be reached: check that it is up, its host key, and its free disk.',
      examples: [
        "error: cannot open connection to remote store 'ssh-ng://nix@atlas': error: failed to start SSH connection to 'atlas'",
        'ssh: connect to host ada port 22: Connection refused',
        "error: cannot connect to 'builder@pascal': Host key verification failed.",
      ],
    },
    {
      subclass: 'builder-lost',
      rank: 'consequence',
      patterns: [
        'error: unexpected end-of-file',
        /possibly transient failure building '[^']{1,200}' on '[^']{1,200}': (?!error: (?:failed to start|cannot)|builder for|.{0,20}--- Error)/,
        'Nix daemon disconnected unexpectedly',
        'client_loop: send disconnect: Broken pipe',
        /Connection to \S{1,80} closed by remote host/,
        /error: (?:writing to|reading from) file: (?:Broken pipe|Connection reset by peer)/,
        /packet_write_wait: Connection to/,
        /Timeout, server \S{1,80} not responding/,
        'unexpected end-of-file',
        /^error: .{0,80}Broken pipe/,
      ],
      scope: 'infrastructure',
      confidence: 0.85,
      explanation:
        'The connection to the builder broke: try another one, and look at why this one went away.',
      examples: [
        'error: unexpected end-of-file (while reading from ssh-ng)',
        'client_loop: send disconnect: Broken pipe',
      ],
    },
    {
      subclass: 'builder-privileges',
      patterns: [
        'you are not privileged to build',
        'is not allowed to connect to the Nix daemon',
        'not a trusted user',
        /opening lock file '\/nix\/[^']{1,120}': Permission denied/,
      ],
      scope: 'infrastructure',
      retry: 'fix',
      confidence: 0.95,
      explanation:
        'The user may not build on that host: add it to trusted-users, or use a builder of its own.',
      examples: [
        "possibly transient failure building '/nix/store/a.drv' on 'ssh://ci@x': error: you are not privileged to build input-addressed derivations",
        "error: user 'ci' is not allowed to connect to the Nix daemon",
      ],
    },
    {
      subclass: 'missing-system-feature',
      speaker: 'nix',
      patterns: [
        /a '[\w-]{5,40}' with features \{(?<features>[^}]{0,200})\} is required to build/,
        /a '(?<system>[\w-]{5,40})' is required to build '[^']{1,300}', but I am an? '/,
        'missing system features',
        /Required features: \{(?<features>[^}]{1,200})\}/,
        'required system or feature not available',
        'Failed to find a machine for remote build',
        'local builds are disabled',
        /platform mismatch/,
        /[Uu]nsupported system type/,
      ],
      scope: 'infrastructure',
      retry: 'fix',
      confidence: 0.97,
      explanation:
        'No builder offers {features|what the derivation requires}: add one, or correct requiredSystemFeatures.',
      examples: [
        "error: a 'x86_64-linux' with features {cuda} is required to build '/nix/store/a-tester.drv', but I am a 'x86_64-linux' with features {kvm}",
        "error: Cannot build '/nix/store/a-tester.drv'.\n  Reason: missing system features\n  Required features: {cuda}\n  Available features: {kvm}",
        'Failed to find a machine for remote build!',
      ],
    },
    {
      subclass: 'sandbox-setup-failed',
      patterns: [
        'while setting up the build environment',
        /mounting \/\S{1,100}: Operation not permitted/,
        'cloning builder process',
        'does not support the kernel namespaces that are required for sandboxing',
        'unable to start build process',
        'setting up a private mount namespace',
        /bind mount(?:ing)? (?:from )?'[^']{1,200}'.{0,200}(?:failed|No such file|not permitted)/,
        'unknown pre-build hook command',
        /Couldn't parse the output of .{0,80}nix show-derivation/,
        "doesn't exist. Cf. https://github.com/NixOS/nix/issues/9272",
        "in 'build-users-group' does not exist",
        'all build users are currently in use',
        /error: (?:cannot|unable to) (?:set (?:host|domain) name|make '.{1,40}' private mount|bind mount|pivot old root|change root directory|mount (?:tmpfs|proc|\/proc)|set loopback interface|open IP socket|install seccomp|load seccomp|set 'no new privileges'|create cgroup)/,
        /(?:getting|entering|setting) (?:sandbox )?(?:mount|user|PID|network) namespace/,
        /error: (?:opening pseudoterminal|setuid failed|setgid failed|setgroups failed|putting pseudoterminal)/,
        'xz: Failed to enable the sandbox',
      ],
      retry: 'fix',
      confidence: 0.92,
      explanation:
        'The build never started, for the sandbox or its hook failed: repair the host before trying again.',
      examples: [
        'error: while setting up the build environment: mounting /dev/pts: Operation not permitted',
        'error: cloning builder process: Invalid argument',
        "error: unknown pre-build hook command 'Specified'",
      ],
    },
    {
      subclass: 'interrupted',
      rank: 'consequence',
      patterns: [
        /error: (?:build )?interrupted(?: by the user)?$/,
        'error: interrupted by the user',
        /received (?:SIGTERM|SIGINT|SIGHUP)\b/,
      ],
      scope: 'infrastructure',
      confidence: 0.75,
      explanation:
        'Something outside ended the build: look for a shutdown, a deploy or a person, then try again.',
      examples: ['error: interrupted by the user', 'error: build interrupted'],
    },
    {
      subclass: 'log-unreadable',
      patterns: [
        /(?:zstd|bzip2|xz|zcat|zstdcat): command not found/,
        "error: build log of '{derivation}' is not available",
      ],
      when: [/hydra|\.zst|\.bz2|build log of/, /(?:zstd|bzip2): command not found/],
      scope: 'infrastructure',
      retry: 'fix',
      confidence: 0.8,
      explanation:
        "The CI could not read the build's log: install what it is packed with, then classify again.",
      examples: [
        'hydra-server[12]: sh: line 1: bzip2: command not found',
        "error: build log of '/nix/store/a-b.drv' is not available",
      ],
    },
  ],
);
