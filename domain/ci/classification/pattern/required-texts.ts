/** The fixed texts that a regular expression guarantees: what the prefilter looks for. */

import type { Shape } from './shape.ts';

/**
 * Groups of texts: every match contains at least one text of each group, and no text is shorter than `shortest`. The
 * group that most narrows down where to look comes first. Empty if the expression guarantees no such text.
 */
export function requiredTexts(shape: Shape, shortest: number): string[][] {
  return waysOf(shape)
    .filter((texts) => texts.every((text) => text.length >= shortest))
    .toSorted((a, b) => shortestOf(b) - shortestOf(a));
}

/** All groups of texts that a shape guarantees, one for each part that must be there. */
function waysOf(shape: Shape): string[][] {
  switch (shape.kind) {
    case 'char':
      return shape.literal === null ? [] : [[shape.literal]];
    case 'assertion':
      return [];
    case 'repeat':
      return shape.min > 0 ? waysOf(shape.item) : [];
    case 'choice': {
      const each = shape.options.map((option) => bestOf(waysOf(option)));
      return each.every((texts) => texts.length > 0) ? [each.flat()] : [];
    }
    case 'sequence':
      return sequenceTexts(shape.items);
  }
}

/** Every way a sequence guarantees text: its runs of plain text, with small choices spelt out, and each part on its own. */
function sequenceTexts(items: readonly Shape[]): string[][] {
  const ways: string[][] = [];
  let runs = [''];
  for (const item of items) {
    const texts = spelledOut(item);
    if (texts !== null && runs.length * texts.length <= MOST_SPELLINGS) {
      runs = runs.flatMap((run) => texts.map((text) => run + text));
      continue;
    }
    ways.push(runs, ...(texts === null ? waysOf(item) : [texts]));
    runs = [''];
  }
  ways.push(runs);
  return ways.filter((texts) => texts.length > 0 && !texts.includes(''));
}

/** More spellings than this make more literals than they save looks at lines. */
const MOST_SPELLINGS = 16;
const MOST_REPEATS = 4;

/** All texts a part can match, if they are few; null otherwise. */
function spelledOut(shape: Shape): string[] | null {
  switch (shape.kind) {
    case 'char':
      return shape.literal === null ? null : [shape.literal];
    case 'assertion':
      return [''];
    case 'repeat': {
      const texts = shape.max <= MOST_REPEATS ? spelledOut(shape.item) : null;
      if (texts?.[0] === undefined || (texts.length > 1 && shape.max > 1)) return null;
      if (shape.max === 1) return shape.min === 0 ? ['', ...texts] : texts;
      const [text] = texts;
      return Array.from({ length: shape.max - shape.min + 1 }, (_, more) => text.repeat(shape.min + more));
    }
    case 'choice':
      return fewTexts(shape.options.map(spelledOut), (all) => all.flat());
    case 'sequence':
      return fewTexts(shape.items.map(spelledOut), (all) =>
        all.reduce((runs, texts) => runs.flatMap((run) => texts.map((text) => run + text)), ['']),
      );
  }
}

function fewTexts(
  parts: readonly (string[] | null)[],
  combine: (parts: string[][]) => string[],
): string[] | null {
  const known = parts.filter((texts) => texts !== null);
  if (known.length < parts.length) return null;
  if (known.reduce((product, texts) => product * Math.max(1, texts.length), 1) > 4 * MOST_SPELLINGS)
    return null;
  const all = combine(known);
  return all.length <= MOST_SPELLINGS ? all : null;
}

function shortestOf(texts: readonly string[]): number {
  return Math.min(...texts.map((text) => text.length));
}

function bestOf(ways: readonly string[][]): string[] {
  return ways.reduce<string[]>(
    (best, way) => (best.length === 0 || shortestOf(way) > shortestOf(best) ? way : best),
    [],
  );
}
