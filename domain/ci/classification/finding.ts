/** One possible reason, from a fact or from a line, in the form in which reasons are compared. */

import type { Captures } from './pattern/fragment.ts';
import type { Rank } from './rule.ts';
import type { Hit } from './scan.ts';
import { hitKey } from './scan.ts';
import type { Meaning } from './taxonomy.ts';
import type { EvidenceLine } from './verdict.ts';

export interface Finding {
  /** Id of the rule, with the code's name where the rule reads a table. */
  readonly rule: string;
  readonly meaning: Meaning;
  /** Larger wins; see `WEIGHTS`. */
  readonly weight: number;
  readonly evidence: EvidenceLine;
  readonly captures: Captures;
  readonly link: string | null;
  readonly phase: string | null;
  readonly silent: boolean;
}

/**
 * The decision order of DESIGN §8 as numbers: Nix's status, facts of the host, then lines by rank.
 * A timeout stands between broken hardware and ordinary errors: it settles the outcome, but hardware explains it.
 */
export const WEIGHTS = {
  status: 100,
  host: 90,
  decisive: 60,
  timeout: 55,
  specific: 50,
  consequence: 40,
  exit: 35,
  generic: 30,
  vague: 25,
  unknown: 22,
  cascade: 20,
  report: 10,
  benign: 0,
} as const satisfies Record<Rank | 'status' | 'host' | 'timeout' | 'exit', number>;

/** A rule whose condition elsewhere in the log holds knows more than one that read a single line. */
const MET_CONDITION = 0.5;

/** A hit of a rule as a finding; `source` says whether the text was Nix's message or the log. */
export function findingOfHit(hit: Hit, source: 'log' | 'nix'): Finding {
  const { rule, code } = hit;
  const rank = code?.rank ?? rule.rank;
  return {
    rule: hitKey(rule, code),
    meaning: code ?? rule,
    weight: WEIGHTS[rank] + (rule.when === undefined ? 0 : MET_CONDITION),
    evidence: {
      source,
      line: source === 'log' ? hit.line : null,
      text: hit.text,
      before: hit.before,
      after: hit.after,
    },
    captures: hit.captures,
    link: rule.link ?? null,
    phase: hit.phase,
    silent: rule.silent === true,
  };
}

/** A finding that rests on a fact; `text` says the fact in words. */
export function findingOfFact(
  rule: string,
  meaning: Meaning,
  weight: number,
  text: string,
  link?: string,
): Finding {
  return {
    rule,
    meaning,
    weight,
    evidence: { source: 'fact', line: null, text, before: null, after: null },
    captures: {},
    link: link ?? null,
    phase: null,
    silent: false,
  };
}

/** Best first: weight, then the order of the log, then confidence. Facts stand before lines of their weight. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    b.weight - a.weight ||
    (a.evidence.line ?? 0) - (b.evidence.line ?? 0) ||
    b.meaning.confidence - a.meaning.confidence
  );
}
