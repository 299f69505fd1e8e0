/** Runtime closures: what is large, what does not belong there and how it came in, what changed (reference/cuda.md §6). */

import { findToolchains } from '../ci/leaked-toolchain.ts';
import { cudaLibraryOf } from '../cuda/libraries.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { storePathName } from '../nix/store-path.ts';

export type ClosurePath = Pick<PathInfo, 'path' | 'narSize' | 'references'>;

export interface ClosureSummary {
  readonly paths: number;
  readonly closureSize: number;
  /** The largest, each with the size of its NAR. */
  readonly largest: readonly {
    readonly path: string;
    readonly narSize: number;
    readonly references: number;
  }[];
}

export function summarizeClosure(closure: readonly ClosurePath[], most = 10): ClosureSummary {
  return {
    paths: closure.length,
    closureSize: closure.reduce((sum, { narSize }) => sum + narSize, 0),
    largest: closure
      .toSorted((a, b) => b.narSize - a.narSize)
      .slice(0, most)
      .map(({ path, narSize, references }) => ({ path, narSize, references: references.length })),
  };
}

export const BUILD_TOOLS = ['compiler', 'build-system', 'headers', 'static-library', 'stubs'] as const;
export type BuildTool = (typeof BUILD_TOOLS)[number];

/** What a path holds, as far as it tells what the path is for; file names relative to it. */
export interface Contents {
  readonly files: readonly string[];
  readonly links: readonly string[];
}

/** Names of Nixpkgs' build tools, as globs; run-time parts of compilers are their outputs `lib` and `libgcc`. */
const NAMES: Readonly<Record<BuildTool, readonly string[]>> = {
  compiler: [
    'gcc-[0-9]*',
    'gcc-wrapper-*',
    'clang-[0-9]*',
    'clang-wrapper-*',
    'llvm-[0-9]*',
    'rustc-*',
    'ghc-[0-9]*',
    'go-[0-9]*',
    'cuda_nvcc-*',
    '*-cuda_nvcc-*',
    'cudatoolkit-*',
    'cuda-merged-*',
    'binutils-*',
    'stdenv-*',
  ],
  'build-system': [
    'cmake-[0-9]*',
    'ninja-[0-9]*',
    'meson-[0-9]*',
    'cargo-[0-9]*',
    'gnumake-*',
    'autoconf-*',
    'automake-*',
  ],
  headers: ['*-dev'],
  'static-library': ['*-static'],
  stubs: ['*-stubs'],
};
const RUN_TIME_OUTPUT = /-(?:lib|libgcc|doc|man|info|share)$/;
const COMPILERS =
  /^(?:nvvm\/)?(?:bin|libexec)\/(?:.*\/)?(?:gcc|g\+\+|cc1|cc1plus|clang|nvcc|cicc|ptxas|rustc|ghc)$/;

