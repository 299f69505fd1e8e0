/** Takes derivation files in: their paths prove their content, so nothing is claimed. */

import { Readable } from 'node:stream';
import { lockPending, makeVisible } from '../../db/pending-paths.ts';
import { formatHash, hashOf } from '../../domain/nix/hash.ts';
import { writeNar } from '../../domain/nix/nar-write.ts';
import type { StorePath } from '../../domain/nix/store-path.ts';
import type { IngestDeps } from './ingest.ts';
import { finish } from './publish-paths.ts';
import { type TakenNar, takeNar } from './take-nar.ts';

export interface DerivationText {
  readonly path: StorePath;
  readonly text: string;
  readonly references: readonly StorePath[];
}

/** References come first, or are there: an evaluation sends what is new, and its sources before that. */
export async function ingestDerivationFiles(
  deps: IngestDeps,
  files: readonly DerivationText[],
): Promise<void> {
  const taken: TakenNar[] = [];
  try {
    for (const file of files) taken.push(await takeText(deps, file));
    const rows = taken.map((one) => one.row);
    const visible = await deps.connection.transaction(async (tx) => {
      await lockPending(tx);
      for (const one of taken) await one.place();
      return makeVisible(tx, rows);
    });
    for (const one of taken) await one.describe();
    await finish(deps, { visible, contested: [] });
  } finally {
    for (const one of taken) await one.discard();
  }
}

async function takeText(deps: IngestDeps, { path, text, references }: DerivationText): Promise<TakenNar> {
  const content = Buffer.from(text);
  const nar = Buffer.concat(
    await Array.fromAsync(
      writeNar({ kind: 'regular', executable: false, size: content.length, content: () => [content] }),
    ),
  );
  const claim = {
    path,
    narHash: formatHash(hashOf('sha256', nar)),
    narSize: nar.length,
    references,
    deriver: null,
    ca: `text:${formatHash(hashOf('sha256', content))}`,
    signatures: [],
  };
  return takeNar(deps, claim, { bytes: Readable.from([nar]), compression: 'none' }, []);
}
