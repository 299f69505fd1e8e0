/** All rules made ready at once: their patterns, and one automaton that finds the lines worth looking at. */

import type { LiteralSearch } from './pattern/literal-search.ts';
import { createLiteralSearch } from './pattern/literal-search.ts';
import type { CompiledPattern } from './pattern/pattern.ts';
import { compilePattern } from './pattern/pattern.ts';
import type { Pattern, Rule } from './rule.ts';

/** One pattern and what a match of it does: it proves a rule, meets (or breaks) a rule's condition, or names a phase. */
export interface Probe {
  readonly pattern: CompiledPattern;
  readonly effect: 'match' | 'when' | 'unless' | 'phase';
  /** Index of the rule; -1 for a phase. */
  readonly rule: number;
}

export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly excludes: readonly (readonly CompiledPattern[])[];
  readonly search: LiteralSearch;
  /** Probes to try when the literal of that id was found. */
  readonly probesOf: readonly (readonly Probe[])[];
}

/** Lines by which Nixpkgs' stdenv and its hooks announce a phase (pkgs/stdenv/generic/setup.sh). */
const PHASES: readonly Pattern[] = [
  'Running phase: {phase}',
  /^Executing (?<phase>\w{3,60})$/,
  /^(?<phase>running tests|post-installation fixup|unpacking sources|patching sources)$/,
];

/** Compiles rules. Throws a `SyntaxError` for a pattern that cannot be prefiltered and an `Error` for an id used twice. */
export function createRuleSet(rules: readonly Rule[]): RuleSet {
  const ids = new Set<string>();
  for (const rule of rules) {
    if (ids.has(rule.id)) throw new Error(`two classification rules are called ${rule.id}`);
    ids.add(rule.id);
  }
  const probes = [...rules.flatMap(probesOfRule), ...PHASES.map((phase) => probe(phase, 'phase', -1))];
  const literals = new Map<string, Probe[]>();
  for (const each of probes) {
    for (const literal of each.pattern.literals) {
      const key = literal.toLowerCase();
      const same = literals.get(key);
      if (same === undefined) literals.set(key, [each]);
      else same.push(each);
    }
  }
  return {
    rules,
    excludes: rules.map((rule) => (rule.excludes ?? []).map(compileExclude)),
    search: createLiteralSearch([...literals.keys()]),
    probesOf: [...literals.values()],
  };
}

function probesOfRule(rule: Rule, index: number): Probe[] {
  return [
    ...rule.patterns.map((pattern) => probe(pattern, 'match', index)),
    ...(rule.when ?? []).map((pattern) => probe(pattern, 'when', index)),
    ...(rule.unless ?? []).map((pattern) => probe(pattern, 'unless', index)),
  ];
}

function probe(pattern: Pattern, effect: Probe['effect'], rule: number): Probe {
  return { pattern: compilePattern(pattern), effect, rule };
}

/** An exclusion is tried only on lines already matched, so it needs no text for the prefilter. */
function compileExclude(pattern: Pattern): CompiledPattern {
  if (typeof pattern === 'string') return compilePattern(pattern);
  return { literals: [], atStart: false, match: (line) => (pattern.test(line) ? {} : null) };
}
