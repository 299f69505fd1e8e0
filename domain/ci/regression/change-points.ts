/**
 * Where a history of values changes: E-divisive, which looks for the split whose sides differ most in energy distance,
 * and asks by permutations whether chance would do as well; then again on each side.
 * Source: Matteson and James, "A Nonparametric Approach for Multiple Change Point Analysis", JASA 109 (2014).
 */

import { createRandom, median } from './distribution.ts';

export interface ChangePoint {
  /** The first value of the new level. */
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** `after` over `before`, less one; of medians. */
  readonly change: number;
  readonly p: number;
}

export interface ChangePointOptions {
  /** Values on each side at least. */
  readonly leastLength?: number;
  readonly permutations?: number;
  readonly significance?: number;
  readonly seed?: number;
}

/** Change points in order; levels are medians between neighbouring ones. Costs (values)² × permutations. */
export function findChangePoints(
  values: readonly number[],
  { leastLength = 5, permutations = 199, significance = 0.01, seed = 1 }: ChangePointOptions = {},
): ChangePoint[] {
  const random = createRandom(seed);
  const found: { index: number; p: number }[] = [];
  const split = (start: number, end: number): void => {
    const part = values.slice(start, end);
    const best = bestSplit(part, leastLength);
    if (best === undefined || best.statistic <= 0) return;
    let larger = 1;
    for (let round = 0; round < permutations; round++) {
      const shuffled = bestSplit(shuffle(part, random), leastLength);
      if (shuffled !== undefined && shuffled.statistic >= best.statistic) larger++;
    }
    const p = larger / (permutations + 1);
    if (p > significance) return;
    found.push({ index: start + best.at, p });
    split(start, start + best.at);
    split(start + best.at, end);
  };
  split(0, values.length);
  const sorted = found.toSorted((a, b) => a.index - b.index);
  return sorted.map(({ index, p }, place) => {
    const before = median(values.slice(sorted[place - 1]?.index ?? 0, index));
    const after = median(values.slice(index, sorted[place + 1]?.index ?? values.length));
    return { index, before, after, change: after / before - 1, p };
  });
}

/** The split with the largest statistic; sums of distances are carried along, so that all splits cost one pass. */
function bestSplit(
  values: readonly number[],
  leastLength: number,
): { at: number; statistic: number } | undefined {
  const count = values.length;
  if (count < 2 * leastLength) return undefined;
  let [left, right, between] = [0, 0, 0];
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) right += Math.abs((values[i] ?? 0) - (values[j] ?? 0));
  let best: { at: number; statistic: number } | undefined;
  for (let at = 1; at < count; at++) {
    const moved = values[at - 1] ?? 0;
    let [toLeft, toRight] = [0, 0];
    for (let i = 0; i < at - 1; i++) toLeft += Math.abs(moved - (values[i] ?? 0));
    for (let i = at; i < count; i++) toRight += Math.abs(moved - (values[i] ?? 0));
    left += toLeft;
    right -= toRight;
    between += toRight - toLeft;
    const other = count - at;
    if (at < leastLength || other < leastLength) continue;
    const statistic =
      ((at * other) / count) *
      ((2 * between) / (at * other) - (2 * left) / (at * (at - 1)) - (2 * right) / (other * (other - 1)));
    if (best === undefined || statistic > best.statistic) best = { at, statistic };
  }
  return best;
}

function shuffle(values: readonly number[], random: () => number): number[] {
  const shuffled = [...values];
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other] ?? 0, shuffled[index] ?? 0];
  }
  return shuffled;
}
