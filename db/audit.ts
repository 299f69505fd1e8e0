/** The audit trail: who asked for what. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface AuditEvent {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: object;
  readonly idempotencyKey: string | null;
}

/**
 * The response to an earlier command with this key: a repeated command is answered, not done again.
 * One that is still being done is waited for.
 */
export async function findAnswered(
  db: Database,
  idempotencyKey: string,
): Promise<Record<string, unknown> | undefined> {
  await db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${idempotencyKey}, 0))`);
  const [row] = await db.execute<{ response: Record<string, unknown> }>(sql`
    select response from audit_events where idempotency_key = ${idempotencyKey} and response is not null`);
  return row?.response;
}

export async function recordAudit(tx: Database, event: AuditEvent, response: object): Promise<void> {
  await tx.execute(sql`
    insert into audit_events (actor, action, subject, details, idempotency_key, response)
    values (${event.actor}, ${event.action}, ${event.subject}, ${json(event.details)}, ${event.idempotencyKey}, ${json(response)})`);
}
