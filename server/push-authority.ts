/** Who may put something into the cache: the one place that decides, and writes down what a token has pushed. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { recordAudit } from '../db/audit.ts';
import type { Grant, ViewName } from '../domain/ci/view.ts';
import type { Authority } from './auth.ts';
import type { ServerDeps } from './deps.ts';
import { UnauthorizedError } from './errors.ts';

/** @throws UnauthorizedError, ForbiddenError. Called before the body is read, so that nobody sends gigabytes in vain. */
export async function requirePush(
  authority: Authority,
  request: FastifyRequest,
  view: ViewName = 'public',
): Promise<Grant> {
  try {
    return await authority.authorize(request, { view, can: 'push' });
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    throw new UnauthorizedError(
      `${request.method} ${request.url} needs a token of builder, or one that may push in ${view}, as the password of Basic or as Bearer`,
      'Basic',
    );
  }
}

/** Requests by which something becomes visible; the uploads before them are many, and nothing without these. */
const PUBLISHES = /(?:\.narinfo|\/publish|\/publish\/[^/]+\/commit)(?:\?|$)/;

/** Asks for the right to push before every request of these routes, and keeps an audit trail of what tokens have pushed. */
export function guardPushes(
  app: FastifyInstance,
  { authority, connection }: Pick<ServerDeps, 'authority' | 'connection'>,
  viewOf: (request: FastifyRequest) => ViewName = () => 'public',
): void {
  const grants = new WeakMap<FastifyRequest, Grant>();
  app.addHook('onRequest', async (request) => {
    grants.set(request, await requirePush(authority, request, viewOf(request)));
  });
  app.addHook('onResponse', async (request: FastifyRequest, reply: FastifyReply) => {
    const actor = grants.get(request)?.actor;
    // What builders push is in the attempts and the provenance of paths.
    if (actor === undefined || actor === 'builder' || reply.statusCode >= 300) return;
    if (request.method === 'HEAD' || !PUBLISHES.test(request.url)) return;
    const event = {
      actor,
      action: 'cache.push',
      subject: request.url.split('?')[0] ?? '',
      details: { view: viewOf(request) },
      idempotencyKey: null,
    };
    await connection.transaction((tx) => recordAudit(tx, event, { status: reply.statusCode }));
  });
}
