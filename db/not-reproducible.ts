/** Findings on paths that came with other bytes than those that are published. */

import { sql } from 'drizzle-orm';
import { verdictOfNote } from '../domain/ci/classification/note.ts';
import type { Database } from './database.ts';
import { recordFinding } from './findings.ts';

/** A path may be the output of the same derivation in thousands of evaluations. */
const NEWEST_JOBS = 20;

/** Told on the newest jobs whose output it is; again, it replaces what was told before. */
export async function recordNotReproducible(db: Database, pathHash: string, message: string): Promise<void> {
  const jobs = await db.execute<{ evaluationId: number; jobId: number }>(sql`
    select j.evaluation_id as "evaluationId", j.id as "jobId" from outputs o join jobs j on j.drv_hash = o.drv_hash
    where o.path_hash = ${pathHash} order by j.id desc limit ${NEWEST_JOBS}`);
  const verdict = verdictOfNote({ rule: 'ingest/not-reproducible', message });
  for (const job of jobs)
    await recordFinding(db, {
      ...job,
      stepId: null,
      attemptId: null,
      verdict,
    });
}
