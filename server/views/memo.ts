/** What was counted of finished evaluations, kept while their rows do not change. */

import type { Comparison } from '../../db/views/pages-changes.ts';
import type { EvaluationVersion } from '../../db/views/pages-evaluations.ts';

/** Steps that a cancelled evaluation shares with others may still end, which its row does not tell. */
const CANCELLED_KEPT_MS = 60_000;

export interface VersionMemo<T> {
  /** What is known of these versions, or what `count` finds out. An unfinished evaluation is counted each time. */
  get(version: EvaluationVersion, against: Comparison | undefined, count: () => Promise<T>): Promise<T>;
}

/**
 * Remembers up to `limit` answers, the oldest is forgotten first.
 * A finished evaluation's row is written by a late result and by a retry, in the transaction that changes its jobs:
 * the version of the row therefore stands for all that is derived from them.
 */
export function createVersionMemo<T>(limit: number, now: () => number): VersionMemo<T> {
  const known = new Map<string, { readonly answer: Promise<T>; readonly expiresAt: number }>();
  return {
    get: (version, against, count) => {
      if (version.state !== 'finished') return count();
      const key = [version.id, version.version, against?.id, against?.version].join(':');
      const before = known.get(key);
      if (before !== undefined && before.expiresAt > now()) return before.answer;
      const oldest = known.keys().next();
      if (known.size >= limit && oldest.done !== true) known.delete(oldest.value);
      // Those who ask while it is counted wait for the same answer.
      const answer = count();
      const expiresAt = version.outcome === 'finished' ? Number.POSITIVE_INFINITY : now() + CANCELLED_KEPT_MS;
      known.set(key, { answer, expiresAt });
      // oxlint-disable-next-line promise/prefer-await-to-then -- the caller awaits the answer, and sees its error
      answer.catch(() => known.delete(key));
      return answer;
    },
  };
}
