/** What follows an attempt: the ending of the step, or another try. A pure function, so that every retry can be explained. */

import type { FailureClass, Retry } from './classification/taxonomy.ts';
import { isSuccess, type Outcome } from './outcome.ts';

/** Attempts of one step in all, whatever the reasons (DESIGN §6). */
export const MAX_ATTEMPTS = 5;
/** A step that has lost this many builders is not given another: it may be what kills them. */
export const MAX_LOST_BUILDERS = 3;

export interface AttemptEnd {
  readonly outcome: Outcome;
  /** The verdict's advice; absent when the attempt needed no verdict. */
  readonly retry?: Retry;
  readonly class?: FailureClass;
}

export interface AttemptHistory {
  /** This attempt's number, from 1. */
  readonly attempt: number;
  readonly buildersLost: number;
  /** Attempts already repeated on a suspicion: a suspected flake is repeated once. */
  readonly suspicions: number;
}

export type NextAttempt =
  | { readonly kind: 'end'; readonly outcome: Outcome; readonly reason?: string }
  | { readonly kind: 'retry'; readonly delaySeconds: number; readonly because: string };

/** Delays follow Hydra's (60·3ⁿ⁻¹ s) divided by six: our builders come back by themselves within seconds. */
const FIRST_DELAY_SECONDS = 10;
const LONGEST_DELAY_SECONDS = 600;

/** Decides what follows an attempt that a builder reported. */
export function nextAttempt(end: AttemptEnd, history: AttemptHistory): NextAttempt {
  if (isSuccess(end.outcome)) return { kind: 'end', outcome: end.outcome };
  if (history.attempt >= MAX_ATTEMPTS) return { kind: 'end', outcome: end.outcome };
  switch (end.outcome) {
    case 'aborted':
      return retry(history, 'the attempt ended by infrastructure, not by the package');
    case 'failed':
    case 'failed-with-output':
    case 'not-deterministic':
      return retryOfFailure(end, history);
    default:
      return { kind: 'end', outcome: end.outcome };
  }
}

/** Decides what follows an attempt whose builder vanished. */
export function afterLostBuilder(history: AttemptHistory): NextAttempt {
  if (history.buildersLost >= MAX_LOST_BUILDERS)
    return {
      kind: 'end',
      outcome: 'aborted',
      reason: `poisoned: ${history.buildersLost} builders were lost while they ran it`,
    };
  if (history.attempt >= MAX_ATTEMPTS)
    return { kind: 'end', outcome: 'aborted', reason: `${MAX_ATTEMPTS} attempts` };
  return retry(history, 'the builder was lost');
}

function retryOfFailure(
  { outcome, retry: advice, class: verdictClass }: AttemptEnd,
  history: AttemptHistory,
): NextAttempt {
  const once = history.suspicions === 0;
  // Only what the rules put down to the machine is repeated; a package's own failure is an answer.
  const machine = verdictClass === 'infra' || verdictClass === 'gpu-hardware';
  if (machine && once && (advice === 'same' || advice === 'other'))
    return retry(history, `${verdictClass}: once more`);
  return { kind: 'end', outcome };
}

function retry({ attempt }: AttemptHistory, because: string): NextAttempt {
  const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 3 ** (attempt - 1));
  return { kind: 'retry', delaySeconds, because };
}
