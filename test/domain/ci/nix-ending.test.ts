import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AttemptOutcome, type NixEnding, outcomeOfNix } from '../../../domain/ci/nix-ending.ts';

const DRV = '/nix/store/ddfpv54q916m2hdhshl243n91vhpcpjn-x.drv';
const OUT = '/nix/store/r64pg1wys0k9y61vjrr4rn25wl2362n3-x';
const LIMITS = { timeoutSeconds: 36_000, silentTimeoutSeconds: 3_600 };

const ending = (
  exit: number | null,
  messages: readonly string[],
  more: Partial<NixEnding> = {},
): NixEnding => ({
  exit,
  signal: null,
  messages,
  built: true,
  checked: false,
  limitExceeded: null,
  limits: LIMITS,
  ...more,
});

type Case = readonly [title: string, ending: NixEnding, expected: Partial<AttemptOutcome>];

/** Messages as Nix 2.8.0 and 2.34.8 print them (test/activities/nix-endings.test.ts makes some of them anew). */
const CASES: readonly Case[] = [
  ['a build that Nix began', ending(0, []), { outcome: 'built' }],
  ['outputs that were there', ending(0, [], { built: false }), { outcome: 'substituted' }],
  [
    'a builder that failed (2.8)',
    ending(100, [`error: builder for '${DRV}' failed with exit code 3`]),
    { outcome: 'failed', exitCode: 3, message: `error: builder for '${DRV}' failed with exit code 3` },
  ],
  [
    'a builder that failed (2.34)',
    ending(100, [
      `error: Cannot build '${DRV}'.\n       Reason: builder failed with exit code 3.\n       Output paths:\n         ${OUT}`,
    ]),
    {
      outcome: 'failed',
      exitCode: 3,
      message: `error: Cannot build '${DRV}': builder failed with exit code 3`,
    },
  ],
  [
    'a builder that was killed (2.8)',
    ending(100, [`error: builder for '${DRV}' failed due to signal 9 (Killed)`]),
    { outcome: 'failed', signal: 9 },
  ],
  [
    'a builder that was killed (2.34)',
    ending(100, [
      `error: Cannot build '${DRV}'.\n       Reason: builder failed due to signal 11 (Segmentation fault).`,
    ]),
    { outcome: 'failed', signal: 11 },
  ],
  [
    'a failed builder in a version that says 1 for it',
    ending(1, [
      `error: builder for '${DRV}' failed with exit code 2;\n       last 1 log lines:\n       > boom`,
    ]),
    { outcome: 'failed', exitCode: 2 },
  ],
  [
    'a timeout (2.8)',
    ending(101, [`error: building of '${DRV}!*' from .drv file timed out after 36000 seconds`]),
    { outcome: 'timed-out' },
  ],
  ['a timeout (2.34)', ending(101, ['error: timed out after 36000 seconds']), { outcome: 'timed-out' }],
  ['a timeout without words', ending(101, []), { outcome: 'timed-out' }],
  [
    'silence (2.8)',
    ending(101, [`error: building of '${DRV}!*' from .drv file timed out after 3600 seconds of silence`]),
    { outcome: 'silent-timed-out' },
  ],
  [
    'silence, which 2.34 tells by its limit only',
    ending(101, ['error: timed out after 3600 seconds']),
    { outcome: 'silent-timed-out' },
  ],
  [
    'a timeout where both limits are equal',
    ending(101, ['error: timed out after 60 seconds'], {
      limits: { timeoutSeconds: 60, silentTimeoutSeconds: 60 },
    }),
    { outcome: 'timed-out' },
  ],
  [
    'a wrong hash',
    ending(102, [
      `error: hash mismatch in fixed-output derivation '${DRV}':\n         specified: sha256-AAA=\n            got:    sha256-c8s=`,
    ]),
    { outcome: 'hash-mismatch', message: `error: hash mismatch in fixed-output derivation '${DRV}':` },
  ],
  ['a wrong hash without words', ending(102, []), { outcome: 'hash-mismatch' }],
  [
    'another result than before, asked for by --check',
    ending(104, [`error: derivation '${DRV}' may not be deterministic: output '${OUT}' differs`], {
      checked: true,
    }),
    { outcome: 'built', differs: true },
  ],
  [
    'another result in a build of several rounds',
    ending(104, [`error: derivation '${DRV}' may not be deterministic: output "${OUT}" differs`]),
    { outcome: 'not-deterministic' },
  ],
  [
    'several endings at once, under --keep-going: the timeout',
    ending(96 + 4 + 1, []),
    { outcome: 'timed-out' },
  ],
  [
    'several endings at once, under --keep-going: the hash',
    ending(96 + 4 + 2 + 8, []),
    { outcome: 'hash-mismatch' },
  ],
  [
    "--check of outputs that aren't there",
    ending(1, [`error: some outputs of '${DRV}' are not valid, so checking is not possible`], {
      checked: true,
      built: false,
    }),
    { outcome: 'aborted', notValid: true },
  ],
  [
    'a log over the limit of Nix (2.8)',
    ending(1, [
      `error: building of '${DRV}!*' from .drv file killed after writing more than 1000 bytes of log output`,
    ]),
    { outcome: 'log-limit' },
  ],
  [
    'a log over the limit of Nix (2.34)',
    ending(1, [
      `error: building derivation '${DRV}' killed after writing more than 1000 bytes of log output`,
    ]),
    { outcome: 'log-limit' },
  ],
  ['a log over our limit', ending(null, [], { limitExceeded: 'log' }), { outcome: 'log-limit' }],
  [
    'another system (2.8)',
    ending(1, [
      `error: a 'riscv64-linux' with features {} is required to build '${DRV}', but I am a 'x86_64-linux' with features {kvm}`,
    ]),
    { outcome: 'unsupported' },
  ],
  [
    'another system (2.34)',
    ending(100, [
      `error: Cannot build '${DRV}'.\n       Reason: platform mismatch\n       Required system: 'riscv64-linux'`,
    ]),
    { outcome: 'unsupported', message: `error: Cannot build '${DRV}': platform mismatch` },
  ],
  [
    'a feature that is not here (2.34)',
    ending(100, [
      `error: Cannot build '${DRV}'.\n       Reason: missing system features\n       Required features: {cuda}`,
    ]),
    { outcome: 'unsupported' },
  ],
  [
    'a feature that is not here (in between)',
    ending(1, [
      `error: required system or feature not available. The 'x86_64-linux' with features {cuda} is required`,
    ]),
    { outcome: 'unsupported' },
  ],
  [
    'an input that is gone, as nothing is substituted',
    ending(1, [`error: dependency '${OUT}' of '${DRV}' does not exist, and substitution is disabled`], {
      built: false,
    }),
    { outcome: 'aborted', inputMissing: true },
  ],
  [
    'an input that is gone, and that nobody serves',
    ending(1, [`error: path '${OUT}' is required, but there is no substituter that can build it`], {
      built: false,
    }),
    { outcome: 'aborted', inputMissing: true },
  ],
  [
    'a derivation that is gone',
    ending(1, [`error: path '${DRV}' is not valid`], { built: false }),
    { outcome: 'aborted', inputMissing: true },
  ],
  [
    'no output',
    ending(1, [`error: builder for '${DRV}' failed to produce output path for output 'out' at '${OUT}'`]),
    { outcome: 'failed' },
  ],
  [
    'a reference that is not allowed',
    ending(1, [
      `error: output '${OUT}' is not allowed to refer to the following paths:\n         ${OUT}-dep`,
    ]),
    { outcome: 'failed' },
  ],
  [
    'a fixed output with references',
    ending(1, [`error: fixed output derivation 'x' is not allowed to refer to other store paths.`]),
    { outcome: 'failed' },
  ],
  [
    'a cycle of outputs',
    ending(1, [
      `error: cycle detected in build of '${DRV}' in the references of output 'dev' from output 'out'`,
    ]),
    { outcome: 'failed' },
  ],
  [
    'a path that is too large',
    ending(1, [`error: path '${OUT}' is too large at 136 bytes; limit is 10 bytes`]),
    { outcome: 'failed' },
  ],
  [
    'a closure that is too large',
    ending(1, [`error: closure of path '${OUT}' is too large at 136 bytes; limit is 10 bytes`]),
    { outcome: 'failed' },
  ],
  [
    'an output that everyone may write',
    ending(1, [
      `error: suspicious ownership or permission on "${OUT}" for output 'out'; rejecting this build output`,
    ]),
    { outcome: 'failed' },
  ],
  [
    'an output that no NAR can hold',
    ending(1, [`error: file "${OUT}" has an unsupported type`]),
    { outcome: 'failed' },
  ],
  [
    'an input that Nix built on its own, and that failed: as its cause',
    ending(100, [
      `error: builder for '${DRV}' failed with exit code 3`,
      `error: 1 dependencies of derivation '${DRV}' failed to build`,
    ]),
    { exitCode: 3, outcome: 'failed', message: `error: builder for '${DRV}' failed with exit code 3` },
  ],
  [
    'inputs that failed without a cause',
    ending(1, [`error: 2 dependencies of derivation '${DRV}' failed to build`]),
    { outcome: 'dependency-failed' },
  ],
  [
    'an input that failed without a cause (2.34)',
    ending(100, [`error: Cannot build '${DRV}'.\n       Reason: 1 dependency failed.`]),
    { outcome: 'dependency-failed' },
  ],
  [
    'a full disk',
    ending(1, ['error: writing to file: No space left on device']),
    { outcome: 'aborted', message: 'error: writing to file: No space left on device' },
  ],
  [
    'a daemon that is gone',
    ending(1, ["error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused"]),
    { outcome: 'aborted' },
  ],
  ['nothing said', ending(1, []), { outcome: 'aborted', message: 'Nix ended with status 1' }],
  [
    'Nix killed',
    ending(null, [], { signal: 'SIGKILL' }),
    { outcome: 'aborted', message: 'Nix ended with SIGKILL' },
  ],
  [
    'a crash of Nix is no ending of a build',
    ending(134, []),
    { outcome: 'aborted', message: 'Nix ended with status 134' },
  ],
  [
    'a log whose last lines imitate Nix',
    ending(100, [
      `error: builder for '${DRV}' failed with exit code 1;\n       last 2 log lines:\n       > killed after writing more than 1 bytes of log output\n       > timed out after 3 seconds of silence\n       For full logs, run 'nix log ${DRV}'.`,
    ]),
    { outcome: 'failed', exitCode: 1 },
  ],
];

describe('how Nix ended is the outcome of the attempt:', () => {
  for (const [title, given, expected] of CASES)
    test(title, () => {
      const found = outcomeOfNix(given);
      assert.deepEqual(
        { ...found, ...('message' in expected ? {} : { message: undefined }) },
        { message: undefined, ...expected },
      );
    });
});
