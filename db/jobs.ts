/** Jobs: an attribute for a system and a variant in one evaluation. */

import { sql } from 'drizzle-orm';
import type { NotScheduled } from './schema/graph.ts';
import type { Database } from './database.ts';
import { recordLicences } from './licences.ts';
import { ids, json } from './sql.ts';

export interface NewJob {
  readonly name: string;
  readonly attrPath: readonly string[];
  readonly system: string;
  readonly variant: string | null;
  readonly drvHash: string;
  readonly nixName: string;
  readonly kind: 'build' | 'gpu-check' | 'aggregate';
  readonly meta: Record<string, unknown>;
  readonly timeoutSeconds: number | null;
  readonly silentTimeoutSeconds: number | null;
  /** For aggregates, as Hydra: job names, or store paths of derivations; resolved when the evaluation has ended. */
  readonly constituents: readonly string[];
}

/** Stores jobs; one that is stored already stays as it is (an evaluation may be repeated after a crash). */
export async function insertJobs(tx: Database, evaluationId: number, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const inserted = await tx.execute<{ id: number; name: string; system: string; variant: string | null }>(sql`
    insert into jobs (evaluation_id, name, attr_path, system, variant, drv_hash, nix_name, kind, meta, timeout_seconds, silent_timeout_seconds)
    select ${evaluationId}, name, array(select jsonb_array_elements_text("attrPath")), system, variant, "drvHash", "nixName", kind, meta,
      "timeoutSeconds", "silentTimeoutSeconds"
    from jsonb_to_recordset(${json(jobs)}) as j (name text, "attrPath" jsonb, system text, variant text, "drvHash" text,
      "nixName" text, kind text, meta jsonb, "timeoutSeconds" int, "silentTimeoutSeconds" int)
    on conflict (evaluation_id, name, system, coalesce(variant, '')) do nothing
    returning id, name, system, variant`);
  await recordLicences(tx, evaluationId, jobs);
  const idOf = new Map(inserted.map((job) => [jobKey(job), job.id]));
  const constituents = jobs.flatMap((job) => {
    const jobId = idOf.get(jobKey(job));
    if (jobId === undefined) return [];
    return job.constituents.map((name, position) => ({ job_id: jobId, position, name }));
  });
  if (constituents.length === 0) return;
  await tx.execute(sql`
    insert into job_constituents (job_id, position, name)
    select job_id, position, name from jsonb_to_recordset(${json(constituents)}) as c (job_id bigint, position int, name text)`);
}

function jobKey({ name, system, variant }: { name: string; system: string; variant: string | null }): string {
  return JSON.stringify([name, system, variant]);
}

export interface UnplannedJob extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly drvHash: string;
  readonly kind: 'build' | 'gpu-check' | 'aggregate';
  readonly timeoutSeconds: number | null;
  readonly silentTimeoutSeconds: number | null;
}

/** Jobs without steps yet. Aggregates wait until all others are known, since they name them. */
export async function listUnplannedJobs(
  db: Database,
  evaluationId: number,
  kind: 'aggregates' | 'others',
  limit: number,
): Promise<UnplannedJob[]> {
  return db.execute<UnplannedJob>(sql`
    select id, name, system, variant, drv_hash as "drvHash", kind, timeout_seconds as "timeoutSeconds",
      silent_timeout_seconds as "silentTimeoutSeconds"
    from jobs
    where evaluation_id = ${evaluationId} and not planned and (kind = 'aggregate') = ${kind === 'aggregates'}
    order by id limit ${limit}`);
}

export interface PlannedJob {
  readonly jobId: number;
  /** Empty where the outputs were available: the job is substituted. */
  readonly stepIds: readonly number[];
  readonly notScheduled: readonly NotScheduled[];
}

