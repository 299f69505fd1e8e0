/** The runtime closure of a store path, as the local Nix knows it, and how build tools came into it. */

import { createReadStream, existsSync } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildToolOf,
  chainTo,
  type ClosurePath,
  compareClosures,
  type Contents,
  findDuplicateLibraries,
  summarizeClosure,
} from '../../domain/inspect/closure.ts';
import type { Finding } from '../../domain/inspect/finding.ts';
import type { BuildToolInClosure, InspectedClosure } from '../../domain/inspect/report.ts';
import { type StorePath, storePathHash } from '../../domain/nix/store-path.ts';
import { createReferenceScanner } from '../../domain/nix/references.ts';
import type { StoreQueries } from '../adapters/store-queries.ts';

export interface ClosureInspection {
  readonly closure: InspectedClosure;
  readonly findings: readonly Finding[];
  /** Of glibc in the closure: where programs seek libraries last. */
  readonly glibcFolder: string | undefined;
}

/** What is in the closure of `path`; with `before`, what changed since that path. */
export async function inspectClosure(
  store: Pick<StoreQueries, 'closureInfo'>,
  path: StorePath,
  before: StorePath | undefined,
): Promise<ClosureInspection> {
  const closure = await store.closureInfo([path]);
  const buildTools: BuildToolInClosure[] = [];
  const contents = new Map<string, Contents>();
  for (const one of closure) {
    const held = await listContents(one.path);
    contents.set(one.path, held);
    // A compiler may contain itself, and so may what is inspected for being one.
    if (one.path === path) continue;
    const kind = buildToolOf(one.path, held);
    if (kind === undefined) continue;
    const chain = chainTo(closure, [path], one.path) ?? [one.path];
    buildTools.push({ path: one.path, kind, narSize: one.narSize, chain: await explainChain(chain) });
  }
  const difference =
    before === undefined
      ? null
      : compareClosures(
          { roots: [before], closure: await store.closureInfo([before]) },
          { roots: [path], closure },
        );
  return {
    closure: { ...summarizeClosure(closure), buildTools, difference },
    findings: [
      ...buildTools.map(leakOf),
      ...findDuplicateLibraries(contents).map((one) => duplicateOf(path, one)),
    ],
    glibcFolder: glibcFolderOf(closure),
  };
}

function leakOf({ path, kind, chain }: BuildToolInClosure): Finding {
  const steps = chain.map((step) => (step.file === null ? step.path : `${step.path} (in ${step.file})`));
  return {
    severity: 'fault',
    class: 'closure-regression',
    subclass: 'leaked-toolchain',
    file: chain[0]?.path ?? path,
    message: `A build tool (${kind}) is in the runtime closure: ${steps.join(' → ')}; remove the reference.`,
  };
}

function duplicateOf(
  path: string,
  { library, files }: ReturnType<typeof findDuplicateLibraries>[number],
): Finding {
  return {
    severity: 'notice',
    class: 'runtime-load',
    subclass: 'duplicate-cuda-library',
    file: path,
    message: `The closure has ${library} more than once: ${files.join(', ')}; where both are loaded, use one CUDA package set for all inputs.`,
  };
}

function glibcFolderOf(closure: readonly ClosurePath[]): string | undefined {
  for (const { path } of closure)
    for (const loader of ['ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1'])
      if (existsSync(join(path, 'lib', loader))) return join(path, 'lib');
  return undefined;
}

/** What a path is for shows in its upper folders, however large it is. */
const MOST_FILES = 2_000;

async function listContents(root: string): Promise<Contents> {
  const files: string[] = [];
  const links: string[] = [];
  const queue = [''];
  for (const folder of queue) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) queue.push(relative);
      else (entry.isSymbolicLink() ? links : files).push(relative);
      if (files.length + links.length >= MOST_FILES) return { files, links };
    }
  }
  return { files, links };
}

async function explainChain(chain: readonly string[]): Promise<{ path: string; file: string | null }[]> {
  const steps = [];
  for (const [index, path] of chain.entries()) {
    const next = chain[index + 1];
    steps.push({
      path,
      file: next === undefined ? null : await findReferrer(path, storePathHash(next as StorePath)),
    });
  }
  return steps;
}

/** The first file below `root` that holds the hash part, in its contents or as a link's target. */
async function findReferrer(root: string, hash: string): Promise<string | null> {
  const queue = [''];
  for (const relative of queue) {
    const path = join(root, relative);
    const stat = await lstat(path);
    if (stat.isDirectory()) {
      const names = (await readdir(path)).toSorted();
      queue.push(...names.map((name) => (relative === '' ? name : `${relative}/${name}`)));
    } else if (stat.isSymbolicLink()) {
      if ((await readlink(path)).includes(hash)) return relative;
    } else if (await holds(path, hash)) return relative === '' ? '.' : relative;
  }
  return null;
}

async function holds(path: string, hash: string): Promise<boolean> {
  const scanner = createReferenceScanner([hash]);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    scanner.write(chunk as Uint8Array);
    if (scanner.found.size > 0) return true;
  }
  return false;
}
