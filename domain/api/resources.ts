/** Resources of the API as clients read them. */

import { Type, type Static, type TSchema } from 'typebox';
import { JobsetConfigObject } from '../ci/jobset-config.ts';
import { VerdictSummarySchema } from './runs.ts';

export const nullable = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()]);
const Id = Type.Integer({ minimum: 1 });
const Time = Type.String({ description: 'RFC 3339, UTC' });
const Counts = Type.Record(Type.String(), Type.Integer());

export const IdParams = Type.Object({ id: Id });

export const StatusSchema = Type.Object({
  name: Type.Literal('nixwarp'),
  version: Type.String(),
  url: Type.String(),
  cache: Type.Object({ url: Type.String(), publicKey: Type.String() }),
  temporalUiUrl: nullable(Type.String()),
  evaluationsOpen: Type.Integer(),
  stepsOpen: Counts,
  builders: Type.Integer({ description: 'that take work now' }),
  /** Whether there is anybody to evaluate and build. */
  ready: Type.Boolean(),
});
export type Status = Static<typeof StatusSchema>;

export const JobsetSchema = Type.Object({
  id: Id,
  project: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  config: JobsetConfigObject,
  baseFolder: nullable(Type.String()),
  lastRevision: nullable(Type.String()),
  lastEvaluationId: nullable(Id),
});
export type Jobset = Static<typeof JobsetSchema>;

export const SaveJobsetSchema = Type.Object({
  config: JobsetConfigObject,
  baseFolder: nullable(Type.String()),
});

export const TriggerSchema = Type.Object({
  id: Id,
  jobsetId: Id,
  kind: Type.String(),
  forced: Type.Boolean(),
  state: Type.String({
    description: 'pending, unchanged, started, merged (one with a later trigger) or failed',
  }),
  message: nullable(Type.String()),
  evaluationId: nullable(Id),
});
export type Trigger = Static<typeof TriggerSchema>;

export const DiffSchema = Type.Object(
  {
    against: nullable(Id),
    newlyFailing: Type.Integer(),
    stillFailing: Type.Integer(),
    fixed: Type.Integer(),
    new: Type.Integer(),
    vanished: Type.Integer(),
    unfinished: Type.Integer(),
    stillSucceeding: Type.Integer(),
  },
  { description: 'against the previous finished evaluation of the jobset' },
);

export const EvaluationSchema = Type.Object({
  id: Id,
  project: Type.String(),
  jobset: Type.String(),
  jobsetId: Id,
  number: Type.Integer(),
  state: Type.String(),
  outcome: nullable(Type.String()),
  message: nullable(Type.String()),
  revision: nullable(Type.String()),
  lockedSource: nullable(Type.String()),
  dirty: Type.Boolean(),
  createdAt: Time,
  startedAt: nullable(Time),
  evaluatedAt: nullable(Time),
  drainedAt: nullable(Time),
  finishedAt: nullable(Time),
  /** By outcome; `unfinished` for those that have none. */
  jobs: Counts,
  /** By state, of the steps that it wants. */
  steps: Counts,
  errors: Type.Integer(),
  url: Type.String(),
});
export type Evaluation = Static<typeof EvaluationSchema>;

export const EvaluationWithDiffSchema = Type.Object({ ...EvaluationSchema.properties, diff: DiffSchema });
export type EvaluationWithDiff = Static<typeof EvaluationWithDiffSchema>;

export const PageSchema = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    next: nullable(Type.String({ description: 'cursor of the next page' })),
  });

export const ProgressSchema = Type.Object({
  evaluation: EvaluationSchema,
  running: Type.Array(
    Type.Object({
      stepId: Id,
      name: Type.String(),
      architecture: nullable(Type.String()),
      builder: Type.String(),
      attempt: Type.Integer(),
      attemptId: Id,
      startedAt: Time,
    }),
  ),
  /** Steps that ended after the cursor, oldest first; inherited failures are counted only. */
  ended: Type.Array(
    Type.Object({
      stepId: Id,
      name: Type.String(),
      architecture: nullable(Type.String()),
      outcome: Type.String(),
      builder: nullable(Type.String()),
      standIn: Type.Boolean(),
      seconds: nullable(Type.Number()),
      attemptId: nullable(Id),
      verdict: nullable(VerdictSummarySchema),
    }),
  ),
  cursor: Type.String(),
});
export type Progress = Static<typeof ProgressSchema>;

export const StepSchema = Type.Object({
  id: Id,
  kind: Type.String(),
  drvPath: Type.String(),
  name: Type.String(),
  architecture: nullable(Type.String()),
  generation: Type.Integer(),
  pool: Type.String(),
  state: Type.String(),
  outcome: nullable(Type.String()),
  reason: nullable(Type.String()),
  priority: Type.Integer(),
  height: Type.Integer(),
  /** Why it waits, in a sentence. */
  waits: nullable(Type.String()),
  root: nullable(Type.Object({ stepId: Id, name: Type.String() })),
  createdAt: Time,
  readyAt: nullable(Time),
  startedAt: nullable(Time),
  endedAt: nullable(Time),
  attempts: Type.Array(
    Type.Object({
      id: Id,
      generation: Type.Integer(),
      number: Type.Integer(),
      builder: Type.String(),
      outcome: nullable(Type.String()),
      message: nullable(Type.String()),
      startedAt: Time,
      endedAt: nullable(Time),
      logBytes: nullable(Type.Integer()),
      logUrl: Type.String(),
      gpu: nullable(
        Type.Object({
          uuid: Type.String(),
          model: Type.String(),
          architecture: Type.String(),
          driver: Type.String(),
          standIn: Type.Boolean(),
        }),
      ),
      verdict: nullable(VerdictSummarySchema),
    }),
  ),
});
export type Step = Static<typeof StepSchema>;

export const BuilderSchema = Type.Object({
  name: Type.String(),
  state: Type.String({ description: 'active, drained or gone' }),
  reason: nullable(Type.String()),
  systems: Type.Array(Type.String()),
  features: Type.Array(Type.String()),
  pools: Type.Array(Type.String()),
  slots: Type.Integer(),
  running: Type.Integer(),
  nixVersion: Type.String(),
  workerVersion: Type.String(),
  freeBytes: nullable(Type.Integer()),
  lastSeenAt: Time,
  gpus: Type.Array(
    Type.Object({
      uuid: Type.String(),
      model: Type.String(),
      computeCapability: Type.String(),
      architecture: Type.String(),
      driver: Type.String(),
      memoryBytes: Type.Integer(),
      standIn: Type.Boolean(),
    }),
  ),
});
export type Builder = Static<typeof BuilderSchema>;

export const FindingSchema = Type.Object({
  id: Id,
  class: Type.String(),
  subclass: Type.String(),
  confidence: Type.Number(),
  rule: Type.String(),
  fingerprint: nullable(Type.String()),
  evaluationId: nullable(Id),
  jobId: nullable(Id),
  stepId: nullable(Id),
  attemptId: nullable(Id),
  name: nullable(Type.String()),
  explanation: Type.String(),
  evidence: nullable(Type.String()),
  createdAt: Time,
});
