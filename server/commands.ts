/** Commands that people and programs give: each is one transaction, audited, and answered again when it is repeated. */

import type { FastifyRequest } from 'fastify';
import { findAnswered, recordAudit } from '../db/audit.ts';
import type { Database } from '../db/database.ts';
import type { ServerDeps } from './deps.ts';

export interface Command {
  readonly action: string;
  readonly subject: string;
  readonly details?: object;
}

/**
 * Runs a command for an administrator. With an `Idempotency-Key` header a repeated command gets the first one's answer.
 * @throws UnauthorizedError, ForbiddenError without the token of an administrator.
 */
export async function runCommand<T extends object>(
  { connection, authority }: ServerDeps,
  request: FastifyRequest,
  command: Command,
  work: (tx: Database) => Promise<T>,
): Promise<T> {
  const { actor } = await authority.requireAdministrator(request);
  const header = request.headers['idempotency-key'];
  const idempotencyKey = typeof header === 'string' ? `${command.action}/${command.subject}/${header}` : null;
  return connection.transaction(async (tx) => {
    const answered = idempotencyKey === null ? undefined : await findAnswered(tx, idempotencyKey);
    if (answered !== undefined) return answered as T;
    const response = await work(tx);
    const { action, subject, details = {} } = command;
    await recordAudit(tx, { actor, action, subject, details, idempotencyKey }, response);
    return response;
  });
}
