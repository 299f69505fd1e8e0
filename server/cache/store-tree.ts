/** Trees of the local store: their NARs, byte for byte as Nix makes them, and their listings. */

import type { Stats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { checkDepth, NAR_LIMITS, NAR_MAGIC, paddingOf } from '../../domain/nix/nar-format.ts';
import type { NarVisitor } from '../../domain/nix/nar-read.ts';
import type { NarEntry, NarSource } from '../../domain/nix/nar-write.ts';
import { createListingBuilder, type ListingBuilder } from './nar-listing.ts';

const READ_BYTES = 256 * 1024;
const SLASH = Buffer.from('/');

/** The tree at a path, read as it is asked for. Names are bytes: a store may hold such as are no UTF-8. @throws ENOENT where there is none. */
export async function openStoreTree(path: string): Promise<NarSource> {
  return sourceOf(Buffer.from(path));
}

async function sourceOf(path: Buffer): Promise<NarSource> {
  const facts = await lstat(path);
  if (facts.isSymbolicLink()) return { kind: 'symlink', target: await readlink(path, 'buffer') };
  if (facts.isDirectory()) return { kind: 'directory', entries: () => entriesOf(path) };
  if (!facts.isFile()) throw new Error(`${path.toString()} is no file, folder or symbolic link`);
  return {
    kind: 'regular',
    executable: isExecutable(facts),
    size: facts.size,
    content: (from) => contentOf(path, facts, from),
  };
}

/** Nix looks at the owner's bit alone. */
function isExecutable({ mode }: Stats): boolean {
  return (mode & 0o100) !== 0;
}

async function entriesOf(path: Buffer): Promise<NarEntry[]> {
  const names = await readdir(path, 'buffer');
  return Promise.all(
    names.map(async (name) => ({ name, source: await sourceOf(Buffer.concat([path, SLASH, name])) })),
  );
}

/** By read(), never mmap: a file that is cut short must be an error, not a signal (harmonia#1140). */
async function* contentOf(path: Buffer, expected: Stats, from: number): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { ino, dev } = await handle.stat();
    if (ino !== expected.ino || dev !== expected.dev)
      throw new Error(`${path.toString()} was replaced while its NAR was written`);
    for (let position = from; ;) {
      const { bytesRead, buffer } = await handle.read({
        // Not used again: the reader of the NAR may hold on to it.
        buffer: Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, expected.size - position + 1))),
        position,
      });
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The listing of a path's NAR with the offsets of its files, without reading them. */
export async function listStoreTree(path: string): Promise<ListingBuilder> {
  const listing = createListingBuilder();
  await walk(
    { source: await openStoreTree(path), name: null, depth: 0 },
    stringBytes(NAR_MAGIC),
    listing.visitor,
  );
  return listing;
}

interface Placed {
  readonly source: NarSource;
  readonly name: Buffer | null;
  readonly depth: number;
}

/** @returns the offset behind the object. */
async function walk({ source, name, depth }: Placed, start: number, visitor: NarVisitor): Promise<number> {
  checkDepth(depth, NAR_LIMITS);
  const { kind } = source;
  let at = start + stringBytes('(') + stringBytes('type') + stringBytes(kind);
  switch (kind) {
    case 'symlink': {
      const target = Buffer.from(source.target);
      visitor.symlink?.(name, target);
      at += stringBytes('target') + stringBytes(target);
      break;
    }
    case 'regular': {
      const { executable, size } = source;
      if (executable) at += stringBytes('executable') + stringBytes('');
      at += stringBytes('contents') + 8;
      visitor.file?.(name, { executable, size, offset: at });
      visitor.fileEnd?.();
      at += size + paddingOf(size);
      break;
    }
    case 'directory': {
      visitor.directoryStart?.(name);
      const entries = (await source.entries()).map((entry) => ({ ...entry, name: Buffer.from(entry.name) }));
      for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
        at += stringBytes('entry') + stringBytes('(') + stringBytes('name') + stringBytes(entry.name);
        at = await walk({ ...entry, depth: depth + 1 }, at + stringBytes('node'), visitor);
        at += stringBytes(')');
      }
      visitor.directoryEnd?.();
    }
  }
  return at + stringBytes(')');
}

function stringBytes(text: string | Buffer): number {
  const bytes = Buffer.byteLength(text);
  return 8 + bytes + paddingOf(bytes);
}
