/** What the classifier answers: plain JSON, stored in `findings` and shown as it is. */

import type { FailureClass, Retry, Scope } from './taxonomy.ts';

/** The line that decided, with its neighbours; a fact that is no log line has no number. */
export interface EvidenceLine {
  readonly source: 'log' | 'nix' | 'fact';
  /** From 1; null for a fact or a line of Nix's own message. */
  readonly line: number | null;
  /** Without escape sequences and prefixes, cut at 500 characters. */
  readonly text: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Another independent fault of the same log that was not chosen. */
export interface OtherFinding {
  readonly rule: string;
  readonly class: FailureClass;
  readonly subclass: string;
  readonly line: number | null;
}

export interface Verdict {
  readonly class: FailureClass;
  readonly subclass: string;
  readonly scope: Scope;
  readonly retry: Retry;
  /** Probability that the class is right, 0 to 1. */
  readonly confidence: number;
  /** Id of the rule that decided. */
  readonly rule: string;
  readonly evidence: EvidenceLine | null;
  readonly explanation: string;
  readonly link: string | null;
  /** 16 hexadecimal digits; equal for the same fault in another package, version, path or host. */
  readonly fingerprint: string;
  /** The same derivation ended otherwise before: proof of a flake or of a bad host, not of a broken package. */
  readonly suspectedFlake: boolean;
  /** Phase of Nixpkgs' stdenv in which the line stood, where the log names phases. */
  readonly phase: string | null;
  readonly others: readonly OtherFinding[];
}
