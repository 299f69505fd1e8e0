/** Whether the bytes of an upstream's file are what its narinfo says. */

import { createHash } from 'node:crypto';
import { formatHash } from '../../../domain/nix/hash.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { decompress } from '../decompress.ts';
import { compressionOf, fileHashOf, type PulledNarInfo } from './pulled-narinfo.ts';

/**
 * For what is only passed on: by the hash of the file, and by that of the NAR where the upstream says no other. Clients look at
 * the NAR themselves.
 * @throws ParseError where they are others.
 */
export async function verifyPulled(
  { info, fileSize }: Pick<PulledNarInfo, 'info' | 'fileSize'>,
  bytes: AsyncIterable<Buffer>,
): Promise<void> {
  const compression = compressionOf(info);
  const fileHash = fileHashOf(info);
  const plain =
    fileHash !== null || compression === undefined ? bytes : decompress(compression, bytes, info.narSize);
  const digest = createHash('sha256');
  let size = 0;
  for await (const chunk of plain) {
    digest.update(chunk);
    size += chunk.length;
  }
  const hash = formatHash({ algorithm: 'sha256', bytes: digest.digest() });
  const expectedHash = fileHash ?? formatHash(info.narHash);
  const expectedSize = fileHash === null ? info.narSize : (fileSize ?? size);
  if (hash !== expectedHash || size !== expectedSize)
    throw new ParseError(
      `NAR of ${info.path}`,
      `${hash}, ${size} bytes`,
      `${expectedHash}, ${expectedSize} bytes`,
    );
}
