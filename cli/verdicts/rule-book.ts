/** Rules as `nixwarp rules` shows them: those that read lines and those that read facts, in one form. */

import { classify } from '../../domain/ci/classification/classify.ts';
import { FACT_RULES, type FactRule } from '../../domain/ci/classification/fact-rules.ts';
import type { CodeTable, Pattern, Rank, Rule } from '../../domain/ci/classification/rule.ts';
import { RULES } from '../../domain/ci/classification/rules/index.ts';
import type { Meaning, Stage } from '../../domain/ci/classification/taxonomy.ts';

export interface RuleCard extends Meaning {
  readonly id: string;
  readonly rank: Rank | 'fact';
  /** Empty: all of them. */
  readonly stages: readonly Stage[];
  /** For a rule that reads facts: which one, in words. */
  readonly fact: string | null;
  /** Fragments as they stand; regular expressions between slashes. */
  readonly patterns: readonly string[];
  readonly excludes: readonly string[];
  readonly when: readonly string[];
  readonly unless: readonly string[];
  readonly codes: readonly { readonly code: string; readonly id: string; readonly meaning: Meaning }[];
  readonly link: string | null;
  readonly examples: readonly string[];
  readonly counterExamples: readonly string[];
}

/** All rules, in the order in which they are tried. */
export function ruleCards(): RuleCard[] {
  return [...FACT_RULES.map(cardOfFact), ...RULES.map(cardOfRule)];
}

/** The rule of that id; a verdict's `rule`, which names the code behind a colon, will do. */
export function findCard(id: string): RuleCard | undefined {
  const [name] = id.split(':');
  return ruleCards().find((card) => card.id === name);
}

/** Ids that hold a word of `id`, for a person who has mistyped it. */
export function similarIds(id: string): string[] {
  const words = id
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 2);
  return ruleCards()
    .map((card) => card.id)
    .filter((known) => words.some((word) => known.includes(word)));
}

function cardOfRule(rule: Rule): RuleCard {
  return {
    ...meaningOf(rule),
    id: rule.id,
    rank: rule.rank,
    stages: rule.stages ?? [],
    fact: null,
    patterns: rule.patterns.map(sourceOf),
    excludes: (rule.excludes ?? []).map(sourceOf),
    when: (rule.when ?? []).map(sourceOf),
    unless: (rule.unless ?? []).map(sourceOf),
    codes: codesOf(rule.codes),
    link: rule.link ?? null,
    examples: rule.examples,
    counterExamples: rule.counterExamples ?? [],
  };
}

/** What a fact means is said by the classifier itself, asked about the example. */
function cardOfFact({ id, fact, example, log, codes }: FactRule): RuleCard {
  const verdict = classify(example, log ?? '');
  return {
    ...meaningOf(verdict),
    id,
    rank: 'fact',
    stages: [],
    fact,
    patterns: [],
    excludes: [],
    when: [],
    unless: [],
    codes: codesOf(codes),
    link: verdict.link,
    examples: [JSON.stringify(example)],
    counterExamples: [],
  };
}

function meaningOf(one: Meaning): Meaning {
  const { class: failureClass, subclass, scope, retry, confidence, explanation } = one;
  return { class: failureClass, subclass, scope, retry, confidence, explanation };
}

function codesOf(table: CodeTable | undefined): RuleCard['codes'] {
  return [...(table ?? [])].map(([code, known]) => ({ code, id: known.id, meaning: meaningOf(known) }));
}

const sourceOf = (pattern: Pattern): string => (typeof pattern === 'string' ? pattern : String(pattern));
