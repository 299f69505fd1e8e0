/** How glibc would load one inspected file, and what is wrong with that. */

import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DRIVER_FOLDER, isDriverLibrary } from '../../domain/cuda/libraries.ts';
import type { DynamicObject } from '../../domain/elf/dynamic.ts';
import type { ElfFile } from '../../domain/elf/elf.ts';
import { findLibraryNames } from '../../domain/elf/library-names.ts';
import { load, type Loaded, type LoadedObject, type LoaderOptions } from '../../domain/elf/loader.ts';
import type { Finding } from '../../domain/inspect/finding.ts';
import { judgeLoading } from '../../domain/inspect/loading.ts';
import type { InspectedFile } from '../../domain/inspect/report.ts';
import { INSIDE, type Tree } from './tree.ts';

export interface LoadingOptions {
  /** The folder of the closure's glibc, which is searched last; by default that of each program's loader. */
  readonly glibcFolder?: string;
  readonly storeDir: string;
}

export interface InspectedLoading {
  readonly needed: InspectedFile['needed'];
  readonly findings: readonly Finding[];
}

/** `onLoaded` is told of everything that one file loads. */
export function createLoading(
  tree: Tree,
  options: LoadingOptions,
  onLoaded: (loaded: Loaded) => void,
): (path: string, object: DynamicObject) => InspectedLoading {
  const names = new Map<string, readonly string[]>();
  const libraryNames = ({ realPath, object }: LoadedObject): readonly string[] => {
    const known = names.get(realPath);
    if (known !== undefined) return known;
    const found = findLibraryNames(object.elf);
    names.set(realPath, found);
    return found;
  };
  return (path, object) => {
    const { loaderOptions, isHostLoader } = loaderOf(path, object, options);
    const loaded = load({ path, realPath: path, object }, tree, loaderOptions);
    onLoaded(loaded);
    const needed = object.needed.map((name) => ({
      name,
      path:
        loaded.objects.find((one) => one.name === name || one.object.soname === name)?.path ??
        (loaded.host.some((one) => one.name === name) ? `${DRIVER_FOLDER}/${name}` : null),
    }));
    return {
      needed,
      findings: judgeLoading({ loaded, files: tree, options: loaderOptions, isHostLoader, libraryNames }),
    };
  };
}

/** Debian's and others' folders, behind which stands `/etc/ld.so.cache`. */
function hostFolders({ machine }: ElfFile): string[] {
  const multiarch = machine === 183 ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [`/lib/${multiarch}`, `/usr/lib/${multiarch}`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
}

function loaderOf(
  path: string,
  { interpreter, elf }: DynamicObject,
  { glibcFolder, storeDir }: LoadingOptions,
): { loaderOptions: LoaderOptions; isHostLoader: boolean } {
  const own =
    interpreter?.startsWith(`${storeDir}/`) === true && existsSync(interpreter)
      ? dirname(realpathSync(interpreter))
      : undefined;
  const folder = interpreter === undefined ? glibcFolder : own;
  const isHostLoader = folder === undefined || path.includes(INSIDE);
  return {
    isHostLoader,
    loaderOptions: {
      defaultFolders: isHostLoader ? hostFolders(elf) : [folder],
      isHostLibrary: isDriverLibrary,
      hostFolder: DRIVER_FOLDER,
    },
  };
}
