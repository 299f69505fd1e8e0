/** The streaming matcher: lines go in, the first line that proves each rule comes out. */

import { displayLine, isJsonLine, isQuotation, splitJsonText, stripPrefixes } from './pattern/clean.ts';
import type { Captures } from './pattern/fragment.ts';
import type { CodeMeaning, Rule } from './rule.ts';
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

/** Characters of a long line that are looked at on either side of a text that was found in it. */
const WINDOW = 2_048;
/** Places of one text in one line that are looked at; a line of a mebibyte may repeat a word a thousand times. */
const PLACES = 4;
/** Characters of a line that are kept as evidence. */
const KEPT = 500;

interface Place {
  readonly literal: number;
  readonly end: number;
}

interface ScanState {
  readonly rules: RuleSet;
  readonly enabled: readonly boolean[];
  /** First hit of each rule, or of each code of a rule that has a table. */
  readonly found: Map<string, Hit>;
  readonly settled: boolean[];
  /** Rules whose condition `when` was seen, and rules that a line of `unless` broke. */
  readonly met: Set<number>;
  readonly broken: Set<number>;
  /** Hits of the line before, which still want to know the line after. */
  waiting: Hit[];
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
    met: new Set(),
    broken: new Set(),
    waiting: [],
    previous: null,
    phase: null,
  };
  const places: Place[] = [];
  const lastLine = new Int32Array(rules.probesOf.length);
  const placesInLine = new Int32Array(rules.probesOf.length);
  let lineCount = 0;
  let serial = 0;

  const onFound = (literal: number, end: number): void => {
    if (lastLine[literal] !== serial) {
      lastLine[literal] = serial;
      placesInLine[literal] = 0;
    }
    const seen = placesInLine[literal] ?? 0;
    if (seen >= PLACES || rules.probesOf[literal]?.every((probe) => isIdle(state, probe)) === true) return;
    placesInLine[literal] = seen + 1;
    places.push({ literal, end });
  };

  return {
    line(text, start, end, number) {
      serial++;
      if (end > start) lineCount++;
      tellNeighbours(state, text, start, end);
      rules.search.scan(text, start, end, onFound);
      if (places.length > 0) {
        for (const reading of readings(text, start, end, places)) tryReading(state, reading, number);
        places.length = 0;
      }
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
  if (probe.effect === 'match') return state.settled[probe.rule] === true;
  return (probe.effect === 'when' ? state.met : state.broken).has(probe.rule);
}

function tellNeighbours(state: ScanState, text: string, start: number, end: number): void {
  if (state.waiting.length === 0) return;
  const after = shown(text.slice(start, end));
  for (const hit of state.waiting) hit.after = after;
  state.waiting = [];
}

function tryReading(state: ScanState, { display, literals }: Reading, number: number): void {
  let stripped: string | undefined;
  for (const literal of literals) {
    for (const probe of state.rules.probesOf[literal] ?? []) {
      if (isIdle(state, probe)) continue;
      if (probe.pattern.atStart) stripped ??= stripPrefixes(display);
      const captures = probe.pattern.match(stripped ?? display);
      if (captures === null) continue;
      stripped ??= stripPrefixes(display);
      if (isQuotation(stripped)) return;
      applyProbe(state, probe, captures, stripped, number);
    }
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
  if (rule === undefined || state.rules.excludes[index]?.some((pattern) => pattern.match(line) !== null))
    return;
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
  state.waiting.push(hit);
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
  return displayLine(raw.slice(0, WINDOW)).slice(0, KEPT);
}

/** A text without escape sequences, and the literals whose probes are to be tried on it. */
interface Reading {
  readonly display: string;
  readonly literals: readonly number[];
}

/** The texts around the places found in a line: usually one, the line itself. */
function readings(text: string, start: number, end: number, places: readonly Place[]): Reading[] {
  const raw = end - start <= WINDOW ? text.slice(start, end) : null;
  if (raw !== null && !raw.includes('\r'))
    return readingsOf(
      raw,
      places.map(({ literal }) => literal),
    );
  const literalsAt = new Map<string, number[]>();
  for (const { literal, end: at } of places) {
    const from = Math.max(start, at - WINDOW);
    const stretch = visibleStretch(text.slice(from, Math.min(end, at + WINDOW)), at - from);
    const literals = literalsAt.get(stretch);
    if (literals === undefined) literalsAt.set(stretch, [literal]);
    else literals.push(literal);
  }
  const isJson = isJsonLine(text.slice(start, start + 8));
  return [...literalsAt].flatMap(([stretch, literals]) => readingsOf(stretch, literals, isJson));
}

function readingsOf(raw: string, literals: readonly number[], isJson = isJsonLine(raw)): Reading[] {
  const once = literals.length > 1 ? [...new Set(literals)] : literals;
  const texts = isJson ? splitJsonText(raw) : [raw];
  return texts.map((each) => ({ display: displayLine(each), literals: once }));
}

/** A carriage return starts the visible line anew, so the stretch between two of them is a line of its own. */
function visibleStretch(window: string, at: number): string {
  const from = window.lastIndexOf('\r', at - 1) + 1;
  const to = window.indexOf('\r', at);
  return window.slice(from, to < 0 ? undefined : to);
}
