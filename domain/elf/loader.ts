/**
 * What glibc's loader would load for a program or library, without running it.
 *
 * Source: ld.so(8), and elf/dl-load.c of glibc 2.40 (`_dl_map_object`): a name that an object loaded before goes by is
 * that object; a name with a slash is a path; else the RPATH of the object and of those that led to it (unless the
 * object has RUNPATH), the RUNPATH of the object alone, and the default folders. Files of another word size or machine
 * are passed over. Not followed: LD_LIBRARY_PATH, LD_PRELOAD, and folders for better CPUs (`glibc-hwcaps`).
 */

import type { DynamicObject } from './dynamic.ts';

/** The files of a machine, or of a closure. */
export interface LoaderFiles {
  /** What is at a path, links followed; `undefined` where nothing is, or no ELF file with a dynamic section. */
  open(path: string): OpenedFile | undefined;
}

export interface OpenedFile {
  /** Equal for equal files: the path without links. */
  readonly realPath: string;
  readonly object: DynamicObject;
}

export interface LoaderOptions {
  /** Searched last: `lib` of the closure's glibc, or the host's folders. */
  readonly defaultFolders: readonly string[];
  /** Names that only the host can give, and where: its folder need not exist here. */
  readonly isHostLibrary: (name: string) => boolean;
  readonly hostFolder: string;
}

/** How a name led to a file. */
export type Via = 'root' | 'path' | 'rpath' | 'runpath' | 'default';

export interface LoadedObject extends OpenedFile {
  /** As asked for. */
  readonly name: string;
  /** As found, links not followed. */
  readonly path: string;
  readonly via: Via;
  readonly loader: LoadedObject | undefined;
}

export type Search =
  | {
      readonly kind: 'found';
      readonly file: OpenedFile;
      readonly path: string;
      readonly via: Via;
      readonly folder: string;
    }
  /** The host's folder is searched before any that has the library. */
  | { readonly kind: 'host'; readonly via: Via }
  | { readonly kind: 'missing'; readonly folders: readonly string[] };

export interface Missing {
  readonly name: string;
  readonly neededBy: LoadedObject;
  /** Where it was sought, in order. */
  readonly folders: readonly string[];
}

export interface HostLibrary {
  readonly name: string;
  readonly neededBy: LoadedObject;
  /** A file that comes before the host's: a stub, or a library that was linked to. */
  readonly shadowedBy: string | undefined;
}

export interface Loaded {
  /** In the order in which they are loaded, the root first. */
  readonly objects: readonly LoadedObject[];
  readonly missing: readonly Missing[];
  readonly host: readonly HostLibrary[];
}

/** The longest list that is followed; programs have hundreds. */
const MOST_OBJECTS = 10_000;

/** Loads breadth-first, as glibc does. The root's own path must exist. */
export function load(
  root: OpenedFile & { readonly path: string },
  files: LoaderFiles,
  options: LoaderOptions,
): Loaded {
  const first: LoadedObject = { ...root, name: root.path, via: 'root', loader: undefined };
  const objects: LoadedObject[] = [first];
  const byName = new Map<string, LoadedObject>();
  const byFile = new Map([[first.realPath, first]]);
  if (root.object.soname !== undefined) byName.set(root.object.soname, first);
  const missing: Missing[] = [];
  const host: HostLibrary[] = [];
  const absent = new Set<string>();
  for (let at = 0; at < objects.length && objects.length < MOST_OBJECTS; at++) {
    const object = objects[at] as LoadedObject;
    for (const name of object.object.needed) {
      if (byName.has(name) || absent.has(name)) continue;
      const found = search(name, object, files, options);
      if (found.kind === 'missing') {
        absent.add(name);
        // A host library that no folder leads to is missing too: whoever reads this says why.
        missing.push({ name, neededBy: object, folders: found.folders });
        continue;
      }
      if (options.isHostLibrary(name)) {
        absent.add(name);
        host.push({ name, neededBy: object, shadowedBy: found.kind === 'host' ? undefined : found.path });
        continue;
      }
      if (found.kind === 'host') continue;
      const known = byFile.get(found.file.realPath);
      const loaded = known ?? { ...found.file, name, path: found.path, via: found.via, loader: object };
      byName.set(name, loaded);
      if (known !== undefined) continue;
      byFile.set(loaded.realPath, loaded);
      if (loaded.object.soname !== undefined && !byName.has(loaded.object.soname))
        byName.set(loaded.object.soname, loaded);
      objects.push(loaded);
    }
  }
  return { objects, missing, host };
}

/** Where the loader, or `dlopen` called from `object`, finds a name. */
export function search(
  name: string,
  object: LoadedObject,
  files: LoaderFiles,
  options: LoaderOptions,
): Search {
  const machine = object.object.elf;
  const fits = (file: OpenedFile): boolean =>
    file.object.elf.machine === machine.machine && file.object.elf.bits === machine.bits;
  if (name.includes('/')) {
    const path = expand(name, object);
    if (options.isHostLibrary(baseName(path)) && path.startsWith(`${options.hostFolder}/`))
      return { kind: 'host', via: 'path' };
    const file = files.open(path);
    return file !== undefined && fits(file)
      ? { kind: 'found', file, path, via: 'path', folder: path.slice(0, path.lastIndexOf('/')) }
      : { kind: 'missing', folders: [path] };
  }
  const folders: string[] = [];
  for (const [folder, via] of searchPath(object, options)) {
    if (folders.includes(folder)) continue;
    folders.push(folder);
    if (folder === options.hostFolder && options.isHostLibrary(name)) return { kind: 'host', via };
    const path = `${folder}/${name}`;
    const file = files.open(path);
    if (file !== undefined && fits(file)) return { kind: 'found', file, path, via, folder };
  }
  return { kind: 'missing', folders };
}

/** The folders in which an object's libraries are sought, in order; without trailing slashes. */
export function searchPath(object: LoadedObject, { defaultFolders }: LoaderOptions): [string, Via][] {
  const folders: [string, Via][] = [];
  const add = (owner: LoadedObject, paths: readonly string[], via: Via): void => {
    for (const path of paths) folders.push([normalize(expand(path, owner)), via]);
  };
  if (object.object.runpath.length === 0)
    for (let one: LoadedObject | undefined = object; one !== undefined; one = one.loader)
      add(one, one.object.rpath, 'rpath');
  add(object, object.object.runpath, 'runpath');
  if (!object.object.noDefaultFolders) for (const folder of defaultFolders) folders.push([folder, 'default']);
  return folders;
}

/** `$ORIGIN`: of a program its real folder, as the kernel tells; of a library the folder by which it was found. */
function expand(path: string, { path: found, realPath, via }: LoadedObject): string {
  const own = via === 'root' ? realPath : found;
  const origin = own.slice(0, Math.max(own.lastIndexOf('/'), 1));
  return path
    .replaceAll(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin)
    .replaceAll(/\$(?:LIB\b|\{LIB\})/g, 'lib');
}

function normalize(folder: string): string {
  // `a/../b` through a link is not `b`; only what changes nothing is taken out.
  return folder.replaceAll(/\/(?:\.?\/)+/g, '/').replace(/(?<=.)\/\.?$/, '');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
