/** Git repositories: which revision a reference is, and its files. */

import { createHash } from 'node:crypto';
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

export function createGitRepositories(
  folder: string,
  environment: Readonly<Record<string, string>>,
): GitRepositories {
  // Never asks a person, and reads no configuration of one.
  const env = { ...environment, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };

  function git(
    args: readonly string[],
    timeout = 0,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(
        'git',
        args,
        { env: { ...env, ...more }, maxBuffer: MAX_OUTPUT_BYTES, timeout },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`git ${args.join(' ')}: ${stderr.trim() || error.message}`));
        },
      );
    });
  }

  return {
    resolve: async (url, ref) => {
      if (/^[0-9a-f]{40}$/.test(ref)) return ref;
      const lines = (await git(['ls-remote', '--', url, ref], TIMEOUT_MS))
        .split('\n')
        .filter((line) => line !== '');
      // The shortest name is the one meant: `main` also lists `refs/heads/feature/main`.
      const names = lines.map((line) => line.split('\t') as [string, string]);
      const exact = names.find(
        ([, name]) => name === ref || name === `refs/heads/${ref}` || name === `refs/tags/${ref}^{}`,
      );
      const tag = names.find(([, name]) => name === `refs/tags/${ref}`);
      const revision = (exact ?? tag)?.[0];
      if (revision === undefined) throw new Error(`${url} has no branch, tag or reference "${ref}"`);
      return revision;
    },

    checkOut: async (url, revision) => {
      const repository = join(folder, createHash('sha256').update(url).digest('hex').slice(0, 16));
      const tree = join(folder, 'trees', `${revision}-${repository.slice(-16)}`);
      if (
        await stat(tree).then(
          () => true,
          () => false,
        )
      )
        return tree;
      await mkdir(join(folder, 'trees'), { recursive: true });
      if (
        !(await stat(repository).then(
          () => true,
          () => false,
        ))
      )
        await git(['init', '--quiet', '--bare', repository]);
      await git(['-C', repository, 'fetch', '--quiet', '--depth', '1', '--', url, revision]).catch(() =>
        // Not every server gives single commits by their id.
        git([
          '-C',
          repository,
          'fetch',
          '--quiet',
          '--tags',
          '--force',
          '--',
          url,
          '+refs/heads/*:refs/heads/*',
        ]),
      );
      // Files only, without a repository of their own; renamed into place, so that a folder that is there is whole.
      const unfinished = `${tree}.${process.pid}`;
      await mkdir(unfinished, { recursive: true });
      const index = { GIT_INDEX_FILE: `${unfinished}.index` };
      await git(
        [
          '--git-dir',
          repository,
          '--work-tree',
          unfinished,
          'checkout',
          '--quiet',
          '--force',
          revision,
          '--',
          '.',
        ],
        0,
        index,
      );
      await rm(index.GIT_INDEX_FILE, { force: true });
      await rename(unfinished, tree).catch(() => rm(unfinished, { recursive: true, force: true }));
      return tree;
    },

    describeFolder: async (path) => {
      try {
        const revision = (await git(['-C', path, 'rev-parse', 'HEAD'])).trim();
        const changes = await git(['-C', path, 'status', '--porcelain', '--untracked-files=no', '--', '.']);
        return { revision, dirty: changes !== '' };
      } catch {
        return undefined;
      }
    },
  };
}
