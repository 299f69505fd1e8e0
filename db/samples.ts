/** Measured figures, and what a build offers to people. */

import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { json } from './sql.ts';

export interface Sample {
  readonly name: string;
  readonly value: number;
  readonly unit: string | null;
}

export async function recordSamples(
  tx: Database,
  attempt: { readonly id: number; readonly stepId: number },
  samples: readonly Sample[],
): Promise<void> {
  if (samples.length === 0) return;
  await tx.execute(sql`
    insert into samples (metric, value, unit, step_id, attempt_id)
    select distinct on (name) name, value, unit, ${attempt.stepId}, ${attempt.id}
    from jsonb_to_recordset(${json(samples)}) as s (name text, value double precision, unit text)
    on conflict (attempt_id, metric) where attempt_id is not null do update set value = excluded.value, unit = excluded.unit`);
}

export interface Product {
  readonly type: string;
  readonly subtype: string;
  readonly path: string;
  readonly name: string;
  readonly defaultPath: string | null;
}

/** Numbered from 1, as Hydra does. */
export async function recordProducts(
  tx: Database,
  attemptId: number,
  products: readonly Product[],
): Promise<void> {
  if (products.length === 0) return;
  await tx.execute(sql`
    insert into build_products (attempt_id, number, type, subtype, path, name, default_path)
    select ${attemptId}, row_number() over (), type, subtype, path, name, "defaultPath"
    from jsonb_to_recordset(${json(products)}) as p (type text, subtype text, path text, name text, "defaultPath" text)
    on conflict do nothing`);
}
