/** Files below a path, and members of wheels, as one kind of tree. */

import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { LRUCache } from 'lru-cache';
import { type ByteSource, sourceOfBytes } from '../../domain/elf/byte-source.ts';
import { type DynamicObject, parseDynamic } from '../../domain/elf/dynamic.ts';
import { isElf, parseElf } from '../../domain/elf/elf.ts';
import type { LoaderFiles, OpenedFile } from '../../domain/elf/loader.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { isZip, listZip, readZipMember, type ZipMember } from '../../domain/zip.ts';
import { createOpenFiles } from './open-files.ts';

/** A file, or a member of a wheel. */
export interface TreeFile {
  readonly path: string;
  readonly source: ByteSource;
}

export interface Tree extends Disposable, LoaderFiles {
  /** The regular files below a path, or the one that it is; links are not followed. */
  list(path: string): Iterable<TreeFile>;
  /** Members of a wheel, as `WHEEL!/MEMBER`, as far as they may hold code. */
  listWheel(file: TreeFile): Iterable<TreeFile>;
}

/** Libraries, archives, device code, and programs, which have no suffix; a wheel's thousand texts are not unpacked. */
const MAY_HOLD_CODE = /\.(?:so(?:\.[\d.]+)?|a|o|cubin|fatbin|ptx)$|(?:^|\/)[^./]+$/;

/** Between a wheel's path and a member's name. */
export const INSIDE = '!/';
/** Members are unpacked whole: the largest library of CUDA 13 has 0.7 GB. */
const LARGEST_MEMBER = 4 * 2 ** 30;
/** Members that are kept unpacked: libraries of a wheel are loaded together, but read one after the other. */
const MOST_UNPACKED_BYTES = LARGEST_MEMBER;

export function createTree(): Tree {
  const files = createOpenFiles();
  const members = new Map<string, TreeFile>();
  const unpacked = new LRUCache<string, Uint8Array>({
    maxSize: MOST_UNPACKED_BYTES,
    sizeCalculation: (bytes) => Math.max(bytes.length, 1),
  });
  const opened = new Map<string, OpenedFile | undefined>();

  function* list(path: string): Iterable<TreeFile> {
    const stat = lstatSync(path);
    if (stat.isFile()) yield { path, source: files.open(path) };
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path).toSorted()) yield* list(`${path}/${name}`);
  }

  function* listWheel(wheel: TreeFile): Iterable<TreeFile> {
    for (const member of listZip(wheel.source)) {
      if (!MAY_HOLD_CODE.test(member.name) || member.size === 0) continue;
      const path = `${wheel.path}${INSIDE}${posix.normalize(member.name)}`;
      const file = { path, source: memberSource(path, wheel.source, member) };
      members.set(path, file);
      yield file;
    }
  }

  function memberSource(path: string, wheel: ByteSource, member: ZipMember): ByteSource {
    const bytes = (): Uint8Array => {
      const known = unpacked.get(path);
      if (known !== undefined) return known;
      if (member.size > LARGEST_MEMBER)
        throw new ParseError('wheel', member.size, `the size of a member, up to ${LARGEST_MEMBER} bytes`);
      const all = readZipMember(wheel, member);
      unpacked.set(path, all);
      return all;
    };
    return { size: member.size, read: (offset, length) => sourceOfBytes(bytes()).read(offset, length) };
  }

  function open(path: string): OpenedFile | undefined {
    const inside = path.indexOf(INSIDE);
    const key = inside < 0 ? path : path.slice(0, inside) + INSIDE + posix.normalize(path.slice(inside + 2));
    if (opened.has(key)) return opened.get(key);
    const file = inside < 0 ? openOnDisk(key) : openMember(key);
    opened.set(key, file);
    return file;
  }

  function openMember(path: string): OpenedFile | undefined {
    const object = objectOf(members.get(path)?.source);
    return object === undefined ? undefined : { realPath: path, object };
  }

  function openOnDisk(path: string): OpenedFile | undefined {
    // Most candidates of a search are not there: that must be cheap.
    const realPath = realFile(path);
    if (realPath === undefined) return undefined;
    if (realPath !== path) return open(realPath);
    const object = objectOf(files.open(path));
    return object === undefined ? undefined : { realPath, object };
  }

  return { list, listWheel, open, [Symbol.dispose]: () => files[Symbol.dispose]() };
}

/** A RUNPATH may name anything: a circle of links, a name too long or with a zero byte is no file. */
function realFile(path: string): string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** The loader passes over what it cannot read. */
function objectOf(source: ByteSource | undefined): DynamicObject | undefined {
  try {
    return source !== undefined && isElf(source) ? parseDynamic(parseElf(source)) : undefined;
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

export function isWheel({ path, source }: TreeFile): boolean {
  return /\.(?:whl|egg)$/.test(path) && isZip(source);
}
