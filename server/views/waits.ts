/** Why a step waits, in a sentence. */

import type { Database } from '../../db/database.ts';
import { findWaits, type StepWait, type Unserved } from '../../db/views/waits.ts';

/** The first reason among these steps, `null` when none of them waits. */
export async function describeWait(db: Database, stepIds: readonly number[]): Promise<string | null> {
  const [first] = (await describeWaits(db, stepIds)).values();
  return first ?? null;
}

/** What each of these steps waits for; those that do not wait are left out. */
export async function describeWaits(db: Database, stepIds: readonly number[]): Promise<Map<number, string>> {
  const sentences = new Map<number, string>();
  for (const wait of await findWaits(db, stepIds)) {
    const sentence = sentenceOf(wait);
    if (sentence !== undefined) sentences.set(wait.stepId, sentence);
  }
  return sentences;
}

function sentenceOf(wait: StepWait): string | undefined {
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
      return wait.unserved === null
        ? `waits for a free slot of ${wait.pool}: ${wait.ahead} steps go before it`
        : needs(wait.unserved);
  }
}

/** The root of a wait that goes through several steps: what nobody can run. */
function rootSentence({ root }: StepWait): string {
  return root === null ? '' : `; ${root.name} ${needs(root)}`;
}

function needs({ pool, drained, lastSeenAt }: Unserved): string {
  return `needs ${needOf(pool)}; ${absence(drained, lastSeenAt)}`;
}

function absence(drained: Unserved['drained'], lastSeenAt: string | null): string {
  if (drained !== null) {
    const { name, reason } = drained;
    return `${name} is drained${reason === null ? '' : `: ${reason}`}`;
  }
  return lastSeenAt === null
    ? 'no such builder has ever been seen'
    : `no such builder has been seen since ${lastSeenAt}`;
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
