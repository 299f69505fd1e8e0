/** Lines that only repeat that something failed. They are never evidence; they tell a failure from a fragment. */

import { defineRules } from './define.ts';

export const CASCADE_RULES = defineRules(
  'insufficient-evidence',
  { rank: 'cascade', scope: 'unknown', retry: 'no', confidence: 0.8 },
  [
    {
      subclass: 'cause-not-in-tail',
      patterns: [
        /(?:^|\s)g?make(?:\[\d{1,3}\])?: \*\*\* /,
        'ninja: build stopped',
        /Reason: builder failed with exit code \d/,
        /builder for '[^']{1,300}' failed with exit code \d/,
        /error: build of '[^']{1,300}' failed/,
        /^FAILED: (?:\[code=\d{1,3}\] )?\S/,
        /(?:hydra|nix)-eval-jobs returned exit code \d/,
        'CMake Error: cmake_check_build_system',
        /subprocess\.CalledProcessError: Command .{1,300} returned non-zero exit status/,
        /^Traceback \(most recent call last\):/,
        /error: subprocess-exited-with-error/,
        /This error originates from a subprocess, and is likely not a problem with pip/,
        /ChildFailedError/,
      ],
      explanation: 'The cause stands above what is at hand: fetch the whole log and classify again.',
      examples: [
        'make: *** [Makefile:141: all] Error 2',
        'ninja: build stopped: subcommand failed.',
        "error: builder for '/nix/store/a-b.drv' failed with exit code 2",
      ],
    },
    {
      subclass: 'unrecognised-error',
      rank: 'unknown',
      patterns: [
        /^(?:\S{1,80}: )?(?:fatal |FATAL |Fatal )?(?:error|ERROR|Error): (?<message>.{4,160})/,
        /^(?:[\w.]{1,60}\.)?(?<message>\w{2,40}(?:Error|Exception): .{3,160})/,
      ],
      excludes: [
        /^error: (?:builder for|build of|\d{1,6} dependenc|Cannot build|some errors|command '|subprocess)/,
        /^warning: |^\w{3,40}_test\.go:/,
        /compiling objects for extension|failed: \(Exit \d|failed to build$/,
        /^AssertionError|could not compile|ld returned|linker command failed|linking with/,
        /CalledProcessError/,
      ],
      confidence: 0.45,
      explanation: 'No rule knows this error: read it, and add a rule for it.',
      examples: [
        'RuntimeError: Engine core initialization failed.',
        'Error: flux capacitor not aligned',
        'ValueError: too many values to unpack (expected 2)',
      ],
    },
  ],
);
