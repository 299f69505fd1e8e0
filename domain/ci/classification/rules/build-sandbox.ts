/** What the sandbox forbids a build. */

import { defineRules } from './define.ts';

export const BUILD_SANDBOX_RULES = defineRules(
  'build-sandbox',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'gpu-test'] },
  [
    {
      subclass: 'setuid-denied',
      patterns: [
        /Cannot change mode to r?w?[sS-]/,
        /Cannot change mode to rws/,
        /(?:chmod|chown|chgrp): changing (?:permissions|ownership|group) of '(?<file>[^']{1,200})': Operation not permitted/,
        /cannot change (?:owner|ownership|permissions)\b.{0,40} of '(?<file>[^']{1,200})': Operation not permitted/,
        /Cannot change ownership to uid/,
      ],
      confidence: 0.95,
      explanation:
        'The build sets a set-id bit or an owner, which the sandbox forbids: leave it out while unpacking or installing.',
      examples: [
        'tar: chrome-sandbox: Cannot change mode to rwsr-xr-x: Operation not permitted',
        "chmod: changing permissions of '/nix/store/a/bin/x': Operation not permitted",
      ],
    },
    {
      subclass: 'network-access',
      patterns: [
        'Temporary failure in name resolution',
        /Max retries exceeded/,
        'urllib.error.URLError: <urlopen error',
        /getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?<_host>\S{1,80})/,
        /dial tcp: lookup (?<_host>\S{1,80})/,
        /Network is unreachable/,
        /warning: spurious network error/,
        "couldn't connect to 'https://huggingface.co'",
        /We couldn't connect to '?https?:/,
        /failed to download from `https/,
      ],
      excludes: [/^curl:/, /NCCL|gloo|UCX/],
      confidence: 0.88,
      explanation:
        'The build uses the network, which the sandbox has not: fetch the file as an input, or skip the test.',
      examples: [
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /x",
        'npm error getaddrinfo ENOTFOUND registry.npmjs.org',
        'fatal: Could not read from remote: Temporary failure in name resolution',
      ],
    },
    {
      subclass: 'homeless-shelter',
      patterns: [/\/homeless-shelter/],
      excludes: [/[Ww]arning|please remove it to assure purity/],
      confidence: 0.88,
      explanation: 'The program writes into HOME, which does not exist: set HOME to a temporary directory.',
      examples: [
        "PermissionError: [Errno 13] Permission denied: '/homeless-shelter'",
        'mkdir /homeless-shelter/.triton: permission denied',
      ],
    },
    {
      subclass: 'store-write-denied',
      patterns: [
        /(?:Permission denied|Read-only file system):? '?\/nix\/store\/(?<path>[^']{1,200})/,
        /'?\/nix\/store\/(?<path>[^':]{1,200})'?: (?:Permission denied|Read-only file system)/,
        /(?:cannot create|creating|[Cc]ould not create|[Ff]ailed to create|unable to create|cannot touch|cannot make|cannot open|mkdir) ?(?:directory|regular file|file)? ?'?(?<path>\/(?!tmp\b|build\/|nix\/store)[^':]{1,200})'?: (?:Permission denied|Read-only file system)/,
        /: Read-only file system$/,
        /Read-only file system: '(?<path>[^']{1,200})'/,
      ],
      excludes: [/while setting up the build environment|homeless-shelter|^error: opening lock file/],
      confidence: 0.85,
      explanation:
        'The build writes outside its own directory: copy what it changes into the build directory first.',
      examples: [
        "PermissionError: [Errno 13] Permission denied: '/nix/store/a-triton/lib/x.so'",
        "cp: cannot create regular file '/nix/store/b-cuda/lib/x': Read-only file system",
      ],
    },
    {
      subclass: 'nested-sandbox',
      patterns: [
        /bwrap: (?<message>.{1,120})/,
        /unshare: (?:unshare failed|write failed)/,
        'Failed to create a user namespace',
      ],
      explanation: 'The build opens a sandbox of its own inside the sandbox: switch that off.',
      examples: [
        'bwrap: Creating new namespace failed: Operation not permitted',
        'unshare: unshare failed: Operation not permitted',
      ],
    },
  ],
);
