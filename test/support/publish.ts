/** Publishing made-up paths with real NARs through the server's ingest. */

import type { Claim } from '../../domain/api/ingest.ts';
import { formatHash, hashOf } from '../../domain/nix/hash.ts';
import { writeNar } from '../../domain/nix/nar-write.ts';
import type { Ingest } from '../../server/cache/ingest.ts';
import { outHash, outPath } from './paths.ts';

export interface MadePath {
  readonly claim: Claim;
  readonly nar: Buffer;
}

/** A file that names what it refers to, as its scan is to find it. */
export async function makePath(
  name: string,
  references: readonly string[] = [],
  padding = 0,
): Promise<MadePath> {
  const paths = references.map(outPath);
  const bytes = Buffer.from(`${name}\n${paths.join('\n')}\n${'x'.repeat(padding)}`);
  const file = { kind: 'regular', executable: false, size: bytes.length, content: () => [bytes] } as const;
  const nar = Buffer.concat(await Array.fromAsync(writeNar(file)));
  const claim = {
    path: outPath(name),
    narHash: formatHash(hashOf('sha256', nar)),
    narSize: nar.length,
    references: paths,
    deriver: null,
    ca: null,
  };
  return { claim, nar };
}

/** Declares and sends a closure at once. @throws what ingest throws. */
export async function publish(ingest: Ingest, made: readonly MadePath[]): Promise<void> {
  const inline = Object.fromEntries(
    made.map(({ claim, nar }) => [
      claim.path.slice('/nix/store/'.length).slice(0, 32),
      nar.toString('base64'),
    ]),
  );
  const declared = await ingest.declare({ attemptId: null, claims: made.map((one) => one.claim), inline });
  if (!declared.committed) await ingest.commit(declared.publishId);
}

export async function publishNames(
  ingest: Ingest,
  names: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const made = [];
  for (const [name, references] of Object.entries(names)) made.push(await makePath(name, references));
  await publish(ingest, made);
}

export { outHash };
