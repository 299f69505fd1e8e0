/** Patches and substitutions that no longer fit the source. */

import { defineRules } from './define.ts';

export const BUILD_PATCH_RULES = defineRules(
  'build-patch',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97, stages: ['build', 'fetch'] },
  [
    {
      subclass: 'patch-already-applied',
      patterns: [
        'Reversed (or previously applied) patch detected',
        'patch already applied',
        /error: (?<_file>\S{1,200}): already exists in working directory/,
      ],
      explanation: 'The patch is in the source already: drop it.',
      examples: [
        'Reversed (or previously applied) patch detected!  Skipping patch.',
        'patching file setup.py\nReversed (or previously applied) patch detected!  Assume -R? [n]',
      ],
    },
    {
      subclass: 'patch-does-not-apply',
      patterns: [
        /Hunk #\d{1,4} FAILED/,
        /\d{1,4} out of \d{1,4} hunks? FAILED/,
        /error: patch failed: (?<file>\S{1,200}):\d/,
        /error: (?<file>\S{1,200}): patch does not apply/,
        "can't find file to patch at input line",
        'patch does not apply',
      ],
      explanation: 'A patch does not fit the source: rebase it on the new version.',
      examples: [
        'Hunk #3 FAILED at 118 (offset 4 lines).',
        "can't find file to patch at input line 5",
        'error: patch failed: cmake/cuda.cmake:12',
      ],
    },
    {
      subclass: 'patch-malformed',
      patterns: [
        'patch: **** malformed patch',
        'Only garbage was found in the patch input',
        'patch: **** unexpectedly ends',
        'error: corrupt patch at line',
      ],
      explanation: 'The patch file is damaged: fetch or write it again, it may be an error page.',
      examples: [
        'patch: **** malformed patch at line 42: @@',
        'patch: **** Only garbage was found in the patch input.',
      ],
    },
    {
      subclass: 'substitute-pattern-missing',
      patterns: [
        /substituteStream\(\) in derivation \S{1,80}: ERROR: (?<message>.{1,160})/,
        /substitute(?:\(\)|Stream\(\)): ERROR: (?<message>.{1,160})/,
        /sed: can't read (?<message>\S{1,160}): No such file/,
      ],
      confidence: 0.95,
      explanation: 'substituteInPlace found nothing to replace: adapt it to the new source, or drop it.',
      examples: [
        "substituteStream() in derivation vllm-0.9: ERROR: pattern torch\\ ==\\ 2.6 doesn't match anything in file 'pyproject.toml'",
        "substitute(): ERROR: file 'cmake/cuda.cmake' does not exist",
      ],
    },
  ],
);
