/** How a step or a job ended, and Hydra's number for it (Hydra's `BuildStatus`, kept so that its users can compare). */

/** Every ending of a step, in the order in which a job that has several steps reports them: the first that applies wins. */
export const OUTCOMES = [
  'failed',
  'hash-mismatch',
  'failed-with-output',
  'not-deterministic',
  'timed-out',
  'silent-timed-out',
  'log-limit',
  'output-limit',
  'unsupported',
  'aborted',
  'dependency-failed',
  'cancelled',
  'not-run',
  'built',
  'substituted',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

const HYDRA_STATUS: Record<Outcome, number | null> = {
  built: 0,
  substituted: 0,
  failed: 1,
  'hash-mismatch': 1,
  'dependency-failed': 2,
  aborted: 3,
  cancelled: 4,
  'failed-with-output': 6,
  'timed-out': 7,
  'silent-timed-out': 7,
  unsupported: 9,
  'log-limit': 10,
  'output-limit': 11,
  'not-deterministic': 12,
  'not-run': null,
};

export function isOutcome(text: string): text is Outcome {
  return (OUTCOMES as readonly string[]).includes(text);
}

/** Hydra's status number; `null` for what Hydra has no word for (not run). */
export function hydraStatus(outcome: Outcome): number | null {
  return HYDRA_STATUS[outcome];
}

export function isSuccess(outcome: Outcome): boolean {
  return outcome === 'built' || outcome === 'substituted';
}

/** Whether an ending counts as a failure of the evaluation: not a success, and not merely *not run*. */
export function isFailure(outcome: Outcome): boolean {
  return !isSuccess(outcome) && outcome !== 'not-run';
}

/**
 * Whether building the same derivation again would end the same way, so that the ending may be reused for a while.
 * A timeout depends on the machine's load, an abort and a cancellation say nothing of the derivation.
 */
export function isDeterministicFailure(outcome: Outcome): boolean {
  switch (outcome) {
    case 'failed':
    case 'hash-mismatch':
    case 'failed-with-output':
    case 'log-limit':
    case 'output-limit':
    case 'not-deterministic':
      return true;
    case 'built':
    case 'substituted':
    case 'dependency-failed':
    case 'aborted':
    case 'cancelled':
    case 'timed-out':
    case 'silent-timed-out':
    case 'unsupported':
    case 'not-run':
      return false;
  }
}

/**
 * The outcome of a job from those of its steps (a GPU check has one step per architecture).
 * `undefined` while any step is unfinished. A job without steps was available already: substituted.
 */
export function jobOutcome(stepOutcomes: readonly (Outcome | undefined)[]): Outcome | undefined {
  if (stepOutcomes.length === 0) return 'substituted';
  if (stepOutcomes.includes(undefined)) return undefined;
  return OUTCOMES.find((outcome) => stepOutcomes.includes(outcome));
}
