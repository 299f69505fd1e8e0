/** Dependencies that failed: Nix says it of everything that stood behind the root derivation. */

import { defineRules } from './define.ts';

export const DEPENDENCY_FAILED_RULES = defineRules(
  'dependency-failed',
  { rank: 'cascade', scope: 'dependency', retry: 'no', confidence: 0.97, speaker: 'nix' },
  [
    {
      subclass: 'dependency-failed-new-wording',
      patterns: [/Reason: \d{1,6} dependenc(?:y|ies) failed/],
      explanation: 'An input failed to build: look at the root derivation, nothing here is to be repaired.',
      examples: [
        "error: Cannot build '/nix/store/a-vllm.drv'.\n       Reason: 3 dependencies failed.",
        'Reason: 27 dependencies failed.',
      ],
    },
    {
      subclass: 'dependency-failed',
      patterns: [
        /\d{1,6} dependenc(?:y|ies) of derivation '[^']{1,300}' failed to build/,
        /\d{1,6} dependenc(?:y|ies) couldn't be built/,
      ],
      explanation: 'An input failed to build: look at the root derivation, nothing here is to be repaired.',
      examples: [
        "error: 4 dependencies of derivation '/nix/store/s-env.drv' failed to build",
        "cannot build derivation '/nix/store/s-env.drv': 2 dependencies couldn't be built",
      ],
    },
  ],
);
