/** What is wrong with how a program or library will be loaded (reference/cuda.md §1.1, §5.5). */

import {
  cudaLibraryOf,
  cudaMajorOf,
  DRIVER_FOLDER,
  isDriverLibrary,
  isCudaSymbol,
  isDriverSymbol,
} from '../cuda/libraries.ts';
import {
  type HostLibrary,
  type Loaded,
  type LoadedObject,
  type LoaderFiles,
  type LoaderOptions,
  type Missing,
  search,
  searchPath,
} from '../elf/loader.ts';
import { readDynamicSymbols, readVersionDefinitions, readVersionNeeds } from '../elf/symbols.ts';
import type { Finding } from './finding.ts';

export interface Loading {
  readonly loaded: Loaded;
  readonly files: LoaderFiles;
  readonly options: LoaderOptions;
  /** Whether the loader is the host's, which may find the driver in folders of its own (`/etc/ld.so.cache`). */
  readonly isHostLoader: boolean;
  /** Names in read-only data, of each object. */
  readonly libraryNames: (object: LoadedObject) => readonly string[];
}

/** Findings about one program or library, and all that is loaded for it. */
export function judgeLoading(loading: Loading): Finding[] {
  const { loaded } = loading;
  return [
    ...loaded.missing.map((missing) => missingLibrary(missing, loading)),
    ...loaded.host.flatMap(shadowedDriver),
    ...loaded.objects.slice(0, 1).flatMap((object) => stubsInPath(object, loading)),
    ...severalCudaVersions(loaded.objects),
    ...missingSymbols(loading),
    ...missingVersions(loaded.objects),
    ...unreachableNames(loading),
  ];
}

function missingLibrary({ name, neededBy, folders }: Missing, { isHostLoader }: Loading): Finding {
  const where = `${neededBy.path} needs ${name}`;
  if (isDriverLibrary(name)) {
    return {
      severity: isHostLoader ? 'notice' : 'fault',
      class: 'runtime-load',
      subclass: name.startsWith('libnvidia-ml') ? 'nvml-not-found' : 'libcuda-missing-runpath',
      file: neededBy.path,
      message: `${where}, but its RUNPATH does not name ${DRIVER_FOLDER}: add autoAddDriverRunpath.`,
    };
  }
  const subclass = name.startsWith('libcudnn')
    ? 'cudnn-library-missing'
    : cudaLibraryOf(name) === undefined
      ? 'library-missing'
      : 'cuda-library-missing';
  const sought = folders.length === 0 ? 'no folder at all' : folders.slice(0, 8).join(', ');
  return {
    severity: 'fault',
    class: 'runtime-load',
    subclass,
    file: neededBy.path,
    message: `${where}, which is not in ${sought}: add its package to the inputs and its folder to the RUNPATH.`,
  };
}

function shadowedDriver({ name, neededBy, shadowedBy }: HostLibrary): Finding[] {
  // cuda_compat brings a newer libcuda on purpose (Jetson, data-centre GPUs).
  if (shadowedBy === undefined || shadowedBy.includes('cuda_compat')) return [];
  return [
    {
      severity: 'fault',
      class: 'runtime-load',
      subclass: 'libcuda-stub',
      file: neededBy.path,
      message: `${neededBy.path} takes ${name} from ${shadowedBy}, not from the driver: ${DRIVER_FOLDER} must come before it in the RUNPATH, or its folder leave it.`,
    },
  ];
}

/** Stubs do no harm behind the driver's folder, until somebody runs it where there is no driver. */
function stubsInPath(object: LoadedObject, { options }: Loading): Finding[] {
  return searchPath(object, options)
    .filter(([folder, via]) => via !== 'default' && folder.endsWith('/stubs'))
    .map(([folder]) => ({
      severity: 'notice',
      class: 'runtime-load',
      subclass: 'stub-in-runpath',
      file: object.path,
      message: `The RUNPATH of ${object.path} has the stubs of ${folder}: removeStubsFromRunpathHook takes them out.`,
    }));
}

/** Two versions of CUDA, or two copies of one library, in one process. */
function severalCudaVersions(objects: readonly LoadedObject[]): Finding[] {
  const findings: Finding[] = [];
  const majors = new Map<number, LoadedObject>();
  const copies = new Map<string, LoadedObject>();
  for (const object of objects) {
    const name = object.object.soname ?? object.name;
    const library = cudaLibraryOf(name);
    if (library === undefined) continue;
    const major = cudaMajorOf(name);
    if (major !== undefined && !majors.has(major)) majors.set(major, object);
    const other = copies.get(library);
    if (other === undefined) copies.set(library, object);
    else
      findings.push({
        severity: 'fault',
        class: 'runtime-load',
        subclass: 'duplicate-cuda-library',
        file: objects[0]?.path ?? object.path,
        message: `${library} is loaded twice, from ${other.path} (${needs(other)}) and ${object.path} (${needs(object)}): use one CUDA package set for all inputs.`,
      });
  }
  if (majors.size > 1) {
    const [[, first], [, second]] = [...majors].toSorted(([a], [b]) => a - b) as [
      [number, LoadedObject],
      [number, LoadedObject],
    ];
    findings.push({
      severity: 'fault',
      class: 'runtime-load',
      subclass: 'two-cuda-majors',
      file: objects[0]?.path ?? first.path,
      message: `Libraries of CUDA ${[...majors.keys()].toSorted((a, b) => a - b).join(' and ')} meet in one process: ${first.path} (${needs(first)}) and ${second.path} (${needs(second)}).`,
    });
  }
  return findings;
}

