/**
 * A series of evaluations, each compared with the pinned baseline: what one evaluation is too noisy to show, several
 * in a row do. A one-sided CUSUM over slowdowns. Source: Page 1954; Montgomery, "Statistical Quality Control", ch. 9.
 */

import { DEVIATION_OF_MAD, median, medianAbsoluteDeviation } from './distribution.ts';
import type { PerformanceLimits, PerformanceResult } from './performance.ts';
import { DEFAULT_LIMITS } from './performance.ts';

export interface WatchState {
  /** Slowdowns since the last alarm or accepted baseline, without evaluations that said nothing. */
  readonly slowdowns: readonly number[];
  readonly sum: number;
  /** Evaluations since the sum was last zero. */
  readonly length: number;
}

export const NEW_WATCH: WatchState = { slowdowns: [], sum: 0, length: 0 };

export interface WatchStep {
  readonly state: WatchState;
  /** `at-once` by this evaluation alone, `gradual` by several in a row. */
  readonly alarm: 'at-once' | 'gradual' | null;
  /** The slowdown that is reported: of this evaluation, or the median since the sum began to grow. */
  readonly slowdown: number | null;
}

/** In standard deviations of a slowdown: half of the change looked for, and the sum at which it is one. */
const ALLOWANCE = 1;
const LIMIT = 4.5;
/** The history that tells how much evaluations differ beside the noise within each. */
const HISTORY = 30;
const LEAST_HISTORY = 8;

/** Takes one evaluation's result. @returns the state for the next, and whether to raise an alarm. */
export function watchSlowdown(
  state: WatchState,
  result: PerformanceResult,
  limits: PerformanceLimits = DEFAULT_LIMITS,
): WatchStep {
  const { slowdown, uncertainty, verdict, threshold } = result;
  if (slowdown === null || uncertainty === null) return { state, alarm: null, slowdown: null };
  if (verdict === 'regression') return { state: NEW_WATCH, alarm: 'at-once', slowdown };
  const slowdowns = [...state.slowdowns, slowdown].slice(-HISTORY);
  const scale = Math.max(uncertainty, spreadOf(state.slowdowns), LEAST_SCALE);
  const sum = Math.max(0, state.sum + slowdown / scale - ALLOWANCE);
  const length = sum === 0 ? 0 : state.length + 1;
  const since = length === 0 ? 0 : median(slowdowns.slice(-length));
  if (sum > LIMIT && length >= 2 && since >= Math.max(limits.leastEffect, threshold * SEVERAL))
    return { state: NEW_WATCH, alarm: 'gradual', slowdown: since };
  return { state: { slowdowns, sum, length }, alarm: null, slowdown: null };
}

/** No measurement is surer than this, whatever a few equal values suggest. */
const LEAST_SCALE = 0.002;
/** Several evaluations agree: their median need not exceed what one alone must. */
const SEVERAL = 0.5;

function spreadOf(slowdowns: readonly number[]): number {
  return slowdowns.length < LEAST_HISTORY ? 0 : DEVIATION_OF_MAD * medianAbsoluteDeviation(slowdowns);
}
