/** The listing of a NAR that is stored: of one that came before listings were kept, or whose listing was lost. */

import type { Readable } from 'node:stream';
import { createNarReader } from '../../domain/nix/nar-read.ts';
import { decompress } from './decompress.ts';
import { createListingBuilder } from './nar-listing.ts';

/** @returns the text of `<hash>.ls`, or `null` where none can be written. */
export async function listStoredNar(file: Readable): Promise<string | null> {
  const builder = createListingBuilder();
  const reader = createNarReader(builder.visitor);
  for await (const chunk of decompress('zstd', file, Number.MAX_SAFE_INTEGER)) reader.write(chunk);
  reader.end();
  return builder.listing();
}
