/** A classification rule: data that says which line means which fault, with the examples that test it. */

import type { Meaning, Stage } from './taxonomy.ts';

/**
 * How much a matching line is worth; a higher rank wins whatever the order of lines, within a rank the first line wins.
 * `decisive` outranks every other line (broken hardware, a full disk); `specific` names a cause; `consequence` is said by
 * a wrapper whose cause may stand elsewhere; `generic` is an error of no known kind; `vague` only tells the component that
 * failed, `unknown` not even that; `cascade` only repeats that something failed; `report` is a measurement; `benign` looks
 * like an error and is none.
 */
export type Rank =
  | 'decisive'
  | 'specific'
  | 'consequence'
  | 'generic'
  | 'vague'
  | 'unknown'
  | 'cascade'
  | 'report'
  | 'benign';

/**
 * A fragment or a regular expression, matched against one cleaned line.
 *
 * In a fragment `…` stands for any text, `{name}` for text that is kept (for explanation and fingerprint; `{_name}` for
 * the explanation only), and a leading `^` or trailing `$` ties it to the line's ends. Fragments are case-sensitive.
 * A regular expression keeps text by named groups and must hold a literal of four characters for the prefilter.
 */
export type Pattern = string | RegExp;

/** A meaning that a table gives for one code; it may differ from its rule's in rank. */
export interface CodeMeaning extends Meaning {
  readonly rank?: Rank;
  /** Name of the fault in fingerprints and rule ids, shared by all spellings of it. */
  readonly id: string;
}

/** Meanings by the text of the group `code`. A code that is absent is no match. */
export type CodeTable = ReadonlyMap<string, CodeMeaning>;

export interface Rule extends Meaning {
  readonly id: string;
  readonly rank: Rank;
  /** Stages in which the line means this; default: all. */
  readonly stages?: readonly Stage[];
  /** The rule applies only where the stage is known to be one of `stages`. */
  readonly stageRequired?: true;
  /** Who writes such lines. They count in the builder's log only while Nix's or the kernel's own word is not at hand. */
  readonly speaker?: 'nix' | 'kernel';
  readonly patterns: readonly Pattern[];
  /** A line that also matches one of these is no match. */
  readonly excludes?: readonly Pattern[];
  /** So many lines must match; default: one. The last of them is the evidence. */
  readonly least?: number;
  /** At least one of these stands somewhere in the log. A rule with a met condition beats its equals. */
  readonly when?: readonly Pattern[];
  /** None of these stands anywhere in the log. */
  readonly unless?: readonly Pattern[];
  readonly codes?: CodeTable;
  /** The fault leaves the outcome `built`. */
  readonly silent?: true;
  readonly link?: string;
  /** Logs that this rule alone must classify, at least two, none of them from the corpus. */
  readonly examples: readonly string[];
  /** Logs in which this rule must not match. */
  readonly counterExamples?: readonly string[];
}
