/** The classifier: the evidence of one attempt and its log in, one verdict out. */

import { chooseFinding } from './choose.ts';
import { isSuspectedFlake, weighContext } from './context.ts';
import type { Evidence } from './evidence.ts';
import { findFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { findingOfHit } from './finding.ts';
import { fingerprintOf } from './fingerprint.ts';
import { createLineReader } from './lines.ts';
import type { Captures } from './pattern/fragment.ts';
import type { Rule } from './rule.ts';
import type { RuleSet } from './rule-set.ts';
import { createRuleSet } from './rule-set.ts';
import { RULES } from './rules/index.ts';
import type { Scanner } from './scan.ts';
import { createScanner } from './scan.ts';
import type { Verdict } from './verdict.ts';

export interface Classifier {
  /** Takes the next piece of the log, cut anywhere; bytes are read as UTF-8, and rubbish survives. */
  readonly write: (chunk: string | Uint8Array) => void;
  /** Ends the log and judges. Call it once. */
  readonly end: () => Verdict;
}

let compiled: RuleSet | undefined;

/** Compiled at first use, for most workflows load this module and never classify. */
function allRules(): RuleSet {
  return (compiled ??= createRuleSet(RULES));
}

/** Starts to classify one attempt. Memory does not grow with the log. */
export function createClassifier(evidence: Evidence): Classifier {
  const scanner = createScanner(allRules(), (rule) => readsLog(rule, evidence));
  const reader = createLineReader(scanner.line);
  return {
    write: reader.write,
    end() {
      reader.end();
      return judge(evidence, scanner);
    },
  };
}

/** Classifies a log that is at hand as a whole. */
export function classify(evidence: Evidence, log: string): Verdict {
  const classifier = createClassifier(evidence);
  classifier.write(log);
  return classifier.end();
}

function isOfStage(rule: Rule, { stage }: Evidence): boolean {
  if (stage === undefined) return rule.stageRequired !== true;
  return rule.stages === undefined || rule.stages.includes(stage);
}

/** Whether a rule may read the builder's log: the builder can print what Nix or the kernel would say. */
function readsLog(rule: Rule, evidence: Evidence): boolean {
  if (!isOfStage(rule, evidence)) return false;
  if (rule.rank === 'report') return mayMeasure(evidence);
  if (rule.speaker === 'nix') return evidence.nixMessage === undefined;
  if (rule.speaker === 'kernel') return evidence.host?.xids === undefined;
  return true;
}

/** Sizes and timings are looked for only where they may be what the attempt was about. */
function mayMeasure({ stage, outcome }: Evidence): boolean {
  return stage === 'measure' || (stage === undefined && outcome === undefined);
}

function judge(evidence: Evidence, log: Scanner): Verdict {
  const findings = [
    ...findFacts(evidence),
    ...findingsOfMessage(evidence),
    ...log.hits().map((hit) => findingOfHit(hit, 'log')),
  ];
  const { chosen, others } = chooseFinding(evidence, findings, log.lineCount());
  return verdictOf(evidence, weighContext(evidence, chosen), others);
}

/** Findings in Nix's own message, less its quotation of the builder's log. */
function findingsOfMessage(evidence: Evidence): Finding[] {
  if (evidence.nixMessage === undefined) return [];
  const scanner = createScanner(allRules(), (rule) => rule.speaker === 'nix' && isOfStage(rule, evidence));
  evidence.nixMessage
    .split('\n')
    .filter((line) => !/^\s*(?:┃\s*)?>/.test(line))
    .forEach((line, index) => scanner.line(line, 0, line.length, index + 1));
  return scanner.hits().map((hit) => findingOfHit(hit, 'nix'));
}

function verdictOf(evidence: Evidence, finding: Finding, others: readonly Finding[]): Verdict {
  const { meaning, captures } = finding;
  const host = evidence.host?.name;
  const isFlake = isSuspectedFlake(evidence, finding);
  return {
    class: meaning.class,
    subclass: meaning.subclass,
    scope: meaning.scope,
    retry: isFlake && meaning.retry === 'no' ? 'same' : meaning.retry,
    confidence: meaning.confidence,
    rule: finding.rule,
    evidence: finding.evidence,
    explanation: fillIn(meaning.explanation, captures),
    link: finding.link,
    fingerprint: fingerprintOf(meaning, captures, host === undefined ? [] : [host]),
    suspectedFlake: isFlake,
    phase: finding.phase,
    others: others.map((other) => ({
      rule: other.rule,
      class: other.meaning.class,
      subclass: other.meaning.subclass,
      line: other.evidence.line,
    })),
  };
}

/** Puts what the line named into the explanation: `{name}`, or `{name|words for when the line did not say}`. */
function fillIn(explanation: string, captures: Captures): string {
  return explanation.replace(/\{(\w+)(?:\|([^}]*))?\}/g, (_, name: string, otherwise: string | undefined) => {
    const text = captures[name] ?? captures[`_${name}`];
    return text === undefined || text === '' ? (otherwise ?? '…') : text;
  });
}
