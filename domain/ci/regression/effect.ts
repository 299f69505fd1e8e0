/** How large a difference is, beside how sure. */

import { median } from './distribution.ts';

/**
 * Cliff's delta: how much more often the first sample's value is larger than smaller, from −1 to 1; 0 for no
 * difference. It is the rank-biserial correlation of Mann–Whitney's `u`.
 */
export function cliffsDelta(u: number, n: number, m: number): number {
  return (2 * u) / (n * m) - 1;
}

/** The median of all differences between a value of the first sample and one of the second. Source: Hodges and Lehmann 1963. */
export function hodgesLehmann(first: readonly number[], second: readonly number[]): number {
  return median(first.flatMap((a) => second.map((b) => a - b)));
}

/** The Hodges–Lehmann estimate of how many times the first sample's values are the second's; all must be positive. */
export function medianRatio(first: readonly number[], second: readonly number[]): number {
  return Math.exp(
    hodgesLehmann(
      first.map((value) => Math.log(value)),
      second.map((value) => Math.log(value)),
    ),
  );
}

/** Holm's correction of several p-values: each as if it had been the only one asked for. Source: Holm 1979. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, index) => ({ p, index })).toSorted((a, b) => a.p - b.p);
  const corrected = Array.from(pValues, () => 1);
  let largest = 0;
  order.forEach(({ p, index }, place) => {
    largest = Math.max(largest, Math.min(1, p * (order.length - place)));
    corrected[index] = largest;
  });
  return corrected;
}
