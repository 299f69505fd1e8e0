/** What the cache says of paths, pins and itself over the API. */

import { type Static, type TSchema, Type } from 'typebox';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Class = Type.Union([
  Type.Literal('free'),
  Type.Literal('redistributable'),
  Type.Literal('unfree'),
  Type.Literal('unknown'),
  Type.Literal('missing'),
]);

export const PathHashParams = Type.Object({
  hash: Type.String({ pattern: '^[0-9abcdfghijklmnpqrsvwxyz]{32}$' }),
});

const PathFactSchema = Type.Object({
  path: Type.String(),
  class: Class,
  source: Type.String({ description: 'where the class comes from' }),
  licences: Type.Array(Type.String()),
  jobName: nullable(Type.String()),
  evaluationId: nullable(Type.Integer()),
});

export const WhySchema = Type.Object({
  path: Type.String(),
  visible: Type.Boolean({ description: 'in the public view' }),
  mode: Type.Union([Type.Literal('policy'), Type.Literal('everything')]),
  class: Class,
  own: PathFactSchema,
  restrictedBy: nullable(
    Type.Object({
      ...PathFactSchema.properties,
      chain: Type.Array(Type.String(), {
        description: 'from the path to what restricts it, along references',
      }),
    }),
  ),
  rule: Type.String(),
});
export type Why = Static<typeof WhySchema>;

export const RemovedSchema = Type.Object({
  removed: Type.Array(Type.String(), { description: 'the path and all that depended on it' }),
  bytes: Type.Integer(),
});
export type Removed = Static<typeof RemovedSchema>;

export const PinSchema = Type.Object({
  name: Type.String(),
  revision: Type.Integer(),
  path: Type.String(),
  keep: Type.Integer(),
  held: Type.Boolean({ description: 'whether this revision keeps its path' }),
  pinnedBy: Type.String(),
  pinnedAt: Type.String(),
  releasedAt: nullable(Type.String()),
});
export type Pin = Static<typeof PinSchema>;

export const CollectedSchema = Type.Object({
  dryRun: Type.Boolean(),
  live: Type.Integer({ description: 'paths' }),
  removed: Type.Integer({ description: 'paths' }),
  removedBytes: Type.Integer({ description: 'of their NARs, which stay until the delay is over' }),
  sweptNars: Type.Integer({ description: 'files whose delay is over' }),
  sweptBytes: Type.Integer(),
  droppedEvaluations: Type.Integer({ description: 'whose outputs the quota leaves no room for' }),
  overQuotaBytes: Type.Integer(),
});
export type Collected = Static<typeof CollectedSchema>;

export const CacheStatsSchema = Type.Object({
  paths: Type.Integer(),
  publicPaths: Type.Integer(),
  fileBytes: Type.Integer(),
  narBytes: Type.Integer(),
  sweptNars: Type.Integer(),
  sweptBytes: Type.Integer(),
  held: Type.Record(Type.String(), Type.Integer(), { description: 'paths that are not public, by class' }),
  keys: Type.Record(Type.String(), Type.Integer(), { description: 'signatures by key' }),
});
export type CacheStats = Static<typeof CacheStatsSchema>;

export const VerifiedSchema = Type.Object({
  paths: Type.Integer(),
  bytes: Type.Integer({ description: 'read from the disk' }),
  broken: Type.Array(
    Type.Object({
      path: Type.String(),
      problem: Type.String(),
      action: Type.Union([Type.Literal('repaired'), Type.Literal('withdrawn')]),
    }),
  ),
});
export type Verified = Static<typeof VerifiedSchema>;

export const RecompressedSchema = Type.Object({
  paths: Type.Integer({ description: 'that were looked at' }),
  replaced: Type.Integer({ description: 'whose file became smaller' }),
  bytesBefore: Type.Integer(),
  bytesAfter: Type.Integer(),
  broken: Type.Array(Type.String(), { description: 'paths for `cache verify` to look at' }),
  next: Type.Union([Type.String(), Type.Null()], {
    description: '`after` of the next request; null: all is done',
  }),
});
export type Recompressed = Static<typeof RecompressedSchema>;

export const SignedSchema = Type.Object({
  signed: Type.Integer({ description: 'signatures that were made' }),
  dropped: Type.Integer({ description: 'signatures that were taken away' }),
});
export type Signed = Static<typeof SignedSchema>;