/** What kind of build tool a path is by its name, and where that says nothing by its contents. */
export function buildToolOf(path: string, contents: Contents): BuildTool | undefined {
  const name = storePathName(path as PathInfo['path']);
  for (const tool of BUILD_TOOLS) {
    if (tool === 'compiler' && RUN_TIME_OUTPUT.test(name)) continue;
    if (findToolchains([path], NAMES[tool], matchesGlob).length > 0) return tool;
  }
  const files = [...contents.files, ...contents.links];
  if (files.some((file) => COMPILERS.test(file))) return 'compiler';
  const real = files.filter((file) => !/^(?:share|nix-support)\//.test(file));
  if (real.length === 0) return undefined;
  const headers = real.filter((file) => /^include\/|\.pc$|\.cmake$/.test(file));
  if (headers.length === real.length) return 'headers';
  const archives = real.filter((file) => file.endsWith('.a'));
  return archives.length > 0 && archives.length + headers.length === real.length
    ? 'static-library'
    : undefined;
}

/** CUDA libraries that several paths bring, each with the files that do: which of them is loaded depends on the order. */
export function findDuplicateLibraries(
  contents: ReadonlyMap<string, Contents>,
): { readonly library: string; readonly files: readonly string[] }[] {
  const copies = new Map<string, Map<string, string>>();
  for (const [path, { files }] of contents)
    for (const file of files) {
      const library = cudaLibraryOf(file.slice(file.lastIndexOf('/') + 1));
      // Stubs are for the linker.
      if (library === undefined || file.includes('stubs/')) continue;
      const known = copies.get(library) ?? new Map<string, string>();
      // Of one path, whatever it has: its files are made to be together.
      if (!known.has(path)) known.set(path, `${path}/${file}`);
      copies.set(library, known);
    }
  return [...copies].flatMap(([library, paths]) =>
    paths.size < 2 ? [] : [{ library, files: [...paths.values()] }],
  );
}

/** `*` and `[0-9]`, which is all that the names above need. */
function matchesGlob(name: string, glob: string): boolean {
  const pattern = glob
    .split('*')
    .map((part) => part.replaceAll(/[.+^$()|\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${pattern}$`).test(name);
}

/** The shortest chain of references from one of `roots` to `target`, both included; `undefined` where there is none. */
export function chainTo(
  closure: readonly ClosurePath[],
  roots: readonly string[],
  target: string,
): string[] | undefined {
  const references = new Map(closure.map((one) => [one.path as string, one.references as readonly string[]]));
  const parents = new Map<string, string | undefined>(roots.map((root) => [root, undefined]));
  // A Map is iterated in insertion order, and what is added meanwhile is visited too.
  for (const [path] of parents) {
    if (path === target) {
      const chain: string[] = [];
      for (let one: string | undefined = path; one !== undefined; one = parents.get(one)) chain.unshift(one);
      return chain;
    }
    for (const reference of references.get(path) ?? [])
      if (!parents.has(reference)) parents.set(reference, path);
  }
  return undefined;
}

export interface NewPath {
  readonly path: string;
  readonly narSize: number;
  /** From a root to it. */
  readonly chain: readonly string[];
  /**
   * Why it is there: `new-reference`, its referrer was there before under another hash or the same and did not refer to
   * anything of this name; `new-referrer`, that is new itself; `root`, it is what was asked about.
   */
  readonly cause: 'new-reference' | 'new-referrer' | 'root';
  /** Who refers to it. */
  readonly referrer: string | null;
}

export interface ChangedPath {
  /** The package's name without version and hash. */
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly bytes: number;
}

export interface ClosureDifference {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of packages that were not there in any version, the largest first. */
  readonly added: readonly NewPath[];
  readonly removed: readonly { readonly path: string; readonly narSize: number }[];
  /** Packages in both, with other paths. */
  readonly changed: readonly ChangedPath[];
}

interface Side {
  readonly roots: readonly string[];
  readonly closure: readonly ClosurePath[];
}

/** What changed between two closures; packages are the same where their names without version and hash are. */
export function compareClosures(before: Side, after: Side): ClosureDifference {
  const [old, now] = [byPackage(before.closure), byPackage(after.closure)];
  const oldPaths = new Set<string>(before.closure.map(({ path }) => path));
  const added = after.closure.filter(({ path }) => !old.has(packageName(path)));
  const removed = before.closure.filter(({ path }) => !now.has(packageName(path)));
  const changed = [...now].flatMap(([name, paths]): ChangedPath[] => {
    const others = old.get(name);
    if (others === undefined || paths.every(({ path }) => oldPaths.has(path))) return [];
    return [
      {
        name,
        before: others.map(({ path }) => path),
        after: paths.map(({ path }) => path),
        bytes: sizeOf(paths) - sizeOf(others),
      },
    ];
  });
  return {
    bytesBefore: sizeOf(before.closure),
    bytesAfter: sizeOf(after.closure),
    added: added.toSorted(bySize).map(({ path, narSize }) => {
      const chain = chainTo(after.closure, after.roots, path) ?? [path];
      const referrer = chain.at(-2) ?? null;
      const cause =
        referrer === null ? 'root' : old.has(packageName(referrer)) ? 'new-reference' : 'new-referrer';
      return { path, narSize, chain, cause, referrer };
    }),
    removed: removed.toSorted(bySize).map(({ path, narSize }) => ({ path, narSize })),
    changed: changed.toSorted((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes)),
  };
}

function byPackage(closure: readonly ClosurePath[]): Map<string, ClosurePath[]> {
  return Map.groupBy(closure, ({ path }) => packageName(path));
}

/** Nixpkgs' convention: the version begins at the first hyphen that a digit follows; an output's name follows it. */
export function packageName(path: string): string {
  const name = storePathName(path as PathInfo['path']);
  const version = /-\d[^-]*/.exec(name);
  return version === null || version.index === 0
    ? name
    : name.slice(0, version.index) +
        (/-(?:bin|dev|lib|out|static|stubs|man|doc|data|fatbin|libgcc)$/.exec(name)?.[0] ?? '');
}

function sizeOf(paths: readonly ClosurePath[]): number {
  return paths.reduce((sum, { narSize }) => sum + narSize, 0);
}

function bySize(a: ClosurePath, b: ClosurePath): number {
  return b.narSize - a.narSize;
}
