/** Tokens over the API. */

import { type Static, Type } from 'typebox';

export const CreateTokenSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200, default: 'unnamed' }),
    view: Type.String({ description: '`public`, `internal` or `staging/<name>`' }),
    can: Type.Array(Type.String(), { minItems: 1, description: '`read`, `push`, `admin`' }),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_155_760_000 })),
  },
  { additionalProperties: false },
);
export type CreateToken = Static<typeof CreateTokenSchema>;

export const CreatedTokenSchema = Type.Object({
  id: Type.Integer(),
  token: Type.String({ description: 'shown once, and stored nowhere' }),
});
export type CreatedToken = Static<typeof CreatedTokenSchema>;

const Time = Type.Union([Type.String(), Type.Null()]);

export const TokenSchema = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  view: Type.String(),
  can: Type.Array(Type.String()),
  state: Type.Union([Type.Literal('active'), Type.Literal('expired'), Type.Literal('revoked')]),
  createdBy: Type.String(),
  createdAt: Type.String(),
  expiresAt: Time,
  lastUsedAt: Time,
  revokedAt: Time,
});
export type Token = Static<typeof TokenSchema>;
