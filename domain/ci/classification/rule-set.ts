/** All rules made ready at once: their patterns, and one automaton that finds the lines worth looking at. */

import type { Captures } from './pattern/fragment.ts';
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
  /** Place among all patterns: of two patterns of a rule that match a line, the earlier one names its parts. */
  readonly order: number;
  /** Groups of ids of literals; the pattern is tried only on a line that holds one of each. */
  readonly also: readonly (readonly number[])[];
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
  const literals = createLiteralTable();
  let order = 0;
  const toProbe = (pattern: Pattern, effect: Probe['effect'], rule: number): void => {
    const compiled = compilePattern(pattern);
    const also = compiled.alsoLiterals.map((group) => group.map(literals.idOf));
    const probe: Probe = { pattern: compiled, effect, rule, order: order++, also };
    for (const literal of compiled.literals) literals.add(literal, probe);
  };
  rules.forEach((rule, index) => {
    for (const pattern of rule.patterns) toProbe(pattern, 'match', index);
    for (const pattern of rule.when ?? []) toProbe(pattern, 'when', index);
    for (const pattern of rule.unless ?? []) toProbe(pattern, 'unless', index);
  });
  for (const phase of PHASES) toProbe(phase, 'phase', -1);
  return {
    rules,
    excludes: rules.map((rule) => (rule.excludes ?? []).map(compileExclude)),
    search: createLiteralSearch(literals.texts),
    probesOf: literals.probes,
  };
}

/** Numbers literals as they come; those that differ in case only are one, for the automaton does not tell them apart. */
function createLiteralTable(): {
  readonly texts: string[];
  readonly probes: Probe[][];
  readonly idOf: (text: string) => number;
  readonly add: (text: string, probe: Probe) => void;
} {
  const ids = new Map<string, number>();
  const texts: string[] = [];
  const probes: Probe[][] = [];
  const idOf = (text: string): number => {
    const key = text.toLowerCase();
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, texts.length);
    probes.push([]);
    return texts.push(key) - 1;
  };
  return { texts, probes, idOf, add: (text, probe) => probes[idOf(text)]?.push(probe) };
}

/** An exclusion is tried only on lines already matched, so it needs no text for the prefilter. */
function compileExclude(pattern: Pattern): CompiledPattern {
  if (typeof pattern === 'string') return compilePattern(pattern);
  const match = (line: string): Captures | null => (pattern.test(line) ? {} : null);
  return { literals: [], alsoLiterals: [], atStart: false, match };
}
