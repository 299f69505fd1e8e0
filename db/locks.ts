/** Advisory locks of transactions: who may change the graph's shape, and who its states. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Any two constants that nothing else locks. */
const GRAPH_LOCK = 0x67726166;
const POOL_LOCK_SPACE = 0x706f6f6c;

/**
 * Planning adds edges to steps that may be ending at this moment, and an ending releases the dependents that it sees.
 * Were both at work at once, an edge could be added just after its input's ending looked: nobody would release it
 * (a lost wake-up that Hydra had). So planning excludes endings, and endings only exclude planning.
 */
export async function lockGraphForPlanning(tx: Database): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${GRAPH_LOCK})`);
}

export async function lockGraphForEnding(tx: Database): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${GRAPH_LOCK})`);
}

/** Claims of one pool are made one after the other, so that its window is never overrun. Call with pools in sorted order. */
export async function lockPool(tx: Database, pool: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${POOL_LOCK_SPACE}, hashtext(${pool}))`);
}
