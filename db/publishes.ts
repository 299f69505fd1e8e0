/** Closures that are being published: they outlive the server that took their claims. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface PublishRow {
  readonly id: string;
  readonly attemptId: number | null;
  /** What its commit was answered, `null` before. */
  readonly committed: Record<string, unknown> | null;
}

export async function insertPublish(
  tx: Database,
  publish: {
    readonly id: string;
    readonly attemptId: number | null;
    readonly seconds: number;
    readonly claims: ReadonlyMap<string, object>;
  },
): Promise<void> {
  const { id, attemptId, seconds, claims } = publish;
  await tx.execute(sql`
    insert into publishes (id, attempt_id, expires_at)
    values (${id}, (select a.id from attempts a where a.id = ${attemptId}), now() + make_interval(secs => ${seconds}))`);
  const rows = [...claims].map(([path_hash, claim]) => ({ path_hash, claim }));
  await tx.execute(sql`
    insert into publish_claims (publish_id, path_hash, claim)
    select ${id}, path_hash, claim from jsonb_to_recordset(${json(rows)}) as c (path_hash text, claim jsonb)`);
}

/** One that has not expired; locked against another commit of it, where `forCommit`. */
export async function findPublish(
  db: Database,
  id: string,
  { forCommit = false } = {},
): Promise<PublishRow | undefined> {
  const [row] = await db.execute<PublishRow & Record<string, unknown>>(sql`
    select id, attempt_id as "attemptId", committed from publishes where id = ${id} and expires_at > now()
    ${forCommit ? sql`for update` : sql``}`);
  return row;
}

export async function findPublishClaim(
  db: Database,
  id: string,
  pathHash: string,
): Promise<{ readonly attemptId: number | null; readonly claim: object } | undefined> {
  const [row] = await db.execute<{ attemptId: number | null; claim: object }>(sql`
    select p.attempt_id as "attemptId", c.claim from publishes p join publish_claims c on c.publish_id = p.id
    where p.id = ${id} and c.path_hash = ${pathHash} and p.expires_at > now()`);
  return row;
}

export async function listPublishClaims(db: Database, id: string): Promise<Map<string, object>> {
  const rows = await db.execute<{ pathHash: string; claim: object }>(sql`
    select path_hash as "pathHash", claim from publish_claims where publish_id = ${id}`);
  return new Map(rows.map((row) => [row.pathHash, row.claim]));
}

/** Its claims are needed no more; its answer is, for whoever asks again. */
export async function recordCommit(tx: Database, id: string, answer: object): Promise<void> {
  await tx.execute(sql`update publishes set committed = ${json(answer)} where id = ${id}`);
  await tx.execute(sql`delete from publish_claims where publish_id = ${id}`);
}

/** Those of the ids that are open still: staged bytes of others may go. */
export async function listOpenPublishes(db: Database): Promise<Set<string>> {
  const rows = await db.execute<{ id: string }>(sql`
    select id from publishes where committed is null and expires_at > now()`);
  return new Set(rows.map((row) => row.id));
}

export async function forgetPublishes(tx: Database): Promise<void> {
  await tx.execute(sql`delete from publishes where expires_at < now()`);
}
