/** Logs with the verdict that a person gave them, and how well the classifier agrees. */

import { classify } from '../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../domain/ci/classification/evidence.ts';
import type { Verdict } from '../../domain/ci/classification/verdict.ts';
import { familyOf } from './subclass-families.ts';

export interface Labelled {
  readonly id: string;
  readonly class: string;
  readonly subclass: string;
  readonly source: string;
  readonly log: string;
}

export interface Judged<T extends Labelled = Labelled> {
  readonly row: T;
  readonly verdict: Verdict;
  readonly isClass: boolean;
  readonly isSubclass: boolean;
  /** Class and family of the subclass (`subclass-families.ts`). */
  readonly isFamily: boolean;
}

/** Classifies a row by its log alone, unless evidence is given. */
export function judgeRow<T extends Labelled>(row: T, evidence: Evidence = {}): Judged<T> {
  const verdict = classify(evidence, row.log);
  const isClass = verdict.class === row.class;
  return {
    row,
    verdict,
    isClass,
    isSubclass: isClass && verdict.subclass === row.subclass,
    isFamily: isClass && familyOf(verdict.subclass) === familyOf(row.subclass),
  };
}

/** Which half a row is in depends on its source alone (FNV-1a), so that whole threads stand on one side and no one can choose. */
export function halfOf({ source }: Labelled): 'tuned' | 'reported' {
  let hash = 0x811c9dc5;
  for (const character of source) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash % 2 === 0 ? 'tuned' : 'reported';
}

/** Share of rows, 1 for none at all. */
export function shareOf(rows: readonly Judged[], of: (row: Judged) => boolean): number {
  return rows.length === 0 ? 1 : rows.filter(of).length / rows.length;
}

/** Harmless logs that were given a fault: the worst mistake, for people stop reading after some of them. */
export function falseAlarms(rows: readonly Judged[]): Judged[] {
  return rows.filter(
    ({ row, verdict }) =>
      row.class === 'none' && verdict.class !== 'none' && verdict.class !== 'insufficient-evidence',
  );
}

export interface Band {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean confidence. */
  readonly predicted: number;
  /** Share of right classes. */
  readonly measured: number;
}

const BANDS = [0, 0.6, 0.75, 0.85, 0.92, 0.96, 1] as const;

/** Predicted against measured, in bands of confidence that hold any row. */
export function calibration(rows: readonly Judged[]): Band[] {
  return BANDS.slice(1).flatMap((high, index) => {
    const low = BANDS[index] ?? 0;
    const band = rows.filter(
      ({ verdict: { confidence } }) => confidence >= low && (confidence < high || high === 1),
    );
    if (band.length === 0) return [];
    const predicted = band.reduce((sum, { verdict }) => sum + verdict.confidence, 0) / band.length;
    return [{ low, high, count: band.length, predicted, measured: shareOf(band, ({ isClass }) => isClass) }];
  });
}
