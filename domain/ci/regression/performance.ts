/** Whether a build is slower than a pinned baseline that was measured in between on the same GPU (reference/cuda.md §6.4). */

import { DEVIATION_OF_MAD, median, medianAbsoluteDeviation } from './distribution.ts';
import { cliffsDelta, medianRatio } from './effect.ts';
import { mannWhitney } from './mann-whitney.ts';
import { type Sample, siftSamples } from './samples.ts';

/** Samples of one evaluation on one GPU, in the order measured; warm-up is left out by whoever measures. */
export interface Comparison {
  readonly baseline: readonly Sample[];
  readonly candidate: readonly Sample[];
  /** `lower` for seconds, `higher` for throughput. */
  readonly better: 'lower' | 'higher';
}

export interface PerformanceLimits {
  /** Good samples of each side. */
  readonly leastSamples: number;
  /** A change below this is never called one. */
  readonly leastEffect: number;
  /** The largest p-value of one evaluation's test, one-sided. */
  readonly significance: number;
  /** The share of rejected samples above which nothing is said. */
  readonly mostRejected: number;
}

/** The policy of reference/cuda.md §6.4; the significance is what keeps false alarms below one in 1,000. */
export const DEFAULT_LIMITS: PerformanceLimits = {
  leastSamples: 10,
  leastEffect: 0.03,
  significance: 0.0005,
  mostRejected: 0.5,
};

export type PerformanceVerdict =
  | 'regression'
  | 'improvement'
  | 'same'
  | 'too-few-samples'
  | 'measurement-throttled';

export interface PerformanceResult {
  readonly verdict: PerformanceVerdict;
  /** Good samples of each side. */
  readonly samples: { readonly baseline: number; readonly candidate: number };
  readonly rejected: Readonly<Record<string, number>>;
  readonly medians: { readonly baseline: number; readonly candidate: number } | null;
  /** By how much the candidate is slower: 0.05 takes 5 % longer; negative where it is faster. Hodges–Lehmann. */
  readonly slowdown: number | null;
  /** Cliff's delta, above zero where the candidate tends to be slower. */
  readonly delta: number | null;
  /** One-sided, of the candidate being slower. */
  readonly p: number | null;
  /** What a change must exceed here: three times the uncertainty of the baseline's median, the least effect at least. */
  readonly threshold: number;
  /** The uncertainty of `slowdown`, as a standard deviation. */
  readonly uncertainty: number | null;
}

/** Judges one evaluation by itself. @throws RangeError where limits are out of range. */
export function comparePerformance(
  comparison: Comparison,
  limits: PerformanceLimits = DEFAULT_LIMITS,
): PerformanceResult {
  const [baseline, candidate] = [siftSamples(comparison.baseline), siftSamples(comparison.candidate)];
  const rejected = sumCounts(baseline.rejected, candidate.rejected);
  const given = comparison.baseline.length + comparison.candidate.length;
  const bad = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const samples = { baseline: baseline.values.length, candidate: candidate.values.length };
  if (
    Math.min(samples.baseline, samples.candidate) < limits.leastSamples ||
    bad > limits.mostRejected * given
  ) {
    // Where there would have been enough without them, the rejected ones are why nothing can be said.
    const least = Math.min(comparison.baseline.length, comparison.candidate.length);
    const verdict = bad > 0 && least >= limits.leastSamples ? 'measurement-throttled' : 'too-few-samples';
    return {
      verdict,
      samples,
      rejected,
      medians: null,
      slowdown: null,
      delta: null,
      p: null,
      threshold: limits.leastEffect,
      uncertainty: null,
    };
  }
  return judge(baseline.values, candidate.values, comparison.better, { samples, rejected, limits });
}

function judge(
  baseline: readonly number[],
  candidate: readonly number[],
  better: Comparison['better'],
  {
    samples,
    rejected,
    limits,
  }: Pick<PerformanceResult, 'samples' | 'rejected'> & { limits: PerformanceLimits },
): PerformanceResult {
  // The larger of two times is the slower, of two throughputs the faster: from here on larger is slower.
  const [slow, fast] = better === 'lower' ? [candidate, baseline] : [baseline, candidate];
  const test = mannWhitney(slow, fast);
  const slowdown = medianRatio(slow, fast) - 1;
  const deviations = [slow, fast].map((values) => relativeDeviation(values) / Math.sqrt(values.length));
  const ofBaseline = deviations[better === 'lower' ? 1 : 0] ?? 0;
  const threshold = Math.max(limits.leastEffect, 3 * (ofBaseline / DEVIATION_OF_MAD));
  const verdict =
    test.greater < limits.significance && slowdown >= threshold
      ? 'regression'
      : test.less < limits.significance && -slowdown >= threshold
        ? 'improvement'
        : 'same';
  return {
    verdict,
    samples,
    rejected,
    medians: { baseline: median(baseline), candidate: median(candidate) },
    slowdown,
    delta: cliffsDelta(test.u, slow.length, fast.length),
    p: test.greater,
    threshold,
    uncertainty: Math.hypot(...deviations) * EFFICIENCY,
  };
}

/** Standard deviation of the values' logarithms, by their median absolute deviation: outliers do not count. */
function relativeDeviation(values: readonly number[]): number {
  return DEVIATION_OF_MAD * medianAbsoluteDeviation(values.map((value) => Math.log(value)));
}

/** The Hodges–Lehmann estimate of normal values is as sure as a mean of 3/π as many. */
const EFFICIENCY = Math.sqrt(Math.PI / 3);

function sumCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
