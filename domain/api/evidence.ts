/** Evidence as a file says it: the schema of `Evidence`, for `nixwarp classify --evidence`. */

import { Type, type Static, type TSchema } from 'typebox';
import { parseWith } from '../schema.ts';
import { EVIDENCE_OUTCOMES, type Evidence } from '../ci/classification/evidence.ts';
import { STAGES } from '../ci/classification/taxonomy.ts';

const closed = { additionalProperties: false } as const;
const optional = <S extends TSchema>(schema: S, description: string) =>
  Type.Optional({ ...schema, description });
const Text = Type.String({ minLength: 1 });
const Count = Type.Integer({ minimum: 0 });
/** A dotted version as NVIDIA's tools print it, for example `12.4` or `580.95.05`. */
const Version = Type.String({ pattern: '^[0-9]+([.][0-9]+)*$' });
const Architecture = Type.String({ pattern: '^(sm_[0-9]+[af]?|gfx[0-9a-f]+)$' });

const Limits = Type.Object(
  {
    timeoutSeconds: Type.Optional(Count),
    silentSeconds: Type.Optional(Count),
    logBytes: Type.Optional(Count),
    outputBytes: Type.Optional(Count),
  },
  closed,
);

const Host = Type.Object(
  {
    name: optional(Text, 'left out of fingerprints'),
    xids: optional(
      Type.Array(
        Type.Object({ code: Count, pci: Type.Optional(Text), text: Type.Optional(Type.String()) }, closed),
      ),
      'Xid messages of the kernel in the time of the attempt; empty: looked, found none',
    ),
    driverBefore: Type.Optional(Version),
    driverAfter: Type.Optional(Version),
    driverCuda: optional(Version, 'newest CUDA version that the driver serves'),
    freeBytes: optional(Count, 'of the fullest file system, when the attempt ended'),
    oomKills: Type.Optional(Count),
    eccErrors: optional(Count, 'new uncorrectable ones'),
    canary: optional(Type.Enum(['passed', 'failed', 'not-run']), 'the known good check on the same GPU'),
  },
  closed,
);

const Outcome = Type.Enum([...EVIDENCE_OUTCOMES]);

const Earlier = Type.Object(
  { outcome: Outcome, host: Type.Optional(Text), fingerprint: Type.Optional(Text) },
  closed,
);

const OtherArchitecture = Type.Object(
  { architecture: Architecture, outcome: Type.Enum(['passed', 'failed']), host: Type.Optional(Text) },
  closed,
);

export const StageSchema = Type.Enum([...STAGES]);

export const EvidenceSchema = Type.Object(
  {
    stage: Type.Optional(StageSchema),
    system: optional(
      Type.String({ pattern: '^[a-z0-9_]+-[a-z0-9_]+$' }),
      'Nix system, for example x86_64-linux',
    ),
    architecture: optional(Architecture, 'of the GPU that ran a check, for example sm_89'),
    outcome: Type.Optional(Outcome),
    nixExit: optional(Type.Integer({ minimum: 0, maximum: 255 }), 'exit status of the Nix command'),
    nixMessage: optional(Type.String(), "Nix's own error message"),
    exitCode: optional(Type.Integer({ minimum: 0, maximum: 255 }), 'of the builder'),
    signal: optional(Type.Integer({ minimum: 1, maximum: 64 }), 'that ended the builder'),
    fixedOutput: optional(Type.Boolean(), 'whether the derivation is a fetch'),
    limits: Type.Optional(Limits),
    host: Type.Optional(Host),
    toolkitCuda: optional(Version, 'CUDA version that the package was built with'),
    closureToolchains: optional(Type.Array(Text), 'build tools found in the runtime closure'),
    earlier: optional(Type.Array(Earlier), 'earlier attempts of the same derivation'),
    otherArchitectures: optional(Type.Array(OtherArchitecture), 'the same check elsewhere'),
  },
  closed,
);

/**
 * Reads evidence (parsed JSON).
 * @throws ParseError with every problem: field, value, what was expected.
 */
export function parseEvidence(value: unknown, what = 'evidence'): Evidence {
  const evidence: Static<typeof EvidenceSchema> = parseWith(EvidenceSchema, value, what);
  return evidence;
}
