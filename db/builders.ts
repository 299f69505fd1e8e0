/** Builders and their GPUs, as they announce themselves. */

import { sql } from 'drizzle-orm';
import { claimReadySteps } from './claims.ts';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface BuilderAnnouncement {
  readonly name: string;
  readonly incarnation: string;
  readonly state: 'active' | 'drained';
  readonly reason: string | null;
  readonly systems: readonly string[];
  readonly features: readonly string[];
  readonly pools: readonly string[];
  readonly slots: number;
  readonly nixVersion: string;
  readonly workerVersion: string;
  readonly storeDir: string;
  readonly freeBytes: number | null;
  readonly gpus: readonly GpuAnnouncement[];
}

export interface GpuAnnouncement {
  readonly uuid: string;
  readonly position: number;
  readonly model: string;
  readonly computeCapability: string;
  readonly architecture: string;
  readonly driver: string;
  readonly memoryBytes: number;
  readonly standIn: boolean;
}

/** Writes what a builder says of itself, and returns what a person wants of it. New capacity claims waiting steps at once. */
export async function recordBuilder(
  tx: Database,
  builder: BuilderAnnouncement,
): Promise<{ wanted: 'active' | 'drained' }> {
  const [row] = await tx.execute<{ wanted: 'active' | 'drained'; isNew: boolean }>(sql`
    insert into builders (name, state, reason, systems, features, pools, slots, nix_version, worker_version, store_dir, free_bytes, incarnation)
    values (${builder.name}, ${builder.state}, ${builder.reason}, ${textArray(builder.systems)}, ${textArray(builder.features)},
      ${textArray(builder.pools)}, ${builder.slots}, ${builder.nixVersion}, ${builder.workerVersion}, ${builder.storeDir},
      ${builder.freeBytes}, ${builder.incarnation})
    on conflict (name) do update set state = excluded.state, reason = excluded.reason, systems = excluded.systems,
      features = excluded.features, pools = excluded.pools, slots = excluded.slots, nix_version = excluded.nix_version,
      worker_version = excluded.worker_version, store_dir = excluded.store_dir, free_bytes = excluded.free_bytes,
      incarnation = excluded.incarnation, last_seen_at = now(), left_at = null
    returning wanted, true as "isNew"`);
  await recordGpus(tx, builder);
  const gpuPools = builder.gpus.map((gpu) => `gpu.${gpu.architecture}`);
  if (builder.state === 'active')
    await claimReadySteps(tx, await poolsWithReadySteps(tx, [...builder.pools, ...gpuPools]));
  return { wanted: row?.wanted ?? 'active' };
}

async function recordGpus(tx: Database, { name, gpus }: BuilderAnnouncement): Promise<void> {
  await tx.execute(sql`
    delete from gpus where builder = ${name}
      and uuid not in (select g ->> 'uuid' from jsonb_array_elements(${json(gpus)}) g)`);
  if (gpus.length === 0) return;
  await tx.execute(sql`
    insert into gpus (uuid, builder, position, model, compute_capability, architecture, driver, memory_bytes, stand_in)
    select uuid, ${name}, position, model, "computeCapability", architecture, driver, "memoryBytes", "standIn"
    from jsonb_to_recordset(${json(gpus)}) as g (uuid text, position int, model text, "computeCapability" text,
      architecture text, driver text, "memoryBytes" bigint, "standIn" boolean)
    on conflict (uuid) do update set builder = excluded.builder, position = excluded.position, model = excluded.model,
      compute_capability = excluded.compute_capability, architecture = excluded.architecture, driver = excluded.driver,
      memory_bytes = excluded.memory_bytes, stand_in = excluded.stand_in, last_seen_at = now()`);
}

async function poolsWithReadySteps(tx: Database, pools: readonly string[]): Promise<string[]> {
  const rows = await tx.execute<{ pool: string }>(sql`
    select p.pool from unnest(${textArray(pools)}) as p (pool)
    where exists (select 1 from steps s where s.pool = p.pool and s.state = 'ready')`);
  return rows.map((row) => row.pool);
}

/** A builder says good-bye: its pools count as without it at once. */
export async function recordBuilderLeft(db: Database, name: string, incarnation: string): Promise<void> {
  await db.execute(
    sql`update builders set left_at = now() where name = ${name} and incarnation = ${incarnation}`,
  );
}

/** What a person wants of a builder; it hears of it with its next announcement. Returns whether there is such a builder. */
export async function setBuilderWanted(
  db: Database,
  name: string,
  wanted: 'active' | 'drained',
  reason: string | null,
): Promise<boolean> {
  const rows = await db.execute(sql`
    update builders set wanted = ${wanted}, wanted_reason = ${reason} where name = ${name} returning name`);
  return rows.length > 0;
}

export async function recordHealthEvent(
  db: Database,
  event: {
    readonly builder: string;
    readonly gpuUuid: string | null;
    readonly kind: string;
    readonly message: string;
  },
): Promise<void> {
  await db.execute(sql`
    insert into health_events (builder, gpu_uuid, kind, message)
    values (${event.builder}, ${event.gpuUuid}, ${event.kind}, ${event.message})`);
}

/** Architectures with a GPU on a builder seen within this time: a reboot does not shrink the matrix. */
const ARCHITECTURE_MEMORY_SECONDS = 600;

export async function listOnlineArchitectures(db: Database): Promise<string[]> {
  const rows = await db.execute<{ architecture: string }>(sql`
    select distinct g.architecture from gpus g join builders b on b.name = g.builder
    where b.last_seen_at > now() - make_interval(secs => ${ARCHITECTURE_MEMORY_SECONDS}) and b.left_at is null`);
  return rows.map((row) => row.architecture);
}

function textArray(values: readonly string[]) {
  return sql`array(select jsonb_array_elements_text(${json(values)}))`;
}
