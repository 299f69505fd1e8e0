/** What requests bring as a token, and what is known of those that were made by a command. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Connection } from '../db/database.ts';
import { type KnownToken, TOKENS_CHANNEL, useToken } from '../db/tokens.ts';

/** So that people and scanners for leaked secrets know one when they see it. */
const PREFIX = 'nixwarp_';
const TOKEN_BYTES = 32;

export function generateToken(): string {
  return PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Equal lengths, so that comparing takes the same time whatever was sent. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export function sameDigest(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}

/** Bearer, or the password of Basic, which is all that Nix can send. */
export function tokenOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const [scheme, value] = (headers.authorization ?? '').split(' ');
  if (value === undefined) return undefined;
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(value, 'base64').toString();
  return decoded.slice(decoded.indexOf(':') + 1);
}

export interface TokenBook {
  /** The token, if there is one and it may be used now. */
  find(token: string): Promise<KnownToken | undefined>;
  /** A revoked token is none from now on, also where the news of it has not come yet. */
  forget(): void;
}

/** A closure is thousands of requests: Postgres is asked once in this time, should a notification get lost. */
const REMEMBERED_MS = 5_000;
const REMEMBERED_TOKENS = 10_000;

/** Tokens of the database, remembered for a moment, and forgotten as soon as any of them changes anywhere. */
export async function openTokenBook(connection: Connection): Promise<TokenBook> {
  const known = new LRUCache<string, KnownToken>({ max: REMEMBERED_TOKENS, ttl: REMEMBERED_MS });
  let generation = 0;
  const forget = (): void => {
    generation++;
    known.clear();
  };
  await connection.listen(TOKENS_CHANNEL, forget);
  return {
    forget,
    find: async (token) => {
      if (!token.startsWith(PREFIX)) return undefined;
      const digest = tokenDigest(token);
      const key = digest.toString('base64');
      const asked = generation;
      const found = known.get(key) ?? (await useToken(connection.db, digest));
      if (found === undefined) return undefined;
      if (found.expiresAt !== null && Date.parse(found.expiresAt) <= Date.now()) return undefined;
      // What was read before a revocation is not remembered after it.
      if (asked === generation && !known.has(key)) known.set(key, found);
      return found;
    },
  };
}
