/**
 * The Mann–Whitney U test: whether values of one sample tend to be larger than those of another, whatever their
 * distribution. Source: Mann and Whitney 1947; ties and continuity as scipy.stats.mannwhitneyu.
 */

import { normalUpperTail } from './distribution.ts';

export interface MannWhitney {
  /** Pairs in which the first sample's value is larger, ties counted by half. */
  readonly u: number;
  /** Probability of such a `u` or a larger one where both samples are of one distribution. */
  readonly greater: number;
  /** Of such a `u` or a smaller one. */
  readonly less: number;
  readonly twoSided: number;
  readonly method: 'exact' | 'normal';
}

/** Exact up to these sizes, where counting costs less than a millisecond; beyond, the normal approximation is as good. */
const LARGEST_EXACT = 40;

/**
 * @param method by default exact for samples of up to 40 values without ties, else the normal approximation with
 *   correction for ties and continuity.
 * @throws RangeError where a sample is empty or a value is no number.
 */
export function mannWhitney(
  first: readonly number[],
  second: readonly number[],
  method: 'auto' | 'exact' | 'normal' = 'auto',
): MannWhitney {
  const [n, m] = [first.length, second.length];
  if (n === 0 || m === 0)
    throw new RangeError(`Mann–Whitney: samples of ${n} and ${m} values, expected one at least`);
  if (![...first, ...second].every(Number.isFinite))
    throw new RangeError('Mann–Whitney: a value is no number');
  const { rankSum, ties } = rank(first, second);
  const u = rankSum - (n * (n + 1)) / 2;
  const isExact = method === 'exact' || (method === 'auto' && ties === 0 && Math.max(n, m) <= LARGEST_EXACT);
  const [greater, less] = isExact ? exactTails(u, n, m) : normalTails(u, n, m, ties);
  return {
    u,
    greater,
    less,
    twoSided: Math.min(1, 2 * Math.min(greater, less)),
    method: isExact ? 'exact' : 'normal',
  };
}

/** The first sample's ranks, and Σ(t³−t) over ties of t values. */
function rank(first: readonly number[], second: readonly number[]): { rankSum: number; ties: number } {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ].toSorted((a, b) => a.value - b.value);
  let [rankSum, ties] = [0, 0];
  for (let start = 0; start < all.length;) {
    let end = start + 1;
    while (end < all.length && all[end]?.value === all[start]?.value) end++;
    const count = end - start;
    const average = (start + 1 + end) / 2;
    for (let at = start; at < end; at++) if (all[at]?.isFirst === true) rankSum += average;
    ties += count ** 3 - count;
    start = end;
  }
  return { rankSum, ties };
}

function normalTails(u: number, n: number, m: number, ties: number): [number, number] {
  const total = n + m;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  // All values are equal: nothing speaks against one distribution.
  if (!(deviation > 0)) return [1, 1];
  const distance = u - (n * m) / 2;
  return [
    Math.min(1, normalUpperTail((distance - 0.5) / deviation)),
    Math.min(1, normalUpperTail((-distance - 0.5) / deviation)),
  ];
}

function exactTails(u: number, n: number, m: number): [number, number] {
  const probabilities = distributionOfU(n, m);
  const sum = (from: number, to: number): number =>
    probabilities.slice(Math.max(from, 0), to + 1).reduce((all, one) => all + one, 0);
  return [Math.min(1, sum(Math.ceil(u), n * m)), Math.min(1, sum(0, Math.floor(u)))];
}

const known = new Map<string, readonly number[]>();

/**
 * P(U = k) for k from 0 to n·m, by the largest value: with probability n/(n+m) it is one of the first sample and beats
 * all m of the other. Only sums of positive numbers, so that small tails keep their digits.
 */
function distributionOfU(n: number, m: number): readonly number[] {
  const key = `${n} ${m}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  // `row[j]` is the distribution for i values against j.
  let row: number[][] = Array.from({ length: m + 1 }, () => [1]);
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]];
    for (let j = 1; j <= m; j++) {
      const [fewer = [], other = []] = [row[j], next[j - 1]];
      next.push(
        Array.from(
          { length: i * j + 1 },
          (_, k) => (i * (fewer[k - j] ?? 0) + j * (other[k] ?? 0)) / (i + j),
        ),
      );
    }
    row = next;
  }
  const distribution = row[m] ?? [1];
  known.set(key, distribution);
  return distribution;
}
