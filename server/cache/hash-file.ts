/** The sha256 of a file. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { formatHash } from '../../domain/nix/hash.ts';

/** @returns `sha256:<nix32>`, and how long the file is. */
export async function hashFile(path: string): Promise<{ hash: string; bytes: number }> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    bytes += chunk.length;
  }
  return { hash: formatHash({ algorithm: 'sha256', bytes: digest.digest() }), bytes };
}
