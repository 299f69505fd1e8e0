/** The streaming matcher: lines go in, the first line that proves each rule comes out. */

import type { Reading } from './filter.ts';
import { createLineFilter } from './filter.ts';
import { displayLine, isQuotation, stripPrefixes } from './pattern/clean.ts';
import type { Captures } from './pattern/fragment.ts';
import type { CodeMeaning, Rank, Rule } from './rule.ts';
import type { Probe, RuleSet } from './rule-set.ts';

/** A line that proves a rule. */
export interface Hit {
  readonly rule: Rule;
  /** The meaning of the code in the line, for rules that have a table. */
  readonly code: CodeMeaning | null;
  readonly captures: Captures;
  readonly line: number;
  readonly text: string;
  readonly before: string | null;
  readonly phase: string | null;
  /** Text of the following line, known once that was read. */
  after: string | null;
}

export interface Scanner {
  readonly line: (text: string, start: number, end: number, number: number) => void;
  /** Hits whose conditions hold, in the order of the log. */
  readonly hits: () => Hit[];
  /** Lines that were not blank. */
  readonly lineCount: () => number;
}

/** Characters of a line that are kept as evidence, and that are looked at to find them. */
const KEPT = 500;
const LOOKED_AT = 2_048;

/** In a log where components complain this often without a known message, a guess from one of its lines is worth nothing. */
const MOST_GUESSES = 100_000;

const KNOWING_RANKS: readonly Rank[] = ['decisive', 'specific', 'consequence', 'generic'];

interface ScanState {
  readonly rules: RuleSet;
  readonly enabled: readonly boolean[];
  /** First hit of each rule, or of each code of a rule that has a table. */
  readonly found: Map<string, Hit>;
  readonly settled: boolean[];
  /** How often a rule that needs several lines has matched. */
  readonly times: Map<number, number>;
  /** Rules whose condition `when` was seen, and rules that a line of `unless` broke. */
  readonly met: Set<number>;
  readonly broken: Set<number>;
  /** Hits of the line before, which still want to know the line after. */
  waiting: Hit[];
  /** Rules that only guess, and whether one that knows has matched without condition: then guesses are not looked for. */
  readonly isVague: readonly boolean[];
  isExplained: boolean;
  /** How often a guessing rule was tried. */
  guesses: number;
  previous: { readonly text: string; readonly start: number; readonly end: number } | null;
  phase: string | null;
}

/** `isEnabled` says which rules take part (stage, speaker). Memory is bounded by the number of rules and codes. */
export function createScanner(rules: RuleSet, isEnabled: (rule: Rule) => boolean): Scanner {
  const state: ScanState = {
    rules,
    enabled: rules.rules.map(isEnabled),
    found: new Map(),
    settled: rules.rules.map(() => false),
    times: new Map(),
    met: new Set(),
    broken: new Set(),
    waiting: [],
    isVague: rules.rules.map(({ rank }) => rank === 'vague' || rank === 'unknown'),
    isExplained: false,
    guesses: 0,
    previous: null,
    phase: null,
  };
  const filter = createLineFilter(rules, (probe) => isIdle(state, probe));
  let lineCount = 0;

  return {
    line(text, start, end, number) {
      if (end > start) lineCount++;
      tellNeighbours(state, text, start, end);
      for (const reading of filter(text, start, end)) tryReading(state, reading, number);
      state.previous = { text, start, end };
    },
    hits: () =>
      rules.rules.flatMap((rule, index) => hitsOf(state, rule, index)).toSorted((a, b) => a.line - b.line),
    lineCount: () => lineCount,
  };
}

/** Whether a probe can no longer change anything. */
function isIdle(state: ScanState, probe: Probe): boolean {
  if (probe.effect === 'phase') return false;
  if (state.enabled[probe.rule] !== true) return true;
  if (state.isVague[probe.rule] === true && (state.isExplained || state.guesses > MOST_GUESSES)) return true;
  if (probe.effect === 'match') return state.settled[probe.rule] === true;
  return (probe.effect === 'when' ? state.met : state.broken).has(probe.rule);
}

function tellNeighbours(state: ScanState, text: string, start: number, end: number): void {
  if (state.waiting.length === 0) return;
  const after = shown(text.slice(start, end));
  for (const hit of state.waiting) hit.after = after;
  state.waiting = [];
}

function tryReading(state: ScanState, { display, probes }: Reading, number: number): void {
  let stripped: string | undefined;
  for (const probe of probes) {
    if (isIdle(state, probe)) continue;
    if (probe.pattern.atStart) stripped ??= stripPrefixes(display);
    const captures = probe.pattern.match(stripped ?? display);
    if (state.isVague[probe.rule] === true) state.guesses++;
    if (captures === null) continue;
    stripped ??= stripPrefixes(display);
    if (isQuotation(stripped)) return;
    applyProbe(state, probe, captures, stripped, number);
  }
}

function applyProbe(state: ScanState, probe: Probe, captures: Captures, line: string, number: number): void {
  switch (probe.effect) {
    case 'match':
      return prove(state, probe.rule, captures, line, number);
    case 'when':
      state.met.add(probe.rule);
      return;
    case 'unless':
      state.broken.add(probe.rule);
      return;
    case 'phase':
      state.phase = captures['phase'] ?? null;
  }
}

function prove(state: ScanState, index: number, captures: Captures, line: string, number: number): void {
  const rule = state.rules.rules[index];
  if (rule === undefined || isAside(rule, line)) return;
  if (state.rules.excludes[index]?.some((pattern) => pattern.match(line) !== null)) return;
  if (rule.least !== undefined && timesMatched(state, index) < rule.least) return;
  const code = rule.codes?.get(captures['code'] ?? '') ?? null;
  if (rule.codes === undefined) state.settled[index] = true;
  else if (code === null) return;
  const key = hitKey(rule, code);
  if (state.found.has(key)) return;
  const { previous, phase } = state;
  const before = previous === null ? null : shown(previous.text.slice(previous.start, previous.end));
  const hit: Hit = {
    rule,
    code,
    captures,
    line: number,
    text: line.slice(0, KEPT),
    before,
    phase,
    after: null,
  };
  state.found.set(key, hit);
  if (
    KNOWING_RANKS.includes(code?.rank ?? rule.rank) &&
    rule.when === undefined &&
    rule.unless === undefined
  ) {
    state.isExplained = true;
  }
  state.waiting.push(hit);
}

/** Lines by which CMake tells its progress and NCCL its set-up: they name faults that they looked for and did not find. */
function isAside({ class: failureClass, rank }: Rule, line: string): boolean {
  if (rank === 'benign' || rank === 'report') return false;
  if (line.startsWith('-- ')) return failureClass !== 'build-configure' && rank !== 'cascade';
  return line.includes('NCCL INFO') && failureClass !== 'collective';
}

/** Counts one more match of a rule. */
function timesMatched(state: ScanState, index: number): number {
  const times = (state.times.get(index) ?? 0) + 1;
  state.times.set(index, times);
  return times;
}

/** What a rule, or a code in its table, is called in verdicts. */
export function hitKey(rule: Rule, code: CodeMeaning | null): string {
  return code === null ? rule.id : `${rule.id}:${code.id}`;
}

function hitsOf(state: ScanState, rule: Rule, index: number): Hit[] {
  if ((rule.when !== undefined && !state.met.has(index)) || state.broken.has(index)) return [];
  return [...state.found.values()].filter((hit) => hit.rule === rule);
}

/** Copies a neighbour: a slice would keep the whole chunk alive. */
function shown(raw: string): string {
  return displayLine(raw.slice(0, LOOKED_AT)).slice(0, KEPT);
}
