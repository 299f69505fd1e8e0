/** From the way Nix ended to the outcome of an attempt (reference: hydra.md §5, cuda.md §4.1; Nix 2.8 to 2.34). */

import type { Outcome } from './outcome.ts';

export interface NixEnding {
  /** Exit status; `null` when Nix was killed by a signal. */
  readonly exit: number | null;
  readonly signal: string | null;
  /** Error messages of Nix itself, without colour. Never the builder's output, which could say anything. */
  readonly messages: readonly string[];
  /** Whether Nix started the builder of this derivation. */
  readonly built: boolean;
  /** `--check`: the result was compared with what is there. */
  readonly checked: boolean;
  readonly limitExceeded: 'log' | null;
  /** What Nix was told: newer ones (2.34) say of both only `timed out after N seconds`, and N tells which it was. */
  readonly limits?: { readonly timeoutSeconds: number; readonly silentTimeoutSeconds: number };
}

export interface AttemptOutcome {
  readonly outcome: Outcome;
  /** The message that decided, first line. */
  readonly message?: string;
  /** Exit status and signal of the builder, where Nix names them. */
  readonly exitCode?: number;
  readonly signal?: number;
  /** A `--check` that passed, with other bytes than before. */
  readonly differs?: boolean;
  /** Nix lacks an input that it was expected to have. */
  readonly inputMissing?: boolean;
  /** `--check` of outputs that are not there: build them plainly. */
  readonly notValid?: boolean;
}

/** 1xx statuses are 96 plus bits: 1 timeout, 2 hash mismatch, 4 builder failed, 8 not deterministic. */
const STATUS_BASE = 96;
const TIMED_OUT = 1;
const HASH_MISMATCH = 2;
const NOT_DETERMINISTIC = 8;

/** Decides by status first, then by the wording of Nix's own messages. */
export function outcomeOfNix(ending: NixEnding): AttemptOutcome {
  if (ending.limitExceeded === 'log') return { outcome: 'log-limit', message: 'the log grew over its limit' };
  if (ending.exit === 0) return { outcome: ending.built ? 'built' : 'substituted' };
  const text = ending.messages.map(withoutLogTail).join('\n');
  const message = firstLine(ending.messages);
  const found = { ...(message === undefined ? {} : { message }), ...builderEnd(text) };
  const bits =
    ending.exit !== null && ending.exit > STATUS_BASE && ending.exit < 128 ? ending.exit - STATUS_BASE : 0;
  if (/killed after writing more than \d+ bytes of log output/.test(text))
    return { outcome: 'log-limit', ...found };
  if (wasSilent(text, ending.limits)) return { outcome: 'silent-timed-out', ...found };
  if ((bits & TIMED_OUT) !== 0 || /timed out after \d+ seconds/.test(text))
    return { outcome: 'timed-out', ...found };
  if ((bits & HASH_MISMATCH) !== 0 || /hash mismatch in fixed-output derivation/.test(text))
    return { outcome: 'hash-mismatch', ...found };
  if ((bits & NOT_DETERMINISTIC) !== 0 || /may not be deterministic/.test(text))
    return ending.checked
      ? { outcome: 'built', differs: true, ...found }
      : { outcome: 'not-deterministic', ...found };
  if (/some outputs of '[^']*' are not valid, so checking is not possible/.test(text))
    return { outcome: 'aborted', notValid: true, ...found };
  if (UNSUPPORTED.test(text)) return { outcome: 'unsupported', ...found };
  if (INPUT_MISSING.test(text)) return { outcome: 'aborted', inputMissing: true, ...found };
  if (BUILDER_FAILED.test(text)) return { outcome: 'failed', ...found };
  if (/\d+ dependenc(y|ies) .*(failed|couldn't be built)/.test(text))
    return { outcome: 'dependency-failed', ...found };
  // Anything else is trouble of Nix or its host: a full disk, a lost daemon, a broken sandbox.
  return {
    outcome: 'aborted',
    message: message ?? `Nix ended with ${ending.signal ?? `status ${ending.exit}`}`,
  };
}

/** Some messages quote the end of the log (`> line`), in which a builder could imitate Nix. */
function withoutLogTail(message: string): string {
  return message.replaceAll(/^\s*> .*$/gm, '');
}

function wasSilent(text: string, limits: NixEnding['limits']): boolean {
  const [, seconds, ofSilence] = /timed out after (\d+) seconds( of silence)?/.exec(text) ?? [];
  if (ofSilence !== undefined) return true;
  if (seconds === undefined || limits === undefined) return false;
  return (
    Number(seconds) === limits.silentTimeoutSeconds && limits.silentTimeoutSeconds < limits.timeoutSeconds
  );
}

const UNSUPPORTED =
  /(is required to build '|required system or feature not available|missing system features|platform mismatch|Required features:)/;

const INPUT_MISSING =
  /(does not exist, and substitution is disabled|is required, but there is no substituter that can build it|don't know how to build these paths|is not valid\b|cannot build missing derivation)/;

/** What is the package's fault although no exit status of a builder is named. */
const BUILDER_FAILED = new RegExp(
  [
    'failed with exit code \\d+',
    'failed due to signal \\d+',
    'failed to produce output path',
    'is not allowed to refer to (the following paths|other store paths)',
    'must not reference store paths',
    'cycle detected in build of',
    'suspicious ownership or permission on',
    'illegal path references in fixed-output derivation',
    "path '[^']*' is too large at",
    "closure of path '[^']*' is too large at",
    'output .* was not produced',
    'fixed-output derivation produced path',
    'has an unsupported type',
  ].join('|'),
);

function builderEnd(text: string): { exitCode?: number; signal?: number } {
  const exitCode = /failed with exit code (\d+)/.exec(text)?.[1];
  const signal = /failed due to signal (\d+)/.exec(text)?.[1];
  return {
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
    ...(signal === undefined ? {} : { signal: Number(signal) }),
  };
}

/** The first line of the first message that says more than that something failed. */
function firstLine(messages: readonly string[]): string | undefined {
  const lines = messages.map(headline).filter((line) => line !== '');
  return (
    lines.find(
      (line) => !/^(error: )?\d+ dependenc/.test(line) && !/^(error: )?build of .* failed$/.test(line),
    ) ?? lines[0]
  );
}

/** Nix 2.34 gives the reason on a line of its own. */
function headline(message: string): string {
  const [first = '', second = ''] = message.split('\n');
  const reason = /^\s*Reason: (.*?)\.?$/.exec(second)?.[1];
  return reason === undefined ? first : `${first.replace(/\.$/, '')}: ${reason}`;
}
