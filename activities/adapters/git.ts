/** Git repositories: which revision a reference is, and its files. */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execFile } from 'node:child_process';

export interface GitRepositories {
  /** The commit that a reference of a remote repository names now. */
  readonly resolve: (url: string, ref: string) => Promise<string>;
  /** A folder with the files of one commit. Made once, kept. */
  readonly checkOut: (url: string, revision: string) => Promise<string>;
  /** The commit that a local folder is at, and whether its tracked files differ from it; `undefined` outside a repository. */
  readonly describeFolder: (folder: string) => Promise<{ revision: string; dirty: boolean } | undefined>;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** A forge that does not answer within this is away. */
const TIMEOUT_MS = 120_000;

type Git = (args: readonly string[], options?: GitOptions) => Promise<string>;

interface GitOptions {
  readonly timeoutMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export function createGitRepositories(
  folder: string,
  environment: Readonly<Record<string, string>>,
): GitRepositories {
  const git = createGit(environment);
  // One at a time for a repository: git locks it, and a second fetch of it would fail.
  const last = new Map<string, Promise<string>>();
  return {
    resolve: (url, ref) => resolveReference(git, url, ref),
    checkOut: async (url, revision) => {
      const repository = join(folder, createHash('sha256').update(url).digest('hex').slice(0, 16));
      const tree = join(folder, 'trees', `${revision}-${repository.slice(-16)}`);
      const before = last.get(repository);
      const turn = (async () => {
        await before?.catch(() => {});
        if (await exists(tree)) return tree;
        if (!(await exists(repository))) await git(['init', '--quiet', '--bare', repository]);
        await fetchRevision(git, repository, url, revision);
        await writeTree(git, repository, revision, tree);
        return tree;
      })();
      last.set(repository, turn);
      return turn;
    },
    describeFolder: (path) => describeFolder(git, path),
  };
}

/** Runs git. It never asks a person, and reads no configuration of one. @throws Error with what it said. */
function createGit(environment: Readonly<Record<string, string>>): Git {
  const base = { ...environment, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  return (args, options = {}) =>
    new Promise((resolve, reject) => {
      const env = { ...base, ...options.environment };
      execFile(
        'git',
        args,
        { env, maxBuffer: MAX_OUTPUT_BYTES, timeout: options.timeoutMs ?? 0 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`git ${args.join(' ')}: ${stderr.trim() || error.message}`));
        },
      );
    });
}

async function resolveReference(git: Git, url: string, ref: string): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  const lines = (await git(['ls-remote', '--', url, ref, `${ref}^{}`], { timeoutMs: TIMEOUT_MS }))
    .split('\n')
    .filter((line) => line !== '');
  // Whole names: `main` also lists `refs/heads/feature/main`. An annotated tag's commit has a name of its own.
  const commits = new Map(lines.map((line) => line.split('\t').toReversed() as [string, string]));
  const meant = [`${ref}^{}`, ref, `refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`];
  const revision = meant.map((name) => commits.get(name)).find((commit) => commit !== undefined);
  if (revision === undefined) throw new Error(`${url} has no branch, tag or reference "${ref}"`);
  return revision;
}

async function fetchRevision(git: Git, repository: string, url: string, revision: string): Promise<void> {
  const fetch = ['-C', repository, 'fetch', '--quiet'];
  await git([...fetch, '--depth', '1', '--', url, revision]).catch(() =>
    // Not every server gives single commits by their id.
    git([...fetch, '--tags', '--force', '--', url, '+refs/heads/*:refs/heads/*']),
  );
}

/** Files only, without a repository of their own; renamed into place, so that a folder that is there is whole. */
async function writeTree(git: Git, repository: string, revision: string, tree: string): Promise<void> {
  // Two evaluations of one revision may come here at once.
  const unfinished = `${tree}.${randomUUID()}`;
  await mkdir(unfinished, { recursive: true });
  const index = `${unfinished}.index`;
  const checkout = ['checkout', '--quiet', '--force', revision, '--', '.'];
  try {
    await git(['--git-dir', repository, '--work-tree', unfinished, ...checkout], {
      environment: { GIT_INDEX_FILE: index },
    });
    await rename(unfinished, tree);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Whoever was first made the same.
    if (!(await exists(tree))) throw error;
  } finally {
    await rm(index, { force: true });
  }
}

async function describeFolder(
  git: Git,
  path: string,
): Promise<{ revision: string; dirty: boolean } | undefined> {
  try {
    const revision = (await git(['-C', path, 'rev-parse', 'HEAD'])).trim();
    const changes = await git(['-C', path, 'status', '--porcelain', '--untracked-files=no', '--', '.']);
    return { revision, dirty: changes !== '' };
  } catch {
    return undefined;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
