/** Lines of what `nixwarp stats` reads: sizes, samples, and limits of a jobset. */

import { type Static, Type } from 'typebox';
import { parseWith } from '../schema.ts';

const strict = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1 });
const Count = Type.Integer({ minimum: 0 });
const Positive = Type.Number({ exclusiveMinimum: 0 });
const JobsetName = Type.Optional(Name);

/** Closure and NAR of one output in one evaluation. */
const Size = Type.Object(
  {
    kind: Type.Literal('size'),
    series: Name,
    jobset: JobsetName,
    evaluation: Count,
    closureBytes: Type.Optional(Count),
    narBytes: Type.Optional(Count),
    capabilities: Type.Optional(Type.Array(Name)),
    /** Why a person accepts this size as the new baseline. */
    accepted: Type.Optional(Name),
  },
  strict,
);

/** One measurement, in the order measured; warm-up is left out. */
const SampleLine = Type.Object(
  {
    kind: Type.Literal('sample'),
    series: Name,
    jobset: JobsetName,
    evaluation: Count,
    /** `baseline` is the pinned closure that is measured in between. */
    side: Type.Union([Type.Literal('baseline'), Type.Literal('candidate')]),
    value: Type.Number(),
    better: Type.Union([Type.Literal('lower'), Type.Literal('higher')]),
    gpu: Type.Optional(Name),
    driver: Type.Optional(Name),
    clockMhz: Type.Optional(Positive),
    nominalClockMhz: Type.Optional(Positive),
    temperatureC: Type.Optional(Type.Number()),
    slowdownTemperatureC: Type.Optional(Type.Number()),
    throttleReasons: Type.Optional(Count),
    otherProcesses: Type.Optional(Count),
  },
  strict,
);

const Growth = Type.Object({ share: Positive, bytes: Count }, strict);

/** For all series of a jobset; without `jobset`, for those of none. What is left out stays as it is by default. */
const Limits = Type.Object(
  {
    kind: Type.Literal('limits'),
    jobset: JobsetName,
    size: Type.Optional(
      Type.Object(
        {
          red: Type.Optional(Growth),
          amber: Type.Optional(Growth),
          mostBytes: Type.Optional(Type.Union([Positive, Type.Null()])),
        },
        strict,
      ),
    ),
    performance: Type.Optional(
      Type.Object(
        {
          leastSamples: Type.Optional(Type.Integer({ minimum: 3 })),
          leastEffect: Type.Optional(Positive),
          significance: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 0.5 })),
          mostRejected: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        },
        strict,
      ),
    ),
  },
  strict,
);

export type SizeLine = Static<typeof Size>;
export type SampleLine = Static<typeof SampleLine>;
export type LimitsLine = Static<typeof Limits>;
export type MeasurementLine = SizeLine | SampleLine | LimitsLine;

const BY_KIND = { size: Size, sample: SampleLine, limits: Limits } as const;
const Kind = Type.Object({
  kind: Type.Union([Type.Literal('size'), Type.Literal('sample'), Type.Literal('limits')]),
});

/** @throws ParseError naming every field that is wrong */
export function parseMeasurementLine(value: unknown, what: string): MeasurementLine {
  const { kind } = parseWith(Kind, value, what);
  return parseWith(BY_KIND[kind], value, what);
}
