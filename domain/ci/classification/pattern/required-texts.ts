/** The fixed texts that a regular expression guarantees: what the prefilter looks for. */

import type { Shape } from './shape.ts';

/**
 * Texts of which every match contains at least one: the best choice the structure allows, where "best" means that the
 * shortest of them is as long as possible. Empty if the expression guarantees no text at all.
 */
export function requiredTexts(shape: Shape): string[] {
  switch (shape.kind) {
    case 'char':
      return shape.literal === null ? [] : [shape.literal];
    case 'assertion':
      return [];
    case 'repeat':
      return shape.min > 0 ? requiredTexts(shape.item) : [];
    case 'choice': {
      const each = shape.options.map(requiredTexts);
      return each.every((texts) => texts.length > 0) ? each.flat() : [];
    }
    case 'sequence':
      return bestOf(sequenceTexts(shape.items));
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
    ways.push(runs, texts ?? requiredTexts(item));
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

function shortest(texts: readonly string[]): number {
  return Math.min(...texts.map((text) => text.length));
}

function bestOf(ways: readonly string[][]): string[] {
  return ways.reduce<string[]>(
    (best, way) => (best.length === 0 || shortest(way) > shortest(best) ? way : best),
    [],
  );
}
