/** Who may read a build's log: whoever may have its outputs. A log of an unfree build quotes what it builds. */

import type { FastifyRequest } from 'fastify';
import { findDerivationOfAttempt } from '../db/attempts.ts';
import { isDerivationVisible } from '../db/visibility.ts';
import type { ServerDeps } from './deps.ts';

/** Nothing where there is no such attempt. @throws UnauthorizedError, NotFoundError for those who may not. */
export async function requireLogAccess(
  { connection: { db }, authority, publicView }: Pick<ServerDeps, 'connection' | 'authority' | 'publicView'>,
  request: FastifyRequest,
  attemptId: number,
): Promise<void> {
  if (publicView === 'everything') return;
  const drvHash = await findDerivationOfAttempt(db, attemptId);
  if (drvHash === undefined || (await isDerivationVisible(db, drvHash, 'public'))) return;
  await authority.authorize(request, { view: 'internal', can: 'read' });
}
