/**
 * Publishing a closure: claims first, then the bytes of what is missing, then all of it at once.
 * An upload that was cut is taken up where it ended; a publish outlives the server's restart.
 */

import { Type, type Static } from 'typebox';

/** Facts of a store path as its builder's Nix states them; the server computes them again. */
export const ClaimSchema = Type.Object({
  path: Type.String(),
  narHash: Type.String(),
  narSize: Type.Integer({ minimum: 1 }),
  references: Type.Array(Type.String()),
  deriver: Type.Union([Type.String(), Type.Null()]),
  ca: Type.Union([Type.String(), Type.Null()]),
  /** `<key name>:<base 64>`; kept where a key that the server trusts has made them. */
  signatures: Type.Optional(Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 100 })),
});
export type Claim = Static<typeof ClaimSchema>;

/** A closure, references before what refers to them. */
export const DeclareSchema = Type.Object({
  attemptId: Type.Union([Type.Integer(), Type.Null()]),
  claims: Type.Array(ClaimSchema, { maxItems: 100_000 }),
  /** NARs of small paths by hash part, base 64: taken in at once where they are missing, which saves a request for each. */
  inline: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 200_000 }))),
});
export type Declare = Static<typeof DeclareSchema>;

/** A path whose bytes are wanted. */
export const WantedSchema = Type.Object({
  pathHash: Type.String(),
  /** Bytes of its upload that the server has from an earlier try: go on from there. */
  offset: Type.Integer(),
});

export const DeclaredSchema = Type.Object({
  /** Names the publish in what follows; known for a day. */
  publishId: Type.String(),
  /** Paths whose bytes are wanted, references before what refers to them; upload them in any order. */
  missing: Type.Array(WantedSchema),
  /** Paths that the cache has with other bytes: those stay. */
  differing: Type.Array(Type.String()),
  /** Nothing was missing, and all is visible: no commit is needed. */
  committed: Type.Boolean(),
});
export type Declared = Static<typeof DeclaredSchema>;

export const CommittedSchema = Type.Object({
  /** How many paths are visible by this publish. */
  published: Type.Integer(),
  differing: Type.Array(Type.String()),
});
export type Committed = Static<typeof CommittedSchema>;
