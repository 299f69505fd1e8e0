/** Findings: the verdicts on failed attempts, and on what was built but should not be published unseen. */

import { sql } from 'drizzle-orm';
import type { Verdict } from '../domain/ci/classification/verdict.ts';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface NewFinding {
  readonly evaluationId: number | null;
  readonly jobId: number | null;
  readonly stepId: number | null;
  readonly attemptId: number | null;
  readonly verdict: Pick<Verdict, 'class' | 'subclass' | 'confidence' | 'rule' | 'fingerprint'>;
}

/** Stores a finding; a newer one on the same attempt, or of the same rule on the same job, replaces the older. */
export async function recordFinding(
  db: Database,
  { evaluationId, jobId, stepId, attemptId, verdict }: NewFinding,
): Promise<void> {
  const key =
    attemptId === null
      ? sql`(job_id, rule) where job_id is not null`
      : sql`(attempt_id) where attempt_id is not null`;
  await db.execute(sql`
    insert into findings (evaluation_id, job_id, step_id, attempt_id, class, subclass, confidence, rule, fingerprint, verdict)
    values (${evaluationId}, ${jobId}, ${stepId}, ${attemptId}, ${verdict.class}, ${verdict.subclass},
      ${verdict.confidence}, ${verdict.rule}, ${verdict.fingerprint}, ${json(verdict)})
    on conflict ${key} do update set class = excluded.class, subclass = excluded.subclass, confidence = excluded.confidence,
      rule = excluded.rule, fingerprint = excluded.fingerprint, verdict = excluded.verdict, created_at = now()`);
}

/** Stores a verdict on what a step built all the same, for every job whose step it is. */
export async function recordNote(db: Database, stepId: number, verdict: Verdict): Promise<void> {
  const jobs = await db.execute<{ evaluationId: number; jobId: number }>(sql`
    select j.evaluation_id as "evaluationId", j.id as "jobId" from job_steps x join jobs j on j.id = x.job_id
    where x.step_id = ${stepId} order by j.id`);
  for (const job of jobs)
    await recordFinding(db, {
      ...job,
      stepId,
      attemptId: null,
      verdict,
    });
}

/** Jobs of an evaluation that were built or substituted, with the runtime closure of their outputs that our cache knows. */
export async function listRuntimeClosures(db: Database, evaluationId: number) {
  return db.execute<{ jobId: number; name: string; closure: string[] }>(sql`
    select j.id as "jobId", j.name, c.closure
    from jobs j
    cross join lateral (
      with recursive closure (hash) as (
        select o.path_hash from outputs o where o.drv_hash = j.drv_hash
        union
        select r.reference_hash from closure c join path_references r on r.path_hash = c.hash
      )
      select coalesce(jsonb_agg(p.path order by p.path), '[]') as closure
      from closure c join store_paths p on p.path_hash = c.hash
      where not exists (select 1 from outputs own where own.drv_hash = j.drv_hash and own.path_hash = c.hash)
    ) c
    where j.evaluation_id = ${evaluationId} and j.outcome in ('built', 'substituted') and j.kind = 'build'`);
}

/** Failed attempts of an evaluation's steps without a finding: what classification still owes. */
export async function listUnclassifiedAttempts(db: Database, evaluationId: number) {
  return db.execute<{ stepId: number; attemptId: number }>(sql`
    select s.id as "stepId", a.id as "attemptId"
    from wanted w join steps s on s.id = w.step_id
    join attempts a on a.step_id = s.id and a.generation = s.generation and a.outcome = s.outcome
    where w.evaluation_id = ${evaluationId} and s.outcome not in ('built', 'substituted', 'cancelled', 'dependency-failed')
      and not exists (select 1 from findings f where f.attempt_id = a.id)`);
}
