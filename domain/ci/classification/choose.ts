/** Choosing one finding among many by the decision order of DESIGN §8. */

import type { Evidence } from './evidence.ts';
import { outcomeOf } from './facts.ts';
import type { Finding } from './finding.ts';
import { WEIGHTS, compareFindings, findingOfFact } from './finding.ts';
import type { FailureClass, Meaning } from './taxonomy.ts';

/** Below this the honest answer is that the evidence does not suffice. */
const LEAST_CONFIDENCE = 0.4;

/** Faults that make a job hang, so that its timeout is only how they showed. */
const EXPLAINS_TIMEOUT: readonly FailureClass[] = ['collective', 'gpu-hardware', 'driver-mismatch'];

export interface Choice {
  readonly chosen: Finding;
  /** Further faults of other classes or subclasses, in the order of weight. */
  readonly others: readonly Finding[];
}

/** Picks the finding that explains the attempt. `lineCount` is the number of lines the log had. */
export function chooseFinding(evidence: Evidence, findings: readonly Finding[], lineCount: number): Choice {
  const outcome = outcomeOf(evidence);
  if (outcome === 'built' || outcome === 'substituted') return chooseForSuccess(findings);
  const sorted = findings.map((finding) => weighTimeout(evidence, finding)).toSorted(compareFindings);
  const best = sorted[0];
  if (best === undefined) return { chosen: nothingFound(evidence, lineCount), others: [] };
  const chosen = settle(evidence, adoptLine(best, sorted), sorted);
  return { chosen, others: independent(chosen, sorted) };
}

/** A success is a fault only where the fault leaves the outcome alone: a leaked tool, a silent fallback to the CPU. */
function chooseForSuccess(findings: readonly Finding[]): Choice {
  const faults = findings
    .filter((finding) => finding.silent || finding.meaning.class === 'closure-regression')
    .filter((finding) => finding.weight > WEIGHTS.report)
    .toSorted(compareFindings);
  const best = faults[0];
  if (best !== undefined) return { chosen: best, others: independent(best, faults) };
  const benign = findings.find((finding) => finding.weight === WEIGHTS.benign);
  return { chosen: benign ?? findingOfFact('built', NO_FAULT, WEIGHTS.benign, 'outcome built'), others: [] };
}

function weighTimeout(evidence: Evidence, finding: Finding): Finding {
  const outcome = outcomeOf(evidence);
  const isTimeout = outcome === 'timed-out' || outcome === 'silent-timed-out';
  if (!isTimeout || finding.weight < WEIGHTS.consequence) return finding;
  if (finding.evidence.source === 'fact' || !EXPLAINS_TIMEOUT.includes(finding.meaning.class)) return finding;
  return { ...finding, weight: finding.weight + WEIGHTS.timeout - WEIGHTS.consequence + 1 };
}

/** Subclasses of lines that say the same as a fact, where the line may say it more finely; others say it word for word. */
const SAID_MORE_FINELY: Readonly<Record<string, RegExp>> = {
  'hash-mismatch': /hash/,
  'dependency-failed': /./,
  'builder-lost': /./,
  'fetch-failed': /./,
  'disk-full': /^disk-full/,
  'oom-kill': /^oom/,
  'missing-system-feature': /^missing-system/,
  'ecc-uncorrectable': /ecc/,
};

/** A fact that settled the class takes the line of the log that says the same, which is often finer and can be read. */
function adoptLine(best: Finding, sorted: readonly Finding[]): Finding {
  if (best.evidence.source !== 'fact') return best;
  const { subclass } = best.meaning;
  const same = SAID_MORE_FINELY[subclass];
  const line = sorted.find(
    (finding) =>
      finding.evidence.source !== 'fact' &&
      finding.meaning.class === best.meaning.class &&
      (finding.meaning.subclass === subclass || same?.test(finding.meaning.subclass) === true) &&
      finding.weight > WEIGHTS.report,
  );
  if (line === undefined) return best;
  const confidence = Math.max(best.meaning.confidence, line.meaning.confidence);
  return { ...line, meaning: { ...line.meaning, confidence } };
}

