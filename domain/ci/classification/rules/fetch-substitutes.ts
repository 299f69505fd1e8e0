/** Paths that caches did not deliver, or not as promised (class `fetch-failure`). */

import { defineRules } from './define.ts';

export const SUBSTITUTE_RULES = defineRules(
  'fetch-failure',
  { rank: 'specific', scope: 'infrastructure', retry: 'other', confidence: 0.93, speaker: 'nix' },
  [
    {
      subclass: 'substitute-hash-mismatch',
      speaker: 'nix',
      patterns: [
        "hash mismatch importing path '{path}'",
        "hash mismatch in downloaded path '{path}'",
        /hash mismatch in path '(?<path>[^']{1,300})'/,
        'hash mismatch importing path',
        'hash mismatch in downloaded path',
      ],
      scope: 'infrastructure',
      retry: 'other',
      confidence: 0.93,
      explanation: 'A cache served a damaged path: fetch it from another substituter, and repair the entry.',
      examples: [
        "error: hash mismatch importing path '/nix/store/q-glibc-2.40'; wanted: sha256:1, got: sha256:2",
        "error: hash mismatch in downloaded path '/nix/store/q-gcc-14': wanted sha256:1, got sha256:2",
      ],
    },
    {
      subclass: 'substitute-gone',
      speaker: 'nix',
      patterns: [
        /file '(?:nar\/)?[^']{1,200}' does not exist in binary cache/,
        /curl: \(22\) The requested URL returned error: 410 Gone/,
      ],
      when: ['bzip2: ', 'xz: ', 'does not exist in binary cache', /fetching path|some substitutes/],
      scope: 'infrastructure',
      retry: 'other',
      explanation:
        'A cache promised a path that it no longer holds: use another substituter, and purge the narinfo.',
      examples: [
        "error: file 'nar/1abc.nar.xz' does not exist in binary cache 'https://cache.example.org'",
        'curl: (22) The requested URL returned error: 410 Gone\nxz: (stdin): Unexpected end of input',
      ],
    },
    {
      subclass: 'no-substituter',
      speaker: 'nix',
      patterns: [
        'is required, but there is no substituter that can build it',
        "don't know how to build these paths",
        /error: path '(?<path>[^']{1,300})' (?:is not valid|does not exist and cannot be created)/,
      ],
      scope: 'infrastructure',
      retry: 'fix',
      confidence: 0.9,
      explanation:
        'An input is neither here nor in a cache: it was collected or never pushed, so build and push it.',
      examples: [
        "error: path '/nix/store/a-src' is required, but there is no substituter that can build it",
        "don't know how to build these paths:\n  /nix/store/z-bash",
      ],
    },
    {
      subclass: 'substitute-untrusted',
      speaker: 'nix',
      patterns: [
        'because it lacks a signature by a trusted key',
        'because it lacks a valid signature',
        'is not signed by any of the keys in',
      ],
      scope: 'infrastructure',
      retry: 'fix',
      confidence: 0.93,
      explanation: 'A path carries no trusted signature: add the key of its cache, or sign the path.',
      examples: [
        "error: cannot add path '/nix/store/a-b' because it lacks a signature by a trusted key",
        "error: cannot add path '/nix/store/a-c' because it lacks a valid signature",
      ],
    },
    {
      subclass: 'substitute-failed',
      speaker: 'nix',
      rank: 'consequence',
      patterns: [
        /some (?:substitutes|references|outputs) (?:for the outputs )?of .{0,300}(?:failed|could not be realised)/,
        /error: build of '[^']{1,300}' failed: .{0,100}substitut/,
      ],
      scope: 'infrastructure',
      retry: 'same',
      confidence: 0.8,
      explanation: 'A cache could not deliver a path: try again, or allow the fall-back to building.',
      examples: [
        "error: some substitutes for the outputs of derivation '/nix/store/k-a.drv' failed (usually happens due to networking issues)",
        "error: some references of path '/nix/store/q-b' could not be realised",
      ],
    },
  ],
);