export async function markJobsPlanned(tx: Database, jobs: readonly PlannedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await tx.execute(sql`
    insert into job_steps (job_id, step_id)
    select "jobId", s.id::bigint from jsonb_to_recordset(${json(jobs)}) as j ("jobId" bigint, "stepIds" jsonb)
    cross join lateral jsonb_array_elements_text("stepIds") as s (id) on conflict do nothing`);
  await tx.execute(sql`
    update jobs set planned = true, not_scheduled = j."notScheduled",
      outcome = case when jsonb_array_length(j."stepIds") = 0 then 'substituted' end
    from jsonb_to_recordset(${json(jobs)}) as j ("jobId" bigint, "stepIds" jsonb, "notScheduled" jsonb)
    where jobs.id = j."jobId"`);
}

export interface AggregateJob extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly constituents: readonly string[];
}

/** All aggregates of an evaluation with the constituents that they name. */
export async function listAggregates(db: Database, evaluationId: number): Promise<AggregateJob[]> {
  return db.execute<AggregateJob>(sql`
    select j.id, j.name, j.system, j.variant,
      coalesce((select jsonb_agg(c.name order by c.position) from job_constituents c where c.job_id = j.id), '[]') as constituents
    from jobs j where j.evaluation_id = ${evaluationId} and j.kind = 'aggregate' order by j.id`);
}

/** Names of all jobs of an evaluation, for aggregates to choose from. */
export async function listJobNames(db: Database, evaluationId: number) {
  return db.execute<{
    id: number;
    name: string;
    system: string;
    variant: string | null;
    drvHash: string;
    drvPath: string;
  }>(sql`
    select j.id, j.name, j.system, j.variant, j.drv_hash as "drvHash", d.drv_path as "drvPath"
    from jobs j join derivations d on d.drv_hash = j.drv_hash where j.evaluation_id = ${evaluationId} order by j.name, j.id`);
}

/** Replaces what an aggregate named by the jobs that it means. */
export async function resolveConstituents(
  tx: Database,
  resolved: readonly {
    readonly jobId: number;
    readonly constituents: readonly { readonly id: number; readonly name: string }[];
  }[],
): Promise<void> {
  await tx.execute(
    sql`delete from job_constituents where job_id in ${ids(resolved.map((job) => job.jobId))}`,
  );
  const rows = resolved.flatMap((job) =>
    job.constituents.map((constituent, position) => ({
      job_id: job.jobId,
      position,
      name: constituent.name,
      constituent_job_id: constituent.id,
    })),
  );
  if (rows.length === 0) return;
  await tx.execute(sql`
    insert into job_constituents (job_id, position, name, constituent_job_id)
    select job_id, position, name, constituent_job_id
    from jsonb_to_recordset(${json(rows)}) as c (job_id bigint, position int, name text, constituent_job_id bigint)`);
}

/** A job that turned out not to be one (a broken aggregate): its error stands in the evaluation's errors. */
export async function deleteJobs(tx: Database, jobIds: readonly number[]): Promise<void> {
  if (jobIds.length > 0) await tx.execute(sql`delete from jobs where id in ${ids(jobIds)}`);
}

/** The steps of these jobs: what an aggregate's step waits for. */
export async function listStepIdsOfJobs(
  db: Database,
  jobIds: readonly number[],
): Promise<Map<number, number[]>> {
  if (jobIds.length === 0) return new Map();
  const rows = await db.execute<{ jobId: number; stepId: number }>(sql`
    select job_id as "jobId", step_id as "stepId" from job_steps where job_id in ${ids(jobIds)}`);
  const steps = new Map<number, number[]>();
  for (const { jobId, stepId } of rows) steps.set(jobId, [...(steps.get(jobId) ?? []), stepId]);
  return steps;
}

/** The evaluation that a job belongs to. */
export async function findJobPlace(
  db: Database,
  jobId: number,
): Promise<{ evaluationId: number } | undefined> {
  const [row] = await db.execute<{ evaluationId: number }>(sql`
    select evaluation_id as "evaluationId" from jobs where id = ${jobId}`);
  return row;
}
