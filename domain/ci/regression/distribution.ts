/** The normal distribution, medians and a random generator: what the tests of this folder stand on. */

/**
 * Probability that a standard normal variable is above `z`.
 * Source: W. J. Cody, "Rational Chebyshev approximation for the error function" in the form of Numerical Recipes'
 * `erfccheb` (3rd ed., §6.2.2): relative error below 1.2e-16 in its coefficients, some 1e-15 in sum.
 */
export function normalUpperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 2 / (2 + x);
  const ty = 4 * t - 2;
  let [d, dd] = [0, 0];
  for (let index = COEFFICIENTS.length - 1; index > 0; index--)
    [d, dd] = [ty * d - dd + (COEFFICIENTS[index] ?? 0), d];
  const erfc = t * Math.exp(-x * x + 0.5 * ((COEFFICIENTS[0] ?? 0) + ty * d) - dd);
  return z >= 0 ? erfc / 2 : 1 - erfc / 2;
}

const COEFFICIENTS = [
  -1.3026537197817094, 6.419697923564903e-1, 1.9476473204185836e-2, -9.561514786808631e-3,
  -9.46595344482036e-4, 3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6,
  1.30365583558e-6, 1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9, 5.059343495e-9, -9.91364156e-10,
  -2.27365122e-10, 9.6467911e-11, 2.394038e-12, -6.886027e-12, 8.94487e-13, 3.13092e-13, -1.12708e-13,
  3.81e-16, 7.106e-15, -1.523e-15, -9.4e-17, 1.21e-16, -2.8e-17,
] as const;

/** `NaN` of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median distance from the median; not scaled to a standard deviation. */
export function medianAbsoluteDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/** By how much a normal distribution's standard deviation exceeds its median absolute deviation: 1 / Φ⁻¹(3/4). */
export const DEVIATION_OF_MAD = 1.4826;

/** Numbers from 0 on, below 1, the same for the same seed (mulberry32): a verdict must not depend on chance. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
