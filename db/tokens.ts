/** Tokens: only digests are stored; a token itself is shown once, to whoever made it. */

import { sql } from 'drizzle-orm';
import type { Right, ViewName } from '../domain/ci/view.ts';
import type { Database } from './database.ts';
import { iso } from './sql.ts';

/** Servers forget what they remember of tokens at a NOTIFY on it (migration 0006). */
export const TOKENS_CHANNEL = 'nixwarp_tokens';

export interface NewToken {
  readonly name: string;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
  readonly view: ViewName;
  readonly can: readonly Right[];
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

export async function insertToken(tx: Database, token: NewToken): Promise<number> {
  const [row] = await tx.execute<{ id: number }>(sql`
    insert into tokens (name, digest, view, can, created_by, expires_at)
    values (${token.name}, decode(${token.digest.toString('hex')}, 'hex'), ${token.view},
      string_to_array(${token.can.join(',')}, ','), ${token.createdBy}, ${token.expiresAt?.toISOString() ?? null})
    returning id`);
  if (row === undefined) throw new Error('a token was not stored');
  return row.id;
}

export interface KnownToken {
  readonly id: number;
  readonly name: string;
  readonly view: ViewName;
  readonly can: readonly Right[];
  readonly expiresAt: string | null;
}

/** The token of this digest if it may be used now; its time of use is noted, to the minute. */
export async function useToken(db: Database, digest: Buffer): Promise<KnownToken | undefined> {
  const [row] = await db.execute<KnownToken & { isNoted: boolean } & Record<string, unknown>>(sql`
    select id, name, view, to_jsonb(can) as can, ${iso(sql`expires_at`)} as "expiresAt",
      coalesce(last_used_at > now() - interval '1 minute', false) as "isNoted"
    from tokens where digest = decode(${digest.toString('hex')}, 'hex') and revoked_at is null
      and (expires_at is null or expires_at > now())`);
  if (row === undefined) return undefined;
  const { isNoted, ...token } = row;
  if (!isNoted) await db.execute(sql`update tokens set last_used_at = now() where id = ${token.id}`);
  return token;
}

export interface ListedToken extends KnownToken, Record<string, unknown> {
  readonly state: 'active' | 'expired' | 'revoked';
  readonly createdBy: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** All tokens, newest first, the revoked ones too: what they pushed names them. */
export async function listTokens(db: Database): Promise<ListedToken[]> {
  return db.execute<ListedToken>(sql`
    select id, name, view, to_jsonb(can) as can,
      case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired' else 'active' end as state,
      created_by as "createdBy", ${iso(sql`created_at`)} as "createdAt", ${iso(sql`expires_at`)} as "expiresAt",
      ${iso(sql`last_used_at`)} as "lastUsedAt", ${iso(sql`revoked_at`)} as "revokedAt"
    from tokens order by id desc`);
}

/** Returns the token's name; `undefined` where there is none. A revoked one stays as it is. */
export async function revokeToken(tx: Database, id: number): Promise<string | undefined> {
  const [row] = await tx.execute<{ name: string }>(sql`
    update tokens set revoked_at = coalesce(revoked_at, now()) where id = ${id} returning name`);
  return row?.name;
}
