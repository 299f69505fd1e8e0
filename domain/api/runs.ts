/** Asking for an evaluation at once, and the document that tells how it went. */

import { Type, type Static } from 'typebox';
import { JobsetConfigObject } from '../ci/jobset-config.ts';

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Union([type, Type.Null()]);

/** `nixwarp run`: the jobset is saved under its name and evaluated now, without debounce; what is known to fail is asked anew. */
export const StartRunSchema = Type.Object({
  config: JobsetConfigObject,
  /** Where relative paths in the configuration start. */
  baseFolder: Nullable(Type.String()),
});
export type StartRun = Static<typeof StartRunSchema>;

export const StartedRunSchema = Type.Object({ evaluationId: Type.Integer(), url: Type.String() });

export const VerdictSummarySchema = Type.Object({
  class: Type.String(),
  subclass: Type.String(),
  confidence: Type.Number(),
  rule: Type.String(),
  /** The line, or the fact, that decided. */
  evidence: Nullable(Type.String()),
  retry: Type.String(),
  explanation: Type.String(),
});

/** A job as documents and lists show it. */
export const RunJobSchema = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  system: Type.String(),
  variant: Nullable(Type.String()),
  drvPath: Type.String(),
  outputs: Type.Record(Type.String(), Type.String()),
  outcome: Nullable(Type.String()),
  hydraStatus: Nullable(Type.Integer()),
  attempts: Type.Integer(),
  verdict: Nullable(VerdictSummarySchema),
  constituents: Nullable(Type.Array(Type.String())),
  gpu: Type.Array(
    Type.Object({
      arch: Type.String(),
      driver: Nullable(Type.String()),
      outcome: Nullable(Type.String()),
      standIn: Type.Boolean(),
    }),
  ),
  /** Architectures on which the check cannot run, and why; an architecture that it waits for is in `gpu`. */
  notScheduled: Type.Array(Type.Object({ arch: Type.String(), reason: Type.String() })),
  /** Why it has not run, or what it waits for. */
  reason: Nullable(Type.String()),
  /** The job or derivation whose failure this one inherited. */
  root: Nullable(Type.String()),
});
export type RunJob = Static<typeof RunJobSchema>;

/** Version 1 of what `nixwarp run --json` prints. Fields are added, never changed. */
export const RunDocumentSchema = Type.Object({
  version: Type.Literal(1),
  evaluation: Type.Object({
    id: Type.Integer(),
    jobset: Type.String(),
    state: Type.String(),
    url: Type.String(),
    outcome: Nullable(Type.String()),
    revision: Nullable(Type.String()),
    dirty: Type.Boolean(),
  }),
  jobs: Type.Array(RunJobSchema),
  errors: Type.Array(
    Type.Object({
      name: Type.String(),
      system: Nullable(Type.String()),
      variant: Nullable(Type.String()),
      message: Type.String(),
      kind: Type.String(),
    }),
  ),
  summary: Type.Record(Type.String(), Type.Integer()),
  cache: Type.Object({ url: Type.String(), publicKey: Type.String() }),
});
export type RunDocument = Static<typeof RunDocumentSchema>;
