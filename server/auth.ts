/** Who may ask for what: reading is free on the addresses that the server listens on; changing needs a token. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ForbiddenError, UnauthorizedError } from './errors.ts';

export type Role = 'admin' | 'builder';

export interface Authority {
  /** The strongest role of the request's token. @throws UnauthorizedError, or ForbiddenError where it is none of those allowed. */
  require(request: FastifyRequest, ...allowed: readonly Role[]): Role;
  /** Whether the request comes with this role; for pages that show more to an administrator. */
  has(request: FastifyRequest, role: Role): boolean;
}

export interface AuthorityOptions {
  readonly adminToken: string;
  readonly builderToken: string;
  /** Where the administrator's token is to be found, for the message. */
  readonly adminTokenHint: string;
}

export function createAuthority({ adminToken, builderToken, adminTokenHint }: AuthorityOptions): Authority {
  const digests: readonly [Role, Buffer][] = [
    ['admin', digest(adminToken)],
    ['builder', digest(builderToken)],
  ];
  const roleOf = (request: FastifyRequest): Role | undefined => {
    const token = tokenOf(request);
    if (token === undefined) return undefined;
    const given = digest(token);
    return digests.find(([, known]) => timingSafeEqual(known, given))?.[0];
  };
  return {
    has: (request, role) => roleOf(request) === role,
    require: (request, ...allowed) => {
      const role = roleOf(request);
      if (role !== undefined && (role === 'admin' || allowed.includes(role))) return role;
      const needs = `${request.method} ${request.url} needs a token of ${allowed.join(' or ')}`;
      if (role !== undefined) throw new ForbiddenError(`${needs}, and the one sent is of ${role}`);
      const why = tokenOf(request) === undefined ? '' : ', and nobody here has the one sent';
      throw new UnauthorizedError(
        `${needs}${why}: send "Authorization: Bearer <token>" (the administrator's is in ${adminTokenHint})`,
      );
    },
  };
}

/** Bearer, or the password of Basic, which is all that Nix can send. */
function tokenOf(request: FastifyRequest): string | undefined {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ');
  if (value === undefined) return undefined;
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(value, 'base64').toString();
  return decoded.slice(decoded.indexOf(':') + 1);
}

/** Equal lengths, so that comparing takes the same time whatever was sent. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
