/** What evaluators are asked, and the batches that they store. */

import { Type, type Static } from 'typebox';
import { JobsetConfigObject } from '../ci/jobset-config.ts';

const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()]);

/** What to evaluate. */
export const EvaluationAssignmentSchema = Type.Object({
  project: Type.String(),
  jobset: Type.String(),
  number: Type.Integer(),
  config: JobsetConfigObject,
  baseFolder: Nullable(Type.String()),
  revision: Nullable(Type.String()),
  lockedSource: Nullable(Type.String()),
  /** Nobody wants the evaluation any more. */
  cancelled: Type.Boolean(),
});
export type EvaluationAssignment = Static<typeof EvaluationAssignmentSchema>;

export const EvaluatedJobSchema = Type.Object({
  attrPath: Type.Array(Type.String()),
  system: Type.String(),
  variant: Nullable(Type.String()),
  nixName: Type.String(),
  drvPath: Type.String(),
  meta: Type.Record(Type.String(), Type.Unknown()),
  /** Absent: no aggregate. Names of jobs, globs, or paths of derivations. */
  constituents: Type.Optional(Type.Array(Type.String())),
});
export type EvaluatedJob = Static<typeof EvaluatedJobSchema>;

export const EvaluatedErrorSchema = Type.Object({
  attrPath: Type.Array(Type.String()),
  system: Nullable(Type.String()),
  variant: Nullable(Type.String()),
  kind: Type.Union([
    Type.Literal('error'),
    Type.Literal('refused'),
    Type.Literal('aggregate'),
    Type.Literal('fatal'),
  ]),
  message: Type.String({ maxLength: 65_536 }),
});
export type EvaluatedError = Static<typeof EvaluatedErrorSchema>;

/** Derivations that the server does not know yet: their files, from which it reads the graph itself. */
export const DerivationFileSchema = Type.Object({ path: Type.String(), text: Type.String() });

export const BatchSchema = Type.Object({
  jobs: Type.Array(EvaluatedJobSchema, { maxItems: 10_000 }),
  errors: Type.Array(EvaluatedErrorSchema, { maxItems: 10_000 }),
  derivations: Type.Array(DerivationFileSchema, { maxItems: 100_000 }),
  /** What exactly is evaluated, once that is known. */
  source: Type.Optional(
    Type.Object({
      revision: Nullable(Type.String()),
      lockedSource: Nullable(Type.String()),
      dirty: Type.Boolean(),
    }),
  ),
});
export type Batch = Static<typeof BatchSchema>;

export const StoredBatchSchema = Type.Object({ jobs: Type.Integer(), errors: Type.Integer() });

/** Which of these derivations the server knows. */
export const UnknownDerivationsSchema = Type.Object({
  drvPaths: Type.Array(Type.String(), { maxItems: 100_000 }),
});
