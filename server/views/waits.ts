/** Why a step waits, in a sentence. */

import type { Database } from '../../db/database.ts';
import { findWaits, type StepWait } from '../../db/views/waits.ts';

/** The first reason among these steps, `null` when none of them waits. */
export async function describeWait(db: Database, stepIds: readonly number[]): Promise<string | null> {
  const waits = await findWaits(db, stepIds);
  return waits.map(sentenceOf).find((sentence) => sentence !== undefined) ?? null;
}

export function sentenceOf(wait: StepWait): string | undefined {
  switch (wait.state) {
    case 'done':
      return undefined;
    case 'running':
      return `runs on ${wait.builder ?? 'a builder'}`;
    case 'dispatched':
      return `waits for a free slot of ${wait.pool}`;
    case 'waiting':
      return wait.blockedBy === null
        ? `waits for ${wait.unmet} inputs`
        : `waits for ${wait.blockedBy}${wait.unmet > 1 ? ` and ${wait.unmet - 1} more` : ''}${rootSentence(wait)}`;
    case 'ready':
      return wait.served
        ? `waits for a free slot of ${wait.pool}: ${wait.ahead} steps go before it`
        : unserved(wait.pool, wait.lastSeenAt);
  }
}

/** The root of a wait that goes through several steps: what nobody can run. */
function rootSentence({ rootPool, rootName, rootLastSeenAt }: StepWait): string {
  return rootPool === null ? '' : `; ${rootName ?? 'an input'} ${unserved(rootPool, rootLastSeenAt)}`;
}

function unserved(pool: string, lastSeenAt: string | null): string {
  const seen =
    lastSeenAt === null
      ? 'no such builder has ever been seen'
      : `no such builder has been seen since ${lastSeenAt}`;
  return `needs ${needOf(pool)}; ${seen}`;
}

/** `gpu.sm_90` → "cuda on sm_90". */
function needOf(pool: string): string {
  if (pool === 'gpu.any') return 'cuda on any GPU';
  if (pool.startsWith('gpu.')) return `cuda on ${pool.slice('gpu.'.length)}`;
  const [, system, features] = pool.split('.');
  return features === 'std'
    ? `a builder for ${system}`
    : `a builder for ${system} with ${features?.replaceAll('+', ', ')}`;
}
