/** A narinfo from its row in the index. */

import type { IndexedPath } from '../../db/store-paths.ts';
import { parseContentAddress } from '../../domain/nix/content-address.ts';
import { parseHash } from '../../domain/nix/hash.ts';
import { formatNarInfo } from '../../domain/nix/narinfo.ts';
import { parseStorePath } from '../../domain/nix/store-path.ts';

export function renderNarInfo(row: IndexedPath, storeDir: string): string {
  return formatNarInfo({
    path: parseStorePath(row.path, storeDir),
    url: row.url,
    compression: 'zstd',
    fileHash: parseHash(row.fileHash),
    fileSize: row.fileSize,
    narHash: parseHash(row.narHash),
    narSize: row.narSize,
    references: row.references.map((reference) => parseStorePath(reference, storeDir)),
    deriver: row.deriver === null ? null : parseStorePath(row.deriver, storeDir),
    signatures: row.signatures.map(({ signature }) => signature),
    ca: row.ca === null ? null : parseContentAddress(row.ca),
  });
}
