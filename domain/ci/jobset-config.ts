/** The jobset configuration: what is evaluated, for which systems and variants, how often, with which limits. */

import { Type, type Static } from 'typebox';
import { ParseError } from '../parse-error.ts';
import { parseWith } from '../schema.ts';
import { parseComputeCapability } from './architecture.ts';

/** Names stand in workflow ids, URLs and file names. */
export const SLUG_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';
const SYSTEM_PATTERN = '^([a-z0-9_]+-[a-z0-9_]+|current)$';
const NAME = Type.String({ pattern: SLUG_PATTERN });
const closed = { additionalProperties: false } as const;

/** `args` are Nix expressions (as `--arg`), `argStrings` strings (as `--argstr`). */
const argumentsOf = {
  args: Type.Record(Type.String(), Type.String(), { default: {} }),
  argStrings: Type.Record(Type.String(), Type.String(), { default: {} }),
};

const FileSource = Type.Object(
  {
    file: Type.String({
      minLength: 1,
      description: 'Nix file or folder: absolute, relative to this file, or inside `git`',
    }),
    git: Type.Optional(
      Type.Object(
        { url: Type.String({ minLength: 1 }), ref: Type.String({ default: 'HEAD', minLength: 1 }) },
        closed,
      ),
    ),
    ...argumentsOf,
  },
  closed,
);

const FlakeSource = Type.Object(
  { flake: Type.String({ minLength: 1, description: 'flake reference, without a fragment' }) },
  closed,
);

const Variant = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$' }),
    cudaCapabilities: Type.Optional(Type.Array(Type.String())),
    cudaForwardCompat: Type.Boolean({
      default: true,
      description: "Nixpkgs' default: PTX of the newest capability is kept",
    }),
    ...argumentsOf,
  },
  closed,
);

const seconds = (value: number, description: string) =>
  Type.Integer({ minimum: 1, default: value, description });

/** Defaults are Hydra's where it has one (reference: hydra.md §4.3), but for the output limit, which CUDA outgrows. */
const Limits = Type.Object(
  {
    timeoutSeconds: seconds(36_000, 'a build in all; `meta.timeout` overrides'),
    silentTimeoutSeconds: seconds(3_600, 'a build without output; `meta.maxSilent` overrides'),
    logBytes: Type.Integer({ minimum: 1_024, default: 64 * 1024 * 1024 }),
    outputBytes: Type.Integer({
      minimum: 1,
      default: 16 * 1024 ** 3,
      description: 'NAR sizes of all outputs together',
    }),
    evaluationSeconds: seconds(14_400, 'an evaluation in all'),
    evaluationMemoryMiB: Type.Integer({
      minimum: 64,
      default: 4_096,
      description: 'of one evaluator process',
    }),
    evaluationWorkers: Type.Integer({ minimum: 1, maximum: 256, default: 2 }),
    attributes: Type.Integer({ minimum: 1, default: 200_000, description: 'attributes walked in all' }),
  },
  { ...closed, default: {} },
);

const Schedule = Type.Union([
  Type.Object({ everySeconds: Type.Integer({ minimum: 10 }) }, closed),
  Type.Object({ cron: Type.String({ minLength: 9, description: 'five fields, UTC' }) }, closed),
]);

export const JobsetConfigSchema = Type.Object(
  {
    version: Type.Literal(1, { default: 1 }),
    name: NAME,
    project: Type.String({ pattern: SLUG_PATTERN, default: 'default' }),
    description: Type.String({ default: '' }),
    enabled: Type.Boolean({ default: true }),
    source: Type.Union([FileSource, FlakeSource]),
    attr: Type.Optional(
      Type.String({ minLength: 1, description: 'attribute path below which jobs are sought' }),
    ),
    recurse: Type.Union([Type.Literal('all'), Type.Literal('marked')], { default: 'all' }),
    systems: Type.Array(Type.String({ pattern: SYSTEM_PATTERN }), { default: ['current'], minItems: 1 }),
    variants: Type.Array(Variant, { default: [] }),
    schedule: Type.Optional(Schedule),
    priority: Type.Integer({ minimum: 1, maximum: 5, default: 3, description: '1 first … 5 last' }),
    shares: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100,
      description: 'weight against other jobsets',
    }),
    limits: Limits,
    allowImportFromDerivation: Type.Boolean({ default: false }),
    debounceSeconds: Type.Integer({
      minimum: 0,
      maximum: 86_400,
      default: 60,
      description: 'triggers this close are one',
    }),
    supersede: Type.Union([Type.Literal('cancel'), Type.Literal('finish')], {
      default: 'cancel',
      description: 'what a newer revision does to an evaluation that still runs',
    }),
    notRunAfterSeconds: Type.Integer({ minimum: 0, default: 86_400 }),
    failureCacheSeconds: Type.Integer({
      minimum: 0,
      default: 604_800,
      description: 'deterministic failures are reused this long',
    }),
    keep: Type.Object(
      {
        evaluations: Type.Integer({ minimum: 0, default: 10, description: 'newest finished ones' }),
        days: Type.Integer({ minimum: 0, default: 30, description: 'and all that are younger' }),
      },
      { ...closed, default: {}, description: 'outputs of these evaluations stay in the cache' },
    ),
    toolchains: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'globs over store path names',
    }),
  },
  closed,
);

/** A complete configuration: every default filled in. */
export type JobsetConfig = Static<typeof JobsetConfigSchema>;

/** A configuration inside another message: checked by `parseJobsetConfig`, which tells every problem; the schema has its own URL. */
export const JobsetConfigObject = Type.Unsafe<JobsetConfig>(
  Type.Object(
    {},
    {
      additionalProperties: true,
      description: 'a jobset configuration, described in /api/jobset.schema.json',
    },
  ),
);
export type JobsetSource = JobsetConfig['source'];
export type JobsetVariant = JobsetConfig['variants'][number];
export type JobsetLimits = JobsetConfig['limits'];

/**
 * Reads a jobset configuration (parsed JSON).
 * @throws ParseError with every problem: field, value, what was expected.
 */
export function parseJobsetConfig(value: unknown): JobsetConfig {
  const config = parseWith(JobsetConfigSchema, value, 'jobset configuration');
  const names = config.variants.map((variant) => variant.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new ParseError('jobset configuration, variants', twice, 'used by one variant only');
  for (const variant of config.variants) variant.cudaCapabilities?.forEach(parseComputeCapability);
  return config;
}

export function isFlakeSource(source: JobsetSource): source is Static<typeof FlakeSource> {
  return 'flake' in source;
}
