/** Verdicts over a history of measurements: each series by itself, evaluation after evaluation. */

import { type ChangePoint, findChangePoints } from './change-points.ts';
import { median } from './distribution.ts';
import {
  comparePerformance,
  DEFAULT_LIMITS,
  type PerformanceLimits,
  type PerformanceResult,
} from './performance.ts';
import { type Sample, siftSamples } from './samples.ts';
import {
  DEFAULT_SIZE_LIMITS,
  judgeSize,
  type MeasuredSize,
  type SizeLimits,
  type SizeResult,
} from './size.ts';
import { NEW_WATCH, watchSlowdown } from './watch.ts';

export interface SizeRecord {
  readonly evaluation: number;
  readonly closureBytes?: number;
  readonly narBytes?: number;
  readonly capabilities?: readonly string[];
  readonly accepted?: string;
}

export interface JudgedSize {
  readonly evaluation: number;
  readonly closure: SizeResult | null;
  readonly nar: SizeResult | null;
  /** Why a person took this size as the baseline of what follows. */
  readonly accepted: string | null;
}

/** Compares each evaluation with the one before; an accepted size is fine by definition, and the next baseline. */
export function judgeSizes(
  records: readonly SizeRecord[],
  limits: SizeLimits = DEFAULT_SIZE_LIMITS,
): JudgedSize[] {
  const sorted = records.toSorted((a, b) => a.evaluation - b.evaluation);
  const before: { closure?: MeasuredSize; nar?: MeasuredSize } = {};
  return sorted.map(({ evaluation, closureBytes, narBytes, capabilities, accepted }) => {
    const judge = (kind: 'closure' | 'nar', bytes: number | undefined): SizeResult | null => {
      if (bytes === undefined) return null;
      const now = { bytes, ...(capabilities !== undefined && { capabilities }) };
      const result = judgeSize(before[kind], now, limits);
      // What is red stays the thing to compare with until somebody accepts it: red does not fade by itself.
      if (accepted !== undefined || (result.verdict !== 'red' && result.verdict !== 'amber'))
        before[kind] = now;
      return accepted === undefined
        ? result
        : { ...result, verdict: 'fine', reason: `accepted: ${accepted}` };
    };
    return {
      evaluation,
      closure: judge('closure', closureBytes),
      nar: judge('nar', narBytes),
      accepted: accepted ?? null,
    };
  });
}

export interface SampleRecord extends Sample {
  readonly evaluation: number;
  readonly side: 'baseline' | 'candidate';
  readonly better: 'lower' | 'higher';
  /** What values may be compared across evaluations: those of one GPU model and driver. */
  readonly gpu?: string;
  readonly driver?: string;
}

export interface JudgedEvaluation {
  readonly evaluation: number;
  readonly environment: string;
  readonly result: PerformanceResult;
  readonly alarm: 'at-once' | 'gradual' | null;
}

/** A change of the candidate's median over evaluations. */
export interface HistoryChange extends Omit<ChangePoint, 'index'> {
  readonly evaluation: number;
  /** `driver-change` where the GPU or driver is another one from here on; `environment` where the baseline changed alike. */
  readonly cause: 'code' | 'environment' | 'driver-change';
}

export interface JudgedSeries {
  readonly evaluations: readonly JudgedEvaluation[];
  readonly changes: readonly HistoryChange[];
}

/** Judges all evaluations of one series in order: with a baseline in between by comparison, and all by their history. */
export function judgeSeries(
  records: readonly SampleRecord[],
  limits: PerformanceLimits = DEFAULT_LIMITS,
): JudgedSeries {
  const byEvaluation = [...Map.groupBy(records, ({ evaluation }) => evaluation)].toSorted(
    ([a], [b]) => a - b,
  );
  let state = NEW_WATCH;
  const evaluations: JudgedEvaluation[] = [];
  const history: HistoryValue[] = [];
  for (const [evaluation, samples] of byEvaluation) {
    const environment = [
      ...new Set(samples.map(({ gpu, driver }) => `${gpu ?? ''} ${driver ?? ''}`.trim())),
    ].join(', ');
    const [baseline, candidate] = (['baseline', 'candidate'] as const).map((side) =>
      samples.filter((sample) => sample.side === side),
    ) as [SampleRecord[], SampleRecord[]];
    if (baseline.length > 0) {
      const result = comparePerformance(
        { baseline, candidate, better: samples[0]?.better ?? 'lower' },
        limits,
      );
      const step = watchSlowdown(state, result, limits);
      state = step.state;
      evaluations.push({ evaluation, environment, result, alarm: step.alarm });
    }
    const value = median(siftSamples(candidate).values);
    if (Number.isFinite(value))
      history.push({ evaluation, environment, value, baseline: median(siftSamples(baseline).values) });
  }
  return { evaluations, changes: findChanges(history, limits.leastEffect) };
}

interface HistoryValue {
  readonly evaluation: number;
  readonly environment: string;
  readonly value: number;
  /** `NaN` where there was none. */
  readonly baseline: number;
}

/** Changes within each stretch of one environment; where one ends, the driver is the cause of any change of level. */
function findChanges(history: readonly HistoryValue[], leastEffect: number): HistoryChange[] {
  const changes: HistoryChange[] = [];
  for (let start = 0; start < history.length;) {
    let end = start + 1;
    while (end < history.length && history[end]?.environment === history[start]?.environment) end++;
    const stretch = history.slice(start, end);
    const previous = history[start - 1];
    if (previous !== undefined) {
      const before = median(stretchBefore(history, start).map(({ value }) => value));
      const after = median(stretch.map(({ value }) => value));
      const change = after / before - 1;
      if (Math.abs(change) >= leastEffect)
        changes.push({
          evaluation: stretch[0]?.evaluation ?? 0,
          before,
          after,
          change,
          p: 1,
          cause: 'driver-change',
        });
    }
    for (const { index, ...point } of findChangePoints(stretch.map(({ value }) => value))) {
      if (Math.abs(point.change) < leastEffect) continue;
      const ofBaseline =
        median(stretch.slice(index).map(({ baseline }) => baseline)) /
          median(stretch.slice(0, index).map(({ baseline }) => baseline)) -
        1;
      // The pinned closure did not change: where it shows half of the change, the machine did.
      const isShared = Number.isFinite(ofBaseline) && ofBaseline / point.change >= 0.5;
      changes.push({
        evaluation: stretch[index]?.evaluation ?? 0,
        ...point,
        cause: isShared ? 'environment' : 'code',
      });
    }
    start = end;
  }
  return changes;
}

function stretchBefore(history: readonly HistoryValue[], end: number): HistoryValue[] {
  let start = end - 1;
  while (start > 0 && history[start - 1]?.environment === history[end - 1]?.environment) start--;
  return history.slice(start, end);
}
