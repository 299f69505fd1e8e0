/** Store paths as files on this machine's disk. */

import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type NarEntry, type NarSource, writeNar } from '../../domain/nix/nar-write.ts';

/** Small files are read at once: opening a stream for each would cost more than it saves. */
const WHOLE_FILE_BYTES = 128 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const SLASH = Buffer.from('/');

/** The NAR of a path, as `nix-store --dump` writes it. */
export async function* dumpPath(path: string): AsyncGenerator<Uint8Array> {
  yield* writeNar(await sourceOf(path));
}

/** Paths below a store path are bytes: Nix does not require UTF-8, and a decoded name might not lead back to its file. */
type Path = string | Buffer;

async function sourceOf(path: Path): Promise<NarSource> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return { kind: 'symlink', target: await readlink(path, 'buffer') };
  if (stat.isDirectory()) return { kind: 'directory', entries: () => entriesOf(path) };
  if (!stat.isFile()) throw new Error(`${path.toString()} is no file, folder or symlink: no NAR can hold it`);
  return {
    kind: 'regular',
    executable: (stat.mode & 0o100) !== 0,
    size: stat.size,
    content: () => contentOf(path, stat.size),
  };
}

async function* contentOf(path: Path, size: number): AsyncGenerator<Uint8Array> {
  if (size <= WHOLE_FILE_BYTES) yield await readFile(path);
  else yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
}

async function entriesOf(folder: Path): Promise<NarEntry[]> {
  const names = await readdir(folder, { encoding: 'buffer' });
  return Promise.all(
    names.map(async (name) => ({
      name,
      source: await sourceOf(Buffer.concat([Buffer.from(folder), SLASH, name])),
    })),
  );
}

/** A file below a store path, `undefined` where there is none. Symlinks are not followed out of it. */
export async function readOutputFile(output: string, relative: string): Promise<string | undefined> {
  const path = join(output, relative);
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true ? readFile(path, 'utf8') : undefined;
}

export async function existsInOutput(output: string, relative: string): Promise<boolean> {
  return (await lstat(join(output, relative)).catch(() => undefined)) !== undefined;
}
