/** Uploads for tests: a NAR and its narinfo as a client makes them, to be spoiled one field at a time. */

import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { formatHash, hashOf } from '../../domain/nix/hash.ts';
import { nar as wholeNar, fileNar } from './nar-trees.ts';

export interface Upload {
  readonly hash: string;
  readonly narKey: string;
  readonly narFile: Buffer;
  /** Lines of the narinfo, by field. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A path whose NAR is one file with this content. */
export function makeUpload(name: string, content: string, references: readonly string[] = []): Upload {
  const nar = wholeNar(fileNar(content));
  const narFile = zstdCompressSync(nar);
  const hash = storeHash(name);
  const fileHash = formatHash(hashOf('sha256', narFile));
  const narKey = `nar/${fileHash.slice('sha256:'.length)}.nar.zst`;
  const fields = {
    StorePath: `/nix/store/${hash}-${name}`,
    URL: narKey,
    Compression: 'zstd',
    FileHash: fileHash,
    FileSize: String(narFile.length),
    NarHash: formatHash(hashOf('sha256', nar)),
    NarSize: String(nar.length),
    References: references.join(' '),
  };
  return { hash, narKey, narFile, fields };
}

/** Some hash part, the same for the same name. */
export function storeHash(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return digest.slice(0, 32).replaceAll('e', 'x');
}

export function narInfoText(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}
