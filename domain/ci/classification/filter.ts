/** Which probes are worth trying on a line: the automaton reads every character once, the rest is done for few lines. */

import { displayLine, isJsonLine, splitJsonText } from './pattern/clean.ts';
import type { Probe, RuleSet } from './rule-set.ts';

/** A text without escape sequences, and the probes to try on it. */
export interface Reading {
  readonly display: string;
  readonly probes: readonly Probe[];
}

/** Takes the line `text.slice(start, end)`. */
export type LineFilter = (text: string, start: number, end: number) => readonly Reading[];

/** Characters of a long line that are looked at on either side of a text that was found in it. */
const WINDOW = 2_048;
/** Places of one text in one line that are looked at; a line of a mebibyte may repeat a word a thousand times. */
const PLACES = 4;
const NO_READINGS: readonly Reading[] = [];

interface Place {
  readonly probe: Probe;
  readonly end: number;
}

/** `isIdle` tells probes that can no longer change anything. */
export function createLineFilter(rules: RuleSet, isIdle: (probe: Probe) => boolean): LineFilter {
  // The line in which a literal was last found, and how often there.
  const lastLine = new Int32Array(rules.probesOf.length);
  const timesInLine = new Int32Array(rules.probesOf.length);
  let candidates: Place[] = [];
  let serial = 0;

  const onFound = (literal: number, end: number): void => {
    const times = lastLine[literal] === serial ? (timesInLine[literal] ?? 0) : 0;
    lastLine[literal] = serial;
    timesInLine[literal] = times + 1;
    if (times >= PLACES) return;
    for (const probe of rules.probesOf[literal] ?? []) if (!isIdle(probe)) candidates.push({ probe, end });
  };
  const isInLine = (literal: number): boolean => lastLine[literal] === serial;
  const hasEscape = createEscapeSearch();

  return (text, start, end) => {
    serial++;
    candidates = [];
    // An escape sequence may stand within a text that is looked for, so such a line is cleaned first.
    const raw = hasEscape(text, start, end) ? displayLine(text.slice(start, end)) : null;
    if (raw === null) rules.search.scan(text, start, end, onFound);
    else rules.search.scan(raw, 0, raw.length, onFound);
    if (candidates.length === 0) return NO_READINGS;
    const places = candidates.filter(({ probe }) => probe.also.every((group) => group.some(isInLine)));
    if (places.length === 0) return NO_READINGS;
    return raw === null ? readings(text, start, end, places) : readings(raw, 0, raw.length, places);
  };
}

/** Whether a line holds an escape; a text is searched once, not once a line. */
function createEscapeSearch(): (text: string, start: number, end: number) => boolean {
  let searched = '';
  let next = -1;
  return (text, start, end) => {
    if (text !== searched || (next >= 0 && next < start)) {
      searched = text;
      next = text.indexOf('\u001b', start);
    }
    return next >= start && next < end;
  };
}

/** The texts around the places found in a line: usually one, the line itself. */
function readings(text: string, start: number, end: number, places: readonly Place[]): Reading[] {
  const raw = end - start <= WINDOW ? text.slice(start, end) : null;
  if (raw !== null && !raw.includes('\r')) {
    const probes = places.map(({ probe }) => probe);
    return readingsOf(raw, probes, isJsonLine(raw));
  }
  const probesAt = new Map<string, Probe[]>();
  for (const { probe, end: at } of places) {
    const from = Math.max(start, at - WINDOW);
    const stretch = visibleStretch(text.slice(from, Math.min(end, at + WINDOW)), at - from);
    const probes = probesAt.get(stretch);
    if (probes === undefined) probesAt.set(stretch, [probe]);
    else probes.push(probe);
  }
  const isJson = isJsonLine(text.slice(start, start + 8));
  return [...probesAt].flatMap(([stretch, probes]) => readingsOf(stretch, probes, isJson));
}

function readingsOf(raw: string, probes: readonly Probe[], isJson: boolean): Reading[] {
  const once = probes.length > 1 ? [...new Set(probes)].toSorted((a, b) => a.order - b.order) : probes;
  const texts = isJson ? splitJsonText(raw) : [raw];
  return texts.map((each) => ({ display: displayLine(each), probes: once }));
}

/** A carriage return starts the visible line anew, so the stretch between two of them is a line of its own. */
function visibleStretch(window: string, at: number): string {
  const from = window.lastIndexOf('\r', at - 1) + 1;
  const to = window.indexOf('\r', at);
  return window.slice(from, to < 0 ? undefined : to);
}
