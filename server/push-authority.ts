/** Who may put something into the cache: the one place that decides. */

import type { FastifyRequest } from 'fastify';
import type { Authority } from './auth.ts';

/** @throws UnauthorizedError, ForbiddenError. Called before the body is read, so that nobody sends gigabytes in vain. */
export function requirePush(authority: Authority, request: FastifyRequest): void {
  authority.require(request, 'builder');
}
