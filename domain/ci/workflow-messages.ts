/** The contract with workflows: their types, ids and inputs. Inputs carry ids only; the rows are in Postgres. */

import type { Architecture } from './architecture.ts';
import type { Outcome } from './outcome.ts';
import type { StepKind } from './step-state.ts';

export type WorkflowType =
  | 'projectWorkflow'
  | 'evaluationWorkflow'
  | 'dispatchWorkflow'
  | 'stepWorkflow'
  | 'gpuTestWorkflow'
  | 'triggerWorkflow';

/** What Temporal's UI can be searched for, all keywords. SQL visibility allows ten of them in a namespace. */
export const SEARCH_ATTRIBUTES = [
  'NixProject',
  'NixEvaluation',
  'NixStepKind',
  'NixPool',
  'NixGpuArch',
] as const;

export const SIGNALS = {
  /** To a project: `TriggerMessage`. */
  trigger: 'trigger',
  /** To an evaluation: jobs were stored and can be planned. */
  batchStored: 'batchStored',
  /** To an evaluation: it has ended evaluating, and none of its steps is open. */
  stepsDrained: 'stepsDrained',
  /** To an evaluation: it was cancelled in Postgres; wind up. */
  cancelled: 'cancelled',
  /** To a dispatcher: a step became ready or a slot free. */
  wake: 'wake',
} as const;

/** Times that tests shorten, in seconds; part of each input, since workflow code reads no configuration. */
export interface Timing {
  /** Silence after which a builder's activity is given up. */
  readonly heartbeatSeconds: number;
  /** How long a detached build waits for its own builder before any other takes the step. */
  readonly resumeSeconds: number;
  /** First delay between attempts of one step is multiplied by this: 1, less in tests. */
  readonly retryDelayFactor: number;
  /** How often a waiting workflow looks by itself, in case a signal was lost. */
  readonly pollSeconds: number;
}

export interface StepInput {
  readonly stepId: number;
  readonly kind: StepKind;
  readonly drvHash: string;
  readonly name: string;
  readonly architecture: Architecture | null;
  /** 0, or the evaluation that an aggregate's step belongs to. */
  readonly scope: number;
  readonly generation: number;
  readonly pool: string;
  readonly priority: number;
  /** Fairness between jobsets in Temporal's own queue. */
  readonly fairnessKey: string;
  /** Where an attempt already runs: after the loss of Temporal's database the step goes back to it. */
  readonly resume: { readonly attempt: number; readonly builder: string } | null;
  readonly timing: Timing;
}

export interface EvaluationInput {
  readonly evaluationId: number;
  readonly phase: 'evaluate' | 'build';
  /** The task queue of evaluators. */
  readonly queue: string;
  readonly timing: Timing;
}

export interface DispatchInput {
  readonly pool: string;
  readonly timing: Timing;
}

export interface PendingTriggers {
  readonly triggerIds: readonly number[];
  readonly dueAt: number;
}

export interface ProjectInput {
  readonly slug: string;
  readonly queue: string;
  /** By jobset id; carried over continue-as-new. */
  readonly pending: Readonly<Record<string, PendingTriggers>>;
  readonly timing: Timing;
}

export interface TriggerMessage {
  readonly jobsetId: number;
  readonly triggerId: number;
  readonly debounceSeconds: number;
}

export interface TriggerInput {
  readonly jobsetId: number;
}

/** What a builder reports of an attempt. A package that failed is a value; only infrastructure throws. */
export type AttemptReport =
  | {
      readonly kind: 'ended';
      readonly outcome: Outcome;
      readonly builder: string;
      /** At most 1 KB: Nix's message, or what was found. The log is in the server. */
      readonly message?: string;
      readonly exitCode?: number;
      readonly nixExit?: number;
    }
  /** Inputs that are neither here nor in a cache: the steps that made them run again, and this one waits for them. */
  | { readonly kind: 'inputs-missing'; readonly builder: string; readonly paths: readonly string[] }
  /** The step was ended or replaced meanwhile: nothing was done, nothing is recorded. */
  | { readonly kind: 'obsolete' };

export interface StepEnding {
  readonly stepId: number;
  readonly generation: number;
  readonly attempt: number;
  readonly report: AttemptReport;
  /** Why no further attempt follows, where that needs saying. */
  readonly reason?: string;
}

export function stepWorkflowId(step: {
  readonly drvHash: string;
  readonly architecture: string | null;
  readonly scope: number;
  readonly generation: number;
}): string {
  const generation = step.scope === 0 ? `${step.generation}` : `evaluation-${step.scope}-${step.generation}`;
  return step.architecture === null
    ? `step/${step.drvHash}/${generation}`
    : `gputest/${step.drvHash}/${step.architecture}/${generation}`;
}

export function evaluationWorkflowId(project: string, jobset: string, number: number): string {
  return `evaluation/${project}/${jobset}/${number}`;
}

export function dispatchWorkflowId(pool: string): string {
  return `dispatch/${pool}`;
}

export function projectWorkflowId(slug: string): string {
  return `project/${slug}`;
}

export function scheduleId(project: string, jobset: string): string {
  return `schedule/${project}/${jobset}`;
}
