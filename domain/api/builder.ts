/** What builders and evaluators tell the server, and what it answers. One schema a message, for both sides. */

import { Type, type Static } from 'typebox';

const Count = Type.Integer({ minimum: 0 });
const Name = Type.String({ minLength: 1, maxLength: 200 });
const Texts = Type.Array(Type.String());

export const GpuAnnouncementSchema = Type.Object({
  uuid: Name,
  position: Count,
  model: Type.String(),
  computeCapability: Type.String({ pattern: '^[0-9]+\\.[0-9][af]?$' }),
  architecture: Type.String({ pattern: '^sm_[0-9]+[af]?$' }),
  driver: Type.String(),
  memoryBytes: Count,
  standIn: Type.Boolean(),
});

export type GpuAnnouncement = Static<typeof GpuAnnouncementSchema>;

export const BUILDER_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$';

export const AnnounceSchema = Type.Object({
  name: Type.String({ pattern: BUILDER_NAME_PATTERN }),
  incarnation: Name,
  state: Type.Union([Type.Literal('active'), Type.Literal('drained')]),
  reason: Type.Union([Type.String(), Type.Null()]),
  systems: Texts,
  features: Texts,
  pools: Texts,
  slots: Count,
  nixVersion: Type.String(),
  workerVersion: Type.String(),
  storeDir: Type.String(),
  freeBytes: Type.Union([Count, Type.Null()]),
  gpus: Type.Array(GpuAnnouncementSchema),
});
export type Announce = Static<typeof AnnounceSchema>;

export const AnnouncedSchema = Type.Object({
  wanted: Type.Union([Type.Literal('active'), Type.Literal('drained')]),
  /** What Nix on this builder should substitute from and trust. */
  cache: Type.Object({ url: Type.String(), publicKey: Type.String() }),
});
export type Announced = Static<typeof AnnouncedSchema>;

export const LeaveSchema = Type.Object({ name: Name, incarnation: Name });

export const AttemptGpuSchema = Type.Object({
  uuid: Type.String(),
  model: Type.String(),
  architecture: Type.String(),
  driver: Type.String(),
  standIn: Type.Boolean(),
});

/** The GPU that an attempt ran on. */
export type AttemptGpu = Static<typeof AttemptGpuSchema>;

export const StartAttemptSchema = Type.Object({
  stepId: Count,
  generation: Count,
  number: Count,
  builder: Name,
  unit: Name,
  gpu: Type.Union([AttemptGpuSchema, Type.Null()]),
});
export type StartAttempt = Static<typeof StartAttemptSchema>;

export const AssignmentSchema = Type.Object({
  attemptId: Count,
  kind: Type.Union([Type.Literal('build'), Type.Literal('gpu-test')]),
  drvPath: Type.String(),
  name: Type.String(),
  system: Type.String(),
  architecture: Type.Union([Type.String(), Type.Null()]),
  fixedOutput: Type.Boolean(),
  features: Texts,
  limits: Type.Object({
    timeoutSeconds: Count,
    silentTimeoutSeconds: Count,
    logBytes: Count,
    outputBytes: Count,
  }),
  outputs: Type.Array(Type.Object({ name: Type.String(), path: Type.String() })),
  /** Store paths of inputs' outputs that the derivation names: substituted before the build, never built. */
  inputPaths: Texts,
});
export type StepAssignment = Static<typeof AssignmentSchema>;

/** `null`: nobody wants the step any more, or it was replaced. */
export const StartedAttemptSchema = Type.Union([AssignmentSchema, Type.Null()]);

const Sample = Type.Object({
  name: Type.String(),
  value: Type.Number(),
  unit: Type.Union([Type.String(), Type.Null()]),
});

/** What the log does not tell; sent when an attempt ends. */
export const EvidenceSchema = Type.Object({
  nixExit: Type.Optional(Type.Integer()),
  nixMessage: Type.Optional(Type.String()),
  exitCode: Type.Optional(Type.Integer()),
  signal: Type.Optional(Type.Integer()),
  host: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  metrics: Type.Optional(Type.Array(Sample)),
  products: Type.Optional(
    Type.Array(
      Type.Object({
        type: Type.String(),
        subtype: Type.String(),
        path: Type.String(),
        name: Type.String(),
        defaultPath: Type.Union([Type.String(), Type.Null()]),
      }),
    ),
  ),
  /** Findings that are no failure: a check whose result differs, an output whose bytes are not those of the cache. */
  notes: Type.Optional(Type.Array(Type.Object({ rule: Type.String(), message: Type.String() }))),
});
export type AttemptEvidence = Static<typeof EvidenceSchema>;
