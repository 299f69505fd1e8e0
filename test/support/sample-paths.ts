/** Store paths made up for tests, with their NARs and claims, and folders of them that Nix reads as `file://` caches. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Claim } from '../../domain/api/ingest.ts';
import { encodeNix32 } from '../../domain/nix/base32.ts';
import { formatContentAddress, parseContentAddress } from '../../domain/nix/content-address.ts';
import { formatHash, hashOf } from '../../domain/nix/hash.ts';
import { formatNarInfo, type NarInfo } from '../../domain/nix/narinfo.ts';
import { formatStorePath, type StorePath, storePathHash } from '../../domain/nix/store-path.ts';
import { formatNarTree, isFile, isLink, type Tree } from './nar-trees.ts';

export interface SamplePath {
  readonly path: StorePath;
  readonly pathHash: string;
  readonly nar: Buffer;
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | null;
  readonly ca: string | null;
}

export interface SampleOptions {
  readonly references?: readonly SamplePath[];
  /** Whether its NAR holds its own path. */
  readonly self?: boolean;
  readonly deriver?: StorePath;
  readonly storeDir?: string;
}

/** A path of its own for each name; its tree shows what it refers to in a file `references`. */
export function samplePath(
  name: string,
  tree: Record<string, Tree>,
  options: SampleOptions = {},
): SamplePath {
  const { references = [], self = false, deriver = null, storeDir } = options;
  const pathHash = encodeNix32(hashOf('sha256', `sample:${name}`).bytes.subarray(0, 20));
  const path = formatStorePath(pathHash, name, storeDir);
  const all = [...references.map((one) => one.path), ...(self ? [path] : [])];
  const nar = formatNarTree(sorted({ ...tree, references: { content: all.join('\n') } }));
  return { path, pathHash, nar, references: all, deriver, ca: null };
}

/** Entries by bytes, as a NAR must have them. */
export function sorted(tree: Tree): Tree {
  if (isFile(tree) || isLink(tree)) return tree;
  const names = Object.keys(tree).toSorted((a, b) =>
    Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')),
  );
  return Object.fromEntries(names.map((name) => [name, sorted(tree[name] as Tree)]));
}

export function claimOf({ path, nar, references, deriver, ca }: SamplePath): Claim {
  return {
    path,
    narHash: formatHash(hashOf('sha256', nar)),
    narSize: nar.length,
    references: [...references],
    deriver,
    ca: ca === null ? null : formatContentAddress(parseContentAddress(ca)),
  };
}

/** The narinfo of a NAR as it is uploaded in `file`. */
export function narInfoOf(
  sample: SamplePath,
  file: Buffer = sample.nar,
  compression: NarInfo['compression'] = 'none',
  extension = '',
): NarInfo {
  const fileHash = hashOf('sha256', file);
  return {
    path: sample.path,
    url: `nar/${formatHash(fileHash).slice('sha256:'.length)}.nar${extension}`,
    compression,
    fileHash,
    fileSize: file.length,
    narHash: hashOf('sha256', sample.nar),
    narSize: sample.nar.length,
    references: sample.references,
    deriver: sample.deriver,
    signatures: [],
    ca: sample.ca === null ? null : parseContentAddress(sample.ca),
  };
}

/** A folder that Nix copies from: `nix copy --no-check-sigs --from file://FOLDER PATH`. */
export async function writeSampleCache(folder: string, samples: readonly SamplePath[]): Promise<void> {
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n');
  for (const sample of samples) {
    const info = narInfoOf(sample);
    await writeFile(join(folder, info.url), sample.nar);
    await writeFile(join(folder, `${storePathHash(sample.path)}.narinfo`), formatNarInfo(info));
  }
}
