/** Tables of the graph of effort (migration 0001) for typed queries. The migrations are the truth; a test compares both. */

import {
  bigint,
  boolean,
  integer,
  jsonb,
  pgTable,
  real,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import type { AttemptGpu } from '../../domain/api/builder.ts';
import type { JobsetConfig, JobsetLimits } from '../../domain/ci/jobset-config.ts';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { StepKind, StepState } from '../../domain/ci/step-state.ts';

export const id = () => bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity().primaryKey();
export const reference = (name: string) => bigint(name, { mode: 'number' });
export const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

export const instanceFacts = pgTable('instance_facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
  recordedAt: time('recorded_at').notNull().defaultNow(),
});

export const projects = pgTable('projects', {
  id: id(),
  slug: text('slug').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const jobsets = pgTable('jobsets', {
  id: id(),
  projectId: reference('project_id').notNull(),
  name: text('name').notNull(),
  config: jsonb('config').$type<JobsetConfig>().notNull(),
  baseFolder: text('base_folder'),
  enabled: boolean('enabled').notNull().default(true),
  lastRevision: text('last_revision'),
  createdAt: time('created_at').notNull().defaultNow(),
  updatedAt: time('updated_at').notNull().defaultNow(),
});

export type EvaluationState =
  | 'queued'
  | 'evaluating'
  | 'building'
  | 'classifying'
  | 'publishing'
  | 'finished';
export type EvaluationOutcome = 'finished' | 'failed' | 'cancelled' | 'superseded';

export const evaluations = pgTable('evaluations', {
  id: id(),
  jobsetId: reference('jobset_id').notNull(),
  number: integer('number').notNull(),
  state: text('state').$type<EvaluationState>().notNull().default('queued'),
  outcome: text('outcome').$type<EvaluationOutcome>(),
  message: text('message'),
  config: jsonb('config').$type<JobsetConfig>().notNull(),
  baseFolder: text('base_folder'),
  fresh: boolean('fresh').notNull().default(false),
  revision: text('revision'),
  lockedSource: text('locked_source'),
  dirty: boolean('dirty').notNull().default(false),
  remaining: integer('remaining').notNull().default(0),
  unplannedBatches: integer('unplanned_batches').notNull().default(0),
  createdAt: time('created_at').notNull().defaultNow(),
  startedAt: time('started_at'),
  evaluatedAt: time('evaluated_at'),
  drainedAt: time('drained_at'),
  finishedAt: time('finished_at'),
  cancelRequestedAt: time('cancel_requested_at'),
  cancelReason: text('cancel_reason'),
});

export const triggers = pgTable('triggers', {
  id: id(),
  jobsetId: reference('jobset_id').notNull(),
  kind: text('kind').$type<'api' | 'cli' | 'schedule' | 'webhook'>().notNull(),
  forced: boolean('forced').notNull().default(false),
  state: text('state')
    .$type<'pending' | 'unchanged' | 'started' | 'merged' | 'failed'>()
    .notNull()
    .default('pending'),
  message: text('message'),
  evaluationId: reference('evaluation_id'),
  receivedAt: time('received_at').notNull().defaultNow(),
  settledAt: time('settled_at'),
});

export const evaluationInputs = pgTable('evaluation_inputs', {
  evaluationId: reference('evaluation_id').notNull(),
  name: text('name').notNull(),
  kind: text('kind').notNull(),
  uri: text('uri').notNull(),
  revision: text('revision'),
});

export const evaluationErrors = pgTable('evaluation_errors', {
  id: id(),
  evaluationId: reference('evaluation_id').notNull(),
  name: text('name').notNull(),
  system: text('system'),
  variant: text('variant'),
  kind: text('kind').$type<'error' | 'refused' | 'aggregate' | 'fatal'>().notNull(),
  message: text('message').notNull(),
});

export const derivations = pgTable('derivations', {
  drvHash: text('drv_hash').primaryKey(),
  drvPath: text('drv_path').notNull(),
  name: text('name').notNull(),
  system: text('system').notNull(),
  fixedOutput: boolean('fixed_output').notNull(),
  features: text('features').array().notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const derivationInputs = pgTable('derivation_inputs', {
  drvHash: text('drv_hash').notNull(),
  inputDrvHash: text('input_drv_hash').notNull(),
  outputNames: text('output_names').array().notNull(),
});

export const outputs = pgTable('outputs', {
  drvHash: text('drv_hash').notNull(),
  name: text('name').notNull(),
  path: text('path').notNull(),
  pathHash: text('path_hash').notNull(),
});

export interface NotScheduled {
  readonly architecture: string;
  readonly reason: string;
}

export const jobs = pgTable('jobs', {
  id: id(),
  evaluationId: reference('evaluation_id').notNull(),
  name: text('name').notNull(),
  attrPath: text('attr_path').array().notNull(),
  system: text('system').notNull(),
  variant: text('variant'),
  drvHash: text('drv_hash').notNull(),
  nixName: text('nix_name').notNull(),
  kind: text('kind').$type<'build' | 'gpu-check' | 'aggregate'>().notNull(),
  meta: jsonb('meta').$type<Record<string, unknown>>().notNull().default({}),
  timeoutSeconds: integer('timeout_seconds'),
  silentTimeoutSeconds: integer('silent_timeout_seconds'),
  planned: boolean('planned').notNull().default(false),
  outcome: text('outcome').$type<Outcome>(),
  notScheduled: jsonb('not_scheduled').$type<NotScheduled[]>().notNull().default([]),
});

export const jobConstituents = pgTable('job_constituents', {
  jobId: reference('job_id').notNull(),
  position: integer('position').notNull(),
  name: text('name').notNull(),
  constituentJobId: reference('constituent_job_id'),
});

/** Limits in force for a step: the largest that any evaluation asked for when the step was planned. */
export type StepLimits = Pick<
  JobsetLimits,
  'timeoutSeconds' | 'silentTimeoutSeconds' | 'logBytes' | 'outputBytes'
>;

export const steps = pgTable('steps', {
  id: id(),
  kind: text('kind').$type<StepKind>().notNull(),
  drvHash: text('drv_hash').notNull(),
  architecture: text('architecture'),
  scope: bigint('scope', { mode: 'number' }).notNull().default(0),
  generation: integer('generation').notNull().default(1),
  current: boolean('current').notNull().default(true),
  pool: text('pool').notNull(),
  state: text('state').$type<StepState>().notNull(),
  outcome: text('outcome').$type<Outcome>(),
  reason: text('reason'),
  unmet: integer('unmet').notNull().default(0),
  height: integer('height').notNull().default(0),
  priority: smallint('priority').notNull().default(3),
  jobsetId: reference('jobset_id'),
  limits: jsonb('limits').$type<StepLimits>().notNull(),
  rootStepId: reference('root_step_id'),
  cancelRequestedAt: time('cancel_requested_at'),
  createdAt: time('created_at').notNull().defaultNow(),
  readyAt: time('ready_at'),
  dispatchedAt: time('dispatched_at'),
  startedAt: time('started_at'),
  endedAt: time('ended_at'),
});

export const stepInputs = pgTable('step_inputs', {
  stepId: reference('step_id').notNull(),
  inputStepId: reference('input_step_id').notNull(),
});

export const wanted = pgTable('wanted', {
  evaluationId: reference('evaluation_id').notNull(),
  stepId: reference('step_id').notNull(),
  state: text('state').$type<'open' | 'ended' | 'not-run' | 'cancelled'>().notNull().default('open'),
});

export const jobSteps = pgTable('job_steps', {
  jobId: reference('job_id').notNull(),
  stepId: reference('step_id').notNull(),
});

export const attempts = pgTable('attempts', {
  id: id(),
  stepId: reference('step_id').notNull(),
  generation: integer('generation').notNull(),
  number: integer('number').notNull(),
  builder: text('builder').notNull(),
  unit: text('unit').notNull(),
  outcome: text('outcome').$type<Outcome>(),
  message: text('message'),
  evidence: jsonb('evidence').$type<Record<string, unknown>>().notNull().default({}),
  gpu: jsonb('gpu').$type<AttemptGpu>(),
  startedAt: time('started_at').notNull().defaultNow(),
  endedAt: time('ended_at'),
});

export const logs = pgTable('logs', {
  attemptId: reference('attempt_id').primaryKey(),
  bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
  closedAt: time('closed_at'),
});

export const findings = pgTable('findings', {
  id: id(),
  evaluationId: reference('evaluation_id'),
  jobId: reference('job_id'),
  stepId: reference('step_id'),
  attemptId: reference('attempt_id'),
  class: text('class').notNull(),
  subclass: text('subclass').notNull(),
  confidence: real('confidence').notNull(),
  rule: text('rule').notNull(),
  fingerprint: text('fingerprint'),
  verdict: jsonb('verdict').$type<Record<string, unknown>>().notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});
