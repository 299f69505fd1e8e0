/** Taking outputs into the cache: claims first, then the bytes of what is missing. */

import { Type, type Static } from 'typebox';

/** Facts of a store path as its builder's Nix states them; the server computes them again. */
export const ClaimSchema = Type.Object({
  path: Type.String(),
  narHash: Type.String(),
  narSize: Type.Integer({ minimum: 1 }),
  references: Type.Array(Type.String()),
  deriver: Type.Union([Type.String(), Type.Null()]),
  ca: Type.Union([Type.String(), Type.Null()]),
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

export const DeclaredSchema = Type.Object({
  /** Names the claims in the uploads that follow; lost when the server restarts, then declare again. */
  ingestId: Type.String(),
  /** Hash parts of paths whose bytes are wanted, in the order of the claims. */
  missing: Type.Array(Type.String()),
  /** Paths that the cache has with other bytes: those stay. */
  differing: Type.Array(Type.String()),
});
export type Declared = Static<typeof DeclaredSchema>;
