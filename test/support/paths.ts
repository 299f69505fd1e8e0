/** Paths of the cache by name, entered into the index without bytes: for tests of what is decided by it. */

import { sql } from 'drizzle-orm';
import type { Connection } from '../../db/database.ts';
import { insertStorePaths } from '../../db/store-paths.ts';
import { hashFor } from './graph.ts';

/** Hash part of the output `out` of a derivation of `storeGraph`. */
export function outHash(name: string): string {
  return hashFor(`out-${name}`);
}

export const outPath = (name: string): string => `/nix/store/${outHash(name)}-${name}`;
export const narUrl = (name: string): string => `nar/1${outHash(name)}${'0'.repeat(19)}.nar.zst`;

/** Enters the outputs of these derivations in this order, each with the outputs that it refers to. */
export async function enterPaths(
  connection: Connection,
  paths: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  for (const [name, references] of Object.entries(paths))
    await connection.transaction((tx) =>
      insertStorePaths(tx, [
        {
          pathHash: outHash(name),
          path: outPath(name),
          narHash: 'sha256:0',
          narSize: 100,
          url: narUrl(name),
          compression: 'zstd',
          fileHash: 'sha256:0',
          fileSize: 10,
          deriver: `/nix/store/${hashFor(name)}-${name}.drv`,
          ca: null,
          references: references.map(outPath),
          signatures: [],
        },
      ]),
    );
}

/** Names of the paths that strangers see. */
export async function publicNames(connection: Connection): Promise<string[]> {
  const rows = await connection.db.execute<{ name: string }>(sql`
    select substring(p.path from 45) as name from path_visibility v join store_paths p on p.path_hash = v.path_hash
    where v.is_public order by 1`);
  return rows.map((row) => row.name);
}
