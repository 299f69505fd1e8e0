/** Where an unfinished step is. How it ended is its outcome (`outcome.ts`). */

/**
 * - `waiting`: an input is not there yet
 * - `ready`: all inputs are there; waits for a slot of its pool
 * - `dispatched`: a workflow was asked for
 * - `running`: a builder has begun an attempt
 * - `done`: ended, with an outcome
 */
export const STEP_STATES = ['waiting', 'ready', 'dispatched', 'running', 'done'] as const;

export type StepState = (typeof STEP_STATES)[number];

export type StepKind = 'build' | 'gpu-test';
