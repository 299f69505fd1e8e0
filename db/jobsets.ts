/** Projects, jobsets and the triggers that ask for evaluations. */

import { sql } from 'drizzle-orm';
import type { JobsetConfig } from '../domain/ci/jobset-config.ts';
import type { Database } from './database.ts';
import { addToOutbox, triggerMessage } from './outbox.ts';
import { ids, json } from './sql.ts';

export interface JobsetRow extends Record<string, unknown> {
  readonly id: number;
  readonly project: string;
  readonly name: string;
  readonly config: JobsetConfig;
  readonly baseFolder: string | null;
  readonly enabled: boolean;
  readonly lastRevision: string | null;
}

/** Creates or replaces a jobset by its project and name; evaluations of it stay. */
export async function saveJobset(
  tx: Database,
  config: JobsetConfig,
  baseFolder: string | null,
): Promise<number> {
  await tx.execute(sql`insert into projects (slug) values (${config.project}) on conflict do nothing`);
  const [row] = await tx.execute<{ id: number }>(sql`
    insert into jobsets (project_id, name, config, base_folder, enabled)
    select id, ${config.name}, ${json(config)}, ${baseFolder}, ${config.enabled} from projects where slug = ${config.project}
    on conflict (project_id, name) do update set config = excluded.config, base_folder = excluded.base_folder,
      enabled = excluded.enabled, updated_at = now()
    returning id`);
  if (row === undefined) throw new Error(`jobset ${config.project}/${config.name} was not written`);
  return row.id;
}

const columns = sql`j.id, p.slug as project, j.name, j.config, j.base_folder as "baseFolder", j.enabled,
  j.last_revision as "lastRevision"`;

export async function findJobset(db: Database, jobsetId: number): Promise<JobsetRow | undefined> {
  const [row] = await db.execute<JobsetRow>(sql`
    select ${columns} from jobsets j join projects p on p.id = j.project_id where j.id = ${jobsetId}`);
  return row;
}

export async function findJobsetByName(
  db: Database,
  project: string,
  name: string,
): Promise<JobsetRow | undefined> {
  const [row] = await db.execute<JobsetRow>(sql`
    select ${columns} from jobsets j join projects p on p.id = j.project_id where p.slug = ${project} and j.name = ${name}`);
  return row;
}

export async function listJobsets(db: Database): Promise<JobsetRow[]> {
  return db.execute<JobsetRow>(sql`
    select ${columns} from jobsets j join projects p on p.id = j.project_id order by p.slug, j.name`);
}

export async function recordRevision(db: Database, jobsetId: number, revision: string | null): Promise<void> {
  await db.execute(sql`update jobsets set last_revision = ${revision} where id = ${jobsetId}`);
}

export interface NewTrigger {
  readonly jobset: JobsetRow;
  readonly kind: 'api' | 'cli' | 'schedule' | 'webhook';
  /** Evaluates an unchanged revision too. */
  readonly forced: boolean;
}

/** Writes a trigger and tells the project's workflow. */
export async function recordTrigger(tx: Database, { jobset, kind, forced }: NewTrigger): Promise<number> {
  const [row] = await tx.execute<{ id: number }>(sql`
    insert into triggers (jobset_id, kind, forced) values (${jobset.id}, ${kind}, ${forced}) returning id`);
  if (row === undefined) throw new Error(`trigger of jobset ${jobset.id} was not written`);
  const { debounceSeconds } = jobset.config;
  await addToOutbox(tx, [
    triggerMessage(jobset.project, { jobsetId: jobset.id, triggerId: row.id, debounceSeconds }),
  ]);
  return row.id;
}

export interface TriggerRow extends Record<string, unknown> {
  readonly id: number;
  readonly jobsetId: number;
  readonly forced: boolean;
  readonly state: string;
}

/** Those of the triggers that nothing came of yet. */
export async function listPendingTriggers(
  db: Database,
  triggerIds: readonly number[],
): Promise<TriggerRow[]> {
  return db.execute<TriggerRow>(sql`
    select id, jobset_id as "jobsetId", forced, state from triggers
    where id in ${ids(triggerIds)} and state = 'pending' order by id for update`);
}

/** All pending triggers older than this, with their project: those whose message Temporal may have lost. */
export async function listForgottenTriggers(db: Database, olderThanSeconds: number) {
  return db.execute<{ id: number; jobsetId: number; project: string; debounceSeconds: number }>(sql`
    select t.id, t.jobset_id as "jobsetId", p.slug as project, (j.config ->> 'debounceSeconds')::int as "debounceSeconds"
    from triggers t join jobsets j on j.id = t.jobset_id join projects p on p.id = j.project_id
    where t.state = 'pending'
      and t.received_at < now() - make_interval(secs => ${olderThanSeconds} + (j.config ->> 'debounceSeconds')::int)`);
}

/** What came of triggers: the newest started an evaluation (or found nothing new), the others were one with it. */
export async function settleTriggers(
  tx: Database,
  triggerIds: readonly number[],
  end: {
    readonly state: 'unchanged' | 'started' | 'failed';
    readonly evaluationId: number | null;
    readonly message: string | null;
  },
): Promise<void> {
  await tx.execute(sql`
    update triggers set evaluation_id = ${end.evaluationId}, message = ${end.message}, settled_at = now(),
      state = case when ${end.state} = 'started' and id < (select max(id) from triggers where id in ${ids(triggerIds)})
        then 'merged' else ${end.state} end
    where id in ${ids(triggerIds)} and state = 'pending'`);
}

export async function findTrigger(db: Database, triggerId: number) {
  const [row] = await db.execute<{
    id: number;
    jobsetId: number;
    kind: string;
    forced: boolean;
    state: string;
    message: string | null;
    evaluationId: number | null;
  }>(sql`
    select id, jobset_id as "jobsetId", kind, forced, state, message, evaluation_id as "evaluationId"
    from triggers where id = ${triggerId}`);
  return row;
}

/** Evaluations of a jobset that still run and are older than this one: what a newer revision supersedes. */
export async function listOlderOpenEvaluations(db: Database, jobsetId: number, number: number) {
  return db.execute<{ evaluationId: number; project: string; jobset: string; number: number }>(sql`
    select e.id as "evaluationId", p.slug as project, j.name as jobset, e.number
    from evaluations e join jobsets j on j.id = e.jobset_id join projects p on p.id = j.project_id
    where e.jobset_id = ${jobsetId} and e.number < ${number} and e.state <> 'finished' and e.cancel_requested_at is null`);
}