/** Turns what is no answer into one: measurements and noise of a failed attempt, and guesses. */
function settle(evidence: Evidence, best: Finding, sorted: readonly Finding[]): Finding {
  const isFailure = outcomeOf(evidence) !== undefined;
  if (best.weight === WEIGHTS.benign && isFailure && best.rule !== 'outcome-cancelled') {
    return { ...best, meaning: ONLY_BENIGN };
  }
  if (best.weight === WEIGHTS.report && isFailure && evidence.stage !== 'measure') {
    return { ...best, meaning: UNEXPLAINED };
  }
  const summary = sorted.find(({ meaning }) => meaning.subclass === 'benign-tests-passed');
  if (!isFailure && best.weight <= WEIGHTS.vague && summary !== undefined && standsAfter(summary, best))
    return summary;
  const isCascade = best.meaning.class === 'insufficient-evidence';
  const benign = sorted.find((finding) => finding.weight === WEIGHTS.benign);
  if (isCascade && best.weight === WEIGHTS.cascade) {
    // A line that only says "it failed" is never shown as evidence; the warning beside it at least can be judged.
    const isEvaluation = benign?.rule.startsWith('benign-eval') === true;
    if (benign !== undefined) return { ...benign, meaning: isEvaluation ? ONLY_EVAL_WARNINGS : ONLY_BENIGN };
    return { ...best, evidence: { ...best.evidence, source: 'fact', line: null } };
  }
  return best.meaning.confidence >= LEAST_CONFIDENCE || isCascade ? best : { ...best, meaning: UNEXPLAINED };
}

/** Tests print errors that they expect; a summary behind them says that they passed. */
function standsAfter(summary: Finding, line: Finding): boolean {
  return (summary.evidence.line ?? 0) > (line.evidence.line ?? 0);
}

/** Findings of another fault than the chosen one; noise, measurements and cascades are none, nor is a line told twice. */
function independent(chosen: Finding, sorted: readonly Finding[]): Finding[] {
  const seen = new Set(keysOf(chosen));
  return sorted.filter((finding) => {
    const keys = keysOf(finding);
    const isFault = finding.weight >= WEIGHTS.generic && finding.meaning.class !== 'insufficient-evidence';
    if (!isFault || keys.some((key) => seen.has(key))) return false;
    for (const key of keys) seen.add(key);
    return true;
  });
}

/** What makes two findings one: the same fault, or the same line. */
function keysOf({ meaning, evidence }: Finding): string[] {
  const place = evidence.line === null ? [] : [`${evidence.source} ${evidence.line}`];
  return [`${meaning.class}/${meaning.subclass}`, ...place];
}

function nothingFound(evidence: Evidence, lineCount: number): Finding {
  if (lineCount > 0)
    return findingOfFact('no-rule', UNEXPLAINED, WEIGHTS.generic, 'no known message in the log');
  const meaning = outcomeOf(evidence) === undefined ? EMPTY : EMPTY_AFTER_FAILURE;
  return findingOfFact('empty-log', meaning, WEIGHTS.generic, 'the log is empty');
}

const NO_FAULT: Meaning = {
  class: 'none',
  subclass: 'built',
  scope: 'unknown',
  retry: 'no',
  confidence: 0.99,
  explanation: 'The attempt succeeded and nothing in its log contradicts that.',
};

const UNEXPLAINED: Meaning = {
  class: 'insufficient-evidence',
  subclass: 'no-known-cause',
  scope: 'unknown',
  retry: 'no',
  confidence: 0.5,
  explanation: 'No rule knows the cause: read the whole log, then add a rule for what it says.',
};

const ONLY_BENIGN: Meaning = {
  ...UNEXPLAINED,
  subclass: 'only-benign-warnings',
  confidence: 0.8,
  explanation: 'The log holds only messages that are known to be harmless: fetch the whole log.',
};

const ONLY_EVAL_WARNINGS: Meaning = {
  ...ONLY_BENIGN,
  subclass: 'only-eval-warnings',
  explanation:
    "The evaluation's log holds only warnings: fetch the whole log, the error is not in this part.",
};

const EMPTY: Meaning = {
  ...UNEXPLAINED,
  subclass: 'empty-log',
  confidence: 0.9,
  explanation: 'The log is empty: fetch it again, and check how it is collected.',
};

const EMPTY_AFTER_FAILURE: Meaning = {
  class: 'infra',
  subclass: 'log-unreadable',
  scope: 'infrastructure',
  retry: 'fix',
  confidence: 0.6,
  explanation: 'The attempt failed without a log: repair how logs are collected before judging the package.',
};
