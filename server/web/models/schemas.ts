/** Parts that the JSON twins of several pages share. */

import { Type } from 'typebox';
import { nullable } from '../../../domain/api/resources.ts';
import { AttemptGpuSchema } from '../../../domain/api/builder.ts';

export const Id = Type.Integer({ minimum: 1 });
export const NullableText = nullable(Type.String());

export const JobRefSchema = Type.Object(
  {
    id: Id,
    name: Type.String(),
    system: Type.String(),
    variant: NullableText,
    outcome: NullableText,
    change: nullable(
      Type.String({
        description: 'against the evaluation before: newlyFailing, stillFailing, fixed, new, …',
      }),
    ),
  },
  { description: 'a job, by name' },
);

export const VerdictDetailSchema = Type.Object({
  class: Type.String(),
  subclass: Type.String(),
  confidence: Type.Number(),
  rule: Type.String(),
  retry: Type.String(),
  explanation: Type.String(),
  fingerprint: Type.String(),
  evidence: nullable(
    Type.Object({
      text: Type.String(),
      /** From 1; `null` for a fact or Nix's own message. */
      line: nullable(Type.Integer()),
      before: NullableText,
      after: NullableText,
    }),
  ),
  scope: Type.Optional(Type.String()),
  phase: Type.Optional(NullableText),
  suspectedFlake: Type.Optional(Type.Boolean()),
  link: Type.Optional(NullableText),
});

/** The evaluation that something belongs to. */
export const EvaluationRefSchema = Type.Object({
  id: Id,
  project: Type.String(),
  jobset: Type.String(),
  jobsetId: Id,
  number: Type.Integer(),
  state: Type.String(),
  outcome: NullableText,
  revision: NullableText,
  dirty: Type.Boolean(),
});

export const FailedStepSchema = Type.Object({
  id: Id,
  name: Type.String(),
  architecture: NullableText,
  outcome: Type.String(),
  reason: NullableText,
  attemptId: nullable(Id),
  builder: NullableText,
  logBytes: nullable(Type.Integer()),
  gpu: nullable(AttemptGpuSchema),
  verdict: nullable(VerdictDetailSchema),
});

export const RunningSchema = Type.Object({
  builder: Type.String(),
  attemptId: Id,
  stepId: Id,
  number: Type.Integer(),
  name: Type.String(),
  architecture: NullableText,
  startedAt: Type.String(),
  gpuUuid: NullableText,
  jobId: nullable(Id),
});

export const CommandsSchema = Type.Array(
  Type.Object({ title: Type.String(), lines: Type.Array(Type.String()) }),
  { description: 'for a shell, to be copied' },
);
