/**
 * The one pass over a NAR that is taken in: decompression within limits, grammar, hash, size, references, listing, and
 * the stored file with its own hash. Needs no database.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ContentAddress } from '../../domain/nix/content-address.ts';
import { formatHash, type NixHash } from '../../domain/nix/hash.ts';
import { createNarReader, type NarVisitor } from '../../domain/nix/nar-read.ts';
import { createReferenceScanner } from '../../domain/nix/references.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { createContentHasher } from './content-hash.ts';
import { decompress, type UploadCompression } from './decompress.ts';
import { createListingBuilder, type DebugFile } from './nar-listing.ts';
import { compressSeekable, type SeekableFile } from './seekable-zstd.ts';

export interface MeasuredNar {
  /** `sha256:<nix32>`, of the NAR. */
  readonly narHash: string;
  readonly narSize: number;
  /** Which of the candidate hash parts occur in it. */
  readonly found: ReadonlySet<string>;
  /** `sha256:<nix32>`, of the stored file. */
  readonly fileHash: string;
  readonly fileSize: number;
  /** The text of `<hash>.ls`; `null` where it cannot be written. */
  readonly listing: string | null;
  readonly debugFiles: readonly DebugFile[];
  /** What `contentAddress` is by its method and algorithm; `null` where none was asked for. */
  readonly contentHash: NixHash | null;
}

/** zstd's own default: 293 MiB/s a core at 0.28 of the size, measured. */
export const DEFAULT_LEVEL = 3;

export interface MeasureOptions {
  readonly source: AsyncIterable<Buffer>;
  /** Of the source. */
  readonly compression: UploadCompression;
  /** The claimed size of the NAR: one byte more is refused as it comes. */
  readonly maxBytes: number;
  /** Hash parts of store paths to look for. */
  readonly candidates: Iterable<string>;
  /** Where the NAR is written as zstd with a seek table, and synced to disk. Must not exist; on an error the caller removes it. */
  readonly file: string;
  /** Of zstd, 1 to 19. */
  readonly level: number;
  /** To be verified, with the hash part of the path that has it. */
  readonly contentAddress?: { readonly ca: ContentAddress; readonly pathHash: string } | undefined;
}

/**
 * Reads a NAR to its end and writes it compressed.
 * @throws ParseError where the bytes are no NAR, are not compressed as said, or are more than `maxBytes`.
 */
export function measureNar({ file, level, ...options }: MeasureOptions): Promise<MeasuredNar> {
  return measure(options, (source) => compressSeekable({ source, file, level }));
}

/**
 * As `measureNar`, of a file that stays as it is: nothing is written.
 * @throws ParseError as `measureNar` does.
 */
export function inspectNar({
  file,
  ...options
}: Omit<MeasureOptions, 'source' | 'level'>): Promise<MeasuredNar> {
  const digest = createHash('sha256');
  let fileSize = 0;
  async function* stored(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(file, {
      highWaterMark: READ_BYTES,
    }) as AsyncIterable<Buffer>) {
      digest.update(chunk);
      fileSize += chunk.length;
      yield chunk;
    }
  }
  return measure({ ...options, source: stored() }, async (nar) => {
    let size = 0;
    for await (const chunk of nar) size += chunk.length;
    return { fileHash: formatHash({ algorithm: 'sha256', bytes: digest.digest() }), fileSize, size };
  });
}

const READ_BYTES = 256 * 1024;

async function measure(
  { source, compression, maxBytes, candidates, contentAddress }: Omit<MeasureOptions, 'file' | 'level'>,
  consume: (nar: AsyncIterable<Buffer>) => Promise<SeekableFile>,
): Promise<MeasuredNar> {
  const listing = createListingBuilder();
  const content =
    contentAddress === undefined
      ? undefined
      : createContentHasher(contentAddress.ca, contentAddress.pathHash);
  const reader = createNarReader(
    content === undefined ? listing.visitor : both(listing.visitor, content.visitor),
  );
  const scanner = createReferenceScanner(candidates);
  const digest = createHash('sha256');

  async function* inspected(): AsyncGenerator<Buffer> {
    for await (const chunk of decompress(compression, source, maxBytes)) {
      reader.write(chunk);
      scanner.write(chunk);
      digest.update(chunk);
      content?.write(chunk);
      yield chunk;
    }
    // Before the file is called complete.
    reader.end();
  }
  const { fileHash, fileSize, size } = await consume(inspected());
  return {
    narHash: formatHash({ algorithm: 'sha256', bytes: digest.digest() }),
    narSize: size,
    found: scanner.found,
    fileHash,
    fileSize,
    listing: listing.listing(),
    debugFiles: listing.debugFiles(),
    contentHash: content?.end() ?? null,
  };
}

/** The listing looks at names, the content's hash at contents. */
function both(listing: NarVisitor, content: NarVisitor): NarVisitor {
  return {
    ...listing,
    file: (name, file) => {
      listing.file?.(name, file);
      content.file?.(name, file);
    },
    ...(content.content === undefined ? {} : { content: content.content }),
  };
}

/** What a builder or a narinfo says of a path; every field but the deriver is computed again. */
export interface NarClaim {
  readonly path: string;
  readonly narHash: string;
  readonly narSize: number;
  /** Hash parts. */
  readonly referenceHashes: readonly string[];
  /** Whether it has a content address: such may list references that its text does not show. */
  readonly isContentAddressed: boolean;
}

/** @throws ParseError naming what the NAR is and what was claimed. */
export function compareWithClaim(claim: NarClaim, measured: MeasuredNar): void {
  const format = `NAR of ${claim.path}`;
  if (measured.narSize !== claim.narSize)
    throw new ParseError(format, measured.narSize, `${claim.narSize} bytes long, as was claimed`);
  if (measured.narHash !== claim.narHash)
    throw new ParseError(format, measured.narHash, `of the claimed hash ${claim.narHash}`);
  const claimed = new Set(claim.referenceHashes);
  const unclaimed = [...measured.found].filter((hash) => !claimed.has(hash));
  if (unclaimed.length > 0)
    throw new ParseError(format, unclaimed.join(' '), 'free of references that were not claimed');
  const unseen = [...claimed].filter((hash) => !measured.found.has(hash));
  if (unseen.length > 0 && !claim.isContentAddressed)
    throw new ParseError(`references of ${claim.path}`, unseen.join(' '), 'found in its NAR');
}
