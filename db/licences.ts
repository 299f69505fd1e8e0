/** Facts that decide who may see a path: licences by derivation, and the operator's rules. */

import { sql } from 'drizzle-orm';
import { classifyMeta, type Licence, licenceRank, parseLicences } from '../domain/ci/licence.ts';
import type { Connection, Database } from './database.ts';
import { json, texts } from './sql.ts';

/** The operator's rules for the public view. */
export interface PolicySettings {
  /** Licences that count as free, by `licenceName`. */
  readonly licences: readonly string[];
  /** Packages (`pname`, or with their version) that count as free, whatever they say. */
  readonly packages: readonly string[];
  /** Upstream caches that serve nothing but what may be redistributed. */
  readonly upstreams: readonly string[];
  /** Whether what is unfree, but may be redistributed, is public. */
  readonly redistributable: boolean;
}

export interface LicensedJob {
  readonly name: string;
  readonly drvHash: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Takes note of what jobs say of their licences. Where several say different things of one derivation the most restrictive
 * holds, so that nobody can make a package public by evaluating it under another licence.
 */
export async function recordLicences(
  tx: Database,
  evaluationId: number,
  jobs: readonly LicensedJob[],
): Promise<void> {
  const licensed = jobs.filter((job) => classifyMeta(job.meta) !== undefined);
  if (licensed.length === 0) return;
  const allowed = new Set((await readPolicySettings(tx)).licences);
  const worst = new Map<string, { rank: number; licences: readonly Licence[]; name: string }>();
  for (const { drvHash, meta, name } of licensed) {
    const rank = licenceRank(classifyMeta(meta, allowed) ?? 'unknown');
    if (rank > (worst.get(drvHash)?.rank ?? -1))
      worst.set(drvHash, { rank, licences: parseLicences(meta), name });
  }
  const rows = [...worst].map(([drv_hash, row]) => ({ drv_hash, ...row }));
  await tx.execute(sql`
    insert into derivation_licences as known (drv_hash, rank, licences, job_name, evaluation_id)
    select drv_hash, rank, licences, name, ${evaluationId}
    from jsonb_to_recordset(${json(rows)}) as l (drv_hash text, rank smallint, licences jsonb, name text) order by drv_hash
    on conflict (drv_hash) do update set rank = excluded.rank, licences = excluded.licences, job_name = excluded.job_name,
      evaluation_id = excluded.evaluation_id, recorded_at = now()
    where excluded.rank > known.rank`);
}

interface SettingsRow extends Record<string, unknown> {
  readonly licences: readonly string[];
  readonly packages: readonly string[];
  readonly upstreams: readonly string[];
  readonly maxRank: number;
  readonly factsRead: boolean;
}

async function readPolicySettings(db: Database): Promise<SettingsRow> {
  const [row] = await db.execute<SettingsRow>(sql`
    select to_jsonb(licences) as licences, to_jsonb(packages) as packages, to_jsonb(upstreams) as upstreams,
      max_rank as "maxRank", facts_read as "factsRead" from policy_settings`);
  if (row === undefined) throw new Error('policy_settings has no row: the database was not migrated');
  return row;
}

/** Jobs read at once when all are read again. */
const BATCH = 5_000;

/**
 * Makes the operator's rules those of the database. Where they changed, or a migration brought them, every evaluation is read
 * again and every path computed anew: minutes for millions of paths, in one transaction, so that nothing is public by half.
 * Returns whether anything had to be done.
 */
export function applyPolicySettings(connection: Connection, settings: PolicySettings): Promise<boolean> {
  return connection.transaction(async (tx) => {
    await tx.execute(sql`select lock_publishing_exclusively()`);
    const before = await readPolicySettings(tx);
    const maxRank = settings.redistributable ? 1 : 0;
    const same =
      before.factsRead &&
      before.maxRank === maxRank &&
      (['licences', 'packages', 'upstreams'] as const).every(
        (key) => before[key].toSorted().join('\n') === settings[key].toSorted().join('\n'),
      );
    if (same) return false;
    await tx.execute(sql`
      update policy_settings set licences = array(${texts(settings.licences)}), packages = array(${texts(settings.packages)}),
        upstreams = array(${texts(settings.upstreams)}), max_rank = ${maxRank}, facts_read = true`);
    await tx.execute(sql`delete from derivation_licences`);
    for (let after = 0; ;) {
      const jobs = await tx.execute<
        LicensedJob & { id: number; evaluationId: number } & Record<string, unknown>
      >(sql`
        select id, evaluation_id as "evaluationId", name, drv_hash as "drvHash", meta from jobs
        where id > ${after} and (meta ? 'license' or meta ? 'unfree') order by id limit ${BATCH}`);
      for (const evaluationId of new Set(jobs.map((job) => job.evaluationId)))
        await recordLicences(
          tx,
          evaluationId,
          jobs.filter((job) => job.evaluationId === evaluationId),
        );
      const last = jobs.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    await tx.execute(sql`select refresh_visibility(array(select path_hash from store_paths))`);
    return true;
  });
}
