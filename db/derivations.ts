/** Derivations and their edges: shared by all evaluations, and immutable. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json, texts } from './sql.ts';

export interface NewDerivation {
  readonly drvHash: string;
  readonly drvPath: string;
  readonly name: string;
  readonly system: string;
  readonly fixedOutput: boolean;
  readonly features: readonly string[];
  readonly inputs: readonly { readonly drvHash: string; readonly outputNames: readonly string[] }[];
  readonly outputs: readonly { readonly name: string; readonly path: string; readonly pathHash: string }[];
}

/** Those of the hashes that are not stored yet. */
export async function listUnknownDerivations(db: Database, drvHashes: readonly string[]): Promise<string[]> {
  if (drvHashes.length === 0) return [];
  const rows = await db.execute<{ drvHash: string }>(sql`
    select hash as "drvHash" from jsonb_array_elements_text(${json(drvHashes)}) as hash
    where not exists (select 1 from derivations d where d.drv_hash = hash)`);
  return rows.map((row) => row.drvHash);
}

/** Stores derivations with their edges and outputs; those known already stay as they are. */
export async function insertDerivations(tx: Database, derivations: readonly NewDerivation[]): Promise<void> {
  if (derivations.length === 0) return;
  const rows = derivations.map((d) => ({
    drv_hash: d.drvHash,
    drv_path: d.drvPath,
    name: d.name,
    system: d.system,
    fixed_output: d.fixedOutput,
    features: d.features,
  }));
  await tx.execute(sql`
    insert into derivations (drv_hash, drv_path, name, system, fixed_output, features)
    select drv_hash, drv_path, name, system, fixed_output,
      array(select jsonb_array_elements_text(features))
    from jsonb_to_recordset(${json(rows)}) as d (drv_hash text, drv_path text, name text, system text,
      fixed_output boolean, features jsonb)
    order by drv_hash on conflict (drv_hash) do nothing`);
  const edges = derivations.flatMap((d) =>
    d.inputs.map((input) => ({
      drv_hash: d.drvHash,
      input_drv_hash: input.drvHash,
      output_names: input.outputNames,
    })),
  );
  await tx.execute(sql`
    insert into derivation_inputs (drv_hash, input_drv_hash, output_names)
    select drv_hash, input_drv_hash, array(select jsonb_array_elements_text(output_names))
    from jsonb_to_recordset(${json(edges)}) as e (drv_hash text, input_drv_hash text, output_names jsonb)
    order by drv_hash, input_drv_hash on conflict do nothing`);
  const outputs = derivations.flatMap((d) =>
    d.outputs.map((output) => ({
      drv_hash: d.drvHash,
      name: output.name,
      path: output.path,
      path_hash: output.pathHash,
    })),
  );
  await tx.execute(sql`
    insert into outputs (drv_hash, name, path, path_hash)
    select drv_hash, name, path, path_hash
    from jsonb_to_recordset(${json(outputs)}) as o (drv_hash text, name text, path text, path_hash text)
    order by drv_hash, name on conflict do nothing`);
}

export interface DerivationNode extends Record<string, unknown> {
  readonly drvHash: string;
  readonly name: string;
  readonly system: string;
  readonly features: readonly string[];
  readonly inputs: readonly { readonly drvHash: string; readonly outputNames: readonly string[] }[];
}

/** Derivations with their direct inputs. */
export async function listDerivationNodes(
  db: Database,
  drvHashes: readonly string[],
): Promise<DerivationNode[]> {
  if (drvHashes.length === 0) return [];
  return db.execute<DerivationNode>(sql`
    select d.drv_hash as "drvHash", d.name, d.system, to_jsonb(d.features) as features,
      coalesce((select jsonb_agg(jsonb_build_object('drvHash', i.input_drv_hash, 'outputNames', i.output_names))
        from derivation_inputs i where i.drv_hash = d.drv_hash), '[]') as inputs
    from derivations d where d.drv_hash in ${texts(drvHashes)}`);
}

/** The required features of those derivations that are stored. */
export async function listDerivationFacts(
  db: Database,
  drvHashes: readonly string[],
): Promise<{ drvHash: string; features: readonly string[] }[]> {
  if (drvHashes.length === 0) return [];
  return db.execute<{ drvHash: string; features: readonly string[] }>(sql`
    select drv_hash as "drvHash", to_jsonb(features) as features from derivations where drv_hash in ${texts(drvHashes)}`);
}
