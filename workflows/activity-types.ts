/** The activities that workflows call, by who runs them. Implementations are factories in `activities/`. */

import type { AttemptReport, StepEnding, StepInput } from '../domain/ci/workflow-messages.ts';
import type { FailureClass, Retry } from '../domain/ci/classification/taxonomy.ts';

export interface AttemptInput {
  readonly step: StepInput;
  readonly attempt: number;
}

/** On builders. The pairs do the same; their names say in Temporal's UI, and to replays, which of the two was decided. */
export interface BuilderActivities {
  realiseStep(input: AttemptInput): Promise<AttemptReport>;
  resumeStep(input: AttemptInput): Promise<AttemptReport>;
  runGpuTest(input: AttemptInput): Promise<AttemptReport>;
  resumeGpuTest(input: AttemptInput): Promise<AttemptReport>;
}

/** On evaluators. */
export interface EvaluatorActivities {
  /** Stores batches in the server as they come; returns when all is stored. A broken expression is a value. */
  evaluate(input: { evaluationId: number }): Promise<EvaluationReport>;
  /** What a jobset's source is now. */
  resolveSource(input: { jobsetId: number }): Promise<ResolvedSource>;
}

export interface EvaluationReport {
  /** An incomplete evaluation is kept and shown, and never published from. */
  readonly complete: boolean;
  readonly jobs: number;
  readonly errors: number;
  readonly message: string | null;
}

export type ResolvedSource =
  | {
      readonly kind: 'resolved';
      readonly revision: string | null;
      readonly lockedSource: string | null;
      readonly dirty: boolean;
    }
  | { readonly kind: 'failed'; readonly message: string };

/** In the coordinator: the database, and files through the server. */
export interface StepActivities {
  recordStepEnd(ending: StepEnding): Promise<void>;
  /** Inputs vanished: the steps that make them run again, and this one waits. */
  returnStep(ending: StepEnding): Promise<void>;
  classifyAttempt(ending: StepEnding): Promise<AttemptVerdict>;
}

export interface AttemptVerdict {
  readonly class: FailureClass;
  readonly retry: Retry;
}

export interface DispatchActivities {
  dispatchReady(input: { pool: string }): Promise<{ claimed: number }>;
}

export interface EvaluationActivities {
  beginEvaluation(input: {
    evaluationId: number;
  }): Promise<{ alreadyEvaluated: boolean; cancelled: boolean }>;
  planBatch(input: { evaluationId: number }): Promise<{ planned: number }>;
  /** Plans what needs all jobs to be known, and closes the list of jobs. */
  finishPlanning(input: { evaluationId: number; report: EvaluationReport }): Promise<{ drained: boolean }>;
  isDrained(input: { evaluationId: number }): Promise<boolean>;
  classifyEvaluation(input: { evaluationId: number }): Promise<{ findings: number }>;
  publishEvaluation(input: { evaluationId: number; complete: boolean }): Promise<{ pinned: number }>;
  finishEvaluation(input: { evaluationId: number; failure: string | null }): Promise<void>;
}

export interface ProjectActivities {
  /** Opens an evaluation for triggers of one jobset, unless nothing changed. */
  settleTriggers(input: {
    jobsetId: number;
    triggerIds: readonly number[];
    source: ResolvedSource;
  }): Promise<{ evaluationId: number | null }>;
  recordScheduledTrigger(input: { jobsetId: number }): Promise<void>;
}