function needs({ loader }: LoadedObject): string {
  return loader === undefined ? 'inspected itself' : `needed by ${loader.path}`;
}

/** Symbols that nothing defines; only where all libraries are known. */
function missingSymbols({ loaded: { objects, missing, host } }: Loading): Finding[] {
  if (missing.length > 0) return [];
  const [root] = objects;
  if (root === undefined) return [];
  const isProgram = root.object.interpreter !== undefined;
  const tables = objects.map((object) => ({ object, symbols: readDynamicSymbols(object.object) }));
  // Without one table nothing can be said to be defined nowhere.
  if (tables.some(({ symbols }) => symbols === undefined)) return [];
  const isDefined = (symbol: string): boolean =>
    tables.some(({ symbols }) => symbols?.defined.has(symbol) === true);
  // A library's own missing symbols may be whoever loads it; what its libraries lack, their inspection says.
  const judged = isProgram ? tables : tables.slice(0, 1);
  return judged.flatMap(({ object, symbols }) => {
    const undefinedOnes = (symbols?.undefined ?? []).filter(
      (symbol) =>
        !isDefined(symbol) &&
        !(host.length > 0 && isDriverSymbol(symbol)) &&
        !(!isProgram && isFromPython(symbol)),
    );
    if (undefinedOnes.length === 0) return [];
    const more = undefinedOnes.length > 3 ? ` and ${undefinedOnes.length - 3} more` : '';
    return [
      {
        // A plugin takes symbols from the program that loads it; CUDA's come from a library, or from nowhere.
        severity: isProgram || undefinedOnes.some(isCudaSymbol) ? 'fault' : 'notice',
        class: 'runtime-load',
        subclass: 'undefined-symbol',
        file: object.path,
        message: `${object.path} uses ${undefinedOnes.slice(0, 3).join(', ')}${more}, which none of its libraries defines: they are of other versions than it was built with, or one was not linked.`,
      } satisfies Finding,
    ];
  });
}

/** Extension modules take these from the interpreter that loads them. */
function isFromPython(symbol: string): boolean {
  return /^_?Py[A-Z_]/.test(symbol);
}

/** Versions such as `GLIBCXX_3.4.32` that a library was built with and the one loaded does not have. */
function missingVersions(objects: readonly LoadedObject[]): Finding[] {
  const byName = new Map(
    objects.flatMap(
      (object) =>
        [
          [object.name, object],
          [object.object.soname ?? '', object],
        ] as const,
    ),
  );
  return objects.flatMap((object) =>
    readVersionNeeds(object.object).flatMap(({ library, versions }) => {
      const provider = byName.get(library);
      if (provider === undefined) return [];
      const defined = readVersionDefinitions(provider.object);
      // A library without versions at all is taken as it is (elf/dl-version.c).
      if (defined.size === 0) return [];
      const absent = versions.filter(({ name, weak }) => !weak && !defined.has(name)).map(({ name }) => name);
      if (absent.length === 0) return [];
      return [
        {
          severity: 'fault',
          class: 'runtime-load',
          subclass: absent.some((name) => /^(?:GLIBCXX|CXXABI)_/.test(name))
            ? 'glibcxx-version'
            : 'library-version',
          file: object.path,
          message: `${object.path} needs ${absent.join(', ')} of ${library}, which ${provider.path} does not have: it was built with a newer one.`,
        } satisfies Finding,
      ];
    }),
  );
}

/** Names in read-only data that `dlopen` from there would not find: of CUDA and the driver, as others are mostly optional. */
function unreachableNames({ loaded, files, options, isHostLoader, libraryNames }: Loading): Finding[] {
  const known = new Set([
    ...loaded.objects.flatMap((object) => [object.name, object.object.soname ?? '']),
    ...loaded.host.map(({ name }) => name),
    ...loaded.missing.map(({ name }) => name),
  ]);
  return loaded.objects.flatMap((object) => {
    const absent = libraryNames(object).filter(
      (name) => !known.has(name) && isOfCuda(name) && search(name, object, files, options).kind === 'missing',
    );
    const driver = absent.filter((name) => isDriverLibrary(baseName(name)));
    const others = absent.filter((name) => !isDriverLibrary(baseName(name)));
    return [
      ...driver.map((name): Finding => ({
        // Other parts of the driver (video, ray tracing) are for those who have them.
        severity: !isHostLoader && REQUIRED_OF_DRIVER.has(name) ? 'fault' : 'notice',
        class: 'runtime-load',
        subclass: name.startsWith('libnvidia-ml') ? 'nvml-not-found' : 'libcuda-missing-runpath',
        file: object.path,
        message: `${object.path} opens ${name} while it runs, but its RUNPATH does not name ${DRIVER_FOLDER}: add autoAddDriverRunpath to its package.`,
      })),
      ...(others.length === 0
        ? []
        : [
            {
              severity: 'notice',
              class: 'runtime-load',
              subclass: 'cuda-library-missing',
              file: object.path,
              message: `${object.path} names ${others.slice(0, 6).join(', ')}${others.length > 6 ? ` and ${others.length - 6} more` : ''}, which no folder of its RUNPATH has: where it opens them, their packages must be there.`,
            } satisfies Finding,
          ]),
    ];
  });
}

const REQUIRED_OF_DRIVER: ReadonlySet<string> = new Set(['libcuda.so.1', 'libnvidia-ml.so.1']);

function isOfCuda(name: string): boolean {
  return isDriverLibrary(baseName(name)) || cudaLibraryOf(baseName(name)) !== undefined;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
