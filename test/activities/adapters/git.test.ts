/** Git sources against real repositories: which commit a name means, and its files, once and whole. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before } from 'node:test';
import { createGitRepositories, type GitRepositories } from '../../../activities/adapters/git.ts';
import { findSource, resolveSource } from '../../../activities/sources.ts';
import { parseJobsetConfig } from '../../../domain/ci/jobset-config.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { describe, test } from '../../support/test.ts';

const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };

let folder: string;
let url: string;
let git: GitRepositories;
const commits: Record<string, string> = {};

function run(...args: string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', ['-C', url, ...identity, ...args], {
    encoding: 'utf8',
    env: ENVIRONMENT,
  }).trim();
}

async function commit(name: string): Promise<void> {
  await writeFile(join(url, 'default.nix'), `"${name}"`);
  run('add', '--all');
  run('commit', '--quiet', '--message', name);
  commits[name] = run('rev-parse', 'HEAD');
}

before(async () => {
  folder = await temporaryFolder('git');
  url = join(folder, 'repository');
  git = createGitRepositories(join(folder, 'cache'), ENVIRONMENT);
  await mkdir(join(url, 'sub'), { recursive: true });
  await writeFile(join(url, 'sub', 'run'), '#!/bin/sh\n', { mode: 0o755 });
  run('init', '--quiet', '--initial-branch=main');
  await commit('first');
  run('tag', 'light');
  run('tag', '--annotate', 'annotated', '--message', 'a tag that is an object of its own');
  run('branch', 'feature/main');
  run('branch', 'both');
  await commit('second');
  run('tag', 'both');
});

const REFERENCES: [string, string][] = [
  ['HEAD', 'second'],
  ['main', 'second'],
  ['refs/heads/main', 'second'],
  ['feature/main', 'first'],
  ['light', 'first'],
  ['annotated', 'first'],
  ['refs/tags/annotated', 'first'],
  // As `git checkout` has it, a branch goes before a tag of its name.
  ['both', 'first'],
  ['refs/tags/both', 'second'],
];

describe('a reference names the commit', () => {
  for (const [reference, name] of REFERENCES)
    test(`${reference}: the ${name}`, async () =>
      assert.equal(await git.resolve(url, reference), commits[name]));

  test('by its own id, without asking', async () => {
    const id = '0123456789abcdef0123456789abcdef01234567';
    assert.equal(await git.resolve('/nowhere', id), id);
  });

  for (const reference of ['nothing', 'ma*', 'mai', 'ain', '--upload-pack=false', ''])
    test(`and ${JSON.stringify(reference)} names none`, async () =>
      assert.rejects(git.resolve(url, reference), {
        message: `${url} has no branch, tag or reference "${reference}"`,
      }));

  test('a repository that is not there is named with what git says', async () =>
    assert.rejects(
      git.resolve(join(folder, 'none'), 'main'),
      /git ls-remote .*none.*does not (appear to be|exist)/s,
    ));
});

describe('the files of a commit', () => {
  test('are there without a repository, as they were committed', async () => {
    const tree = await git.checkOut(url, commits['first'] ?? '');
    assert.deepEqual((await readdir(tree)).toSorted(), ['default.nix', 'sub']);
    assert.equal(await readFile(join(tree, 'default.nix'), 'utf8'), '"first"');
    execFileSync(join(tree, 'sub', 'run'));
    assert.equal(await git.checkOut(url, commits['first'] ?? ''), tree);
  });

  test('are there once for all who ask at once, whatever they ask for', async () => {
    const other = createGitRepositories(join(folder, 'other'), ENVIRONMENT);
    const asked = ['first', 'second', 'first', 'second', 'second'];
    const trees = await Promise.all(
      asked.map((name) => other.checkOut(`file://${url}`, commits[name] ?? '')),
    );
    const texts = await Promise.all(trees.map((tree) => readFile(join(tree, 'default.nix'), 'utf8')));
    assert.deepEqual(
      texts,
      asked.map((name) => `"${name}"`),
    );
    assert.equal((await readdir(join(folder, 'other', 'trees'))).length, 2);
  });

  test('of a commit that is not there leave nothing behind that would be taken for them', async () => {
    const trees = await readdir(join(folder, 'cache', 'trees'));
    await assert.rejects(git.checkOut(url, '0'.repeat(40)), /reference is not a tree/);
    assert.deepEqual(await readdir(join(folder, 'cache', 'trees')), trees);
  });

  test('stay when the repository is gone', async () => {
    const copy = join(folder, 'copy');
    run('clone', '--quiet', '--bare', url, copy);
    const tree = await git.checkOut(copy, commits['second'] ?? '');
    await rm(copy, { recursive: true });
    assert.equal(await git.checkOut(copy, commits['second'] ?? ''), tree);
    assert.equal(await readFile(join(tree, 'default.nix'), 'utf8'), '"second"');
  });
});

describe('a jobset', () => {
  const context = (source: object, more: object = {}) => ({
    config: parseJobsetConfig({ name: 'x', source }),
    baseFolder: null,
    lockedSource: null,
    revision: null,
    ...more,
  });
  const deps = () => ({ git, environment: ENVIRONMENT });

  test('with a repository is evaluated at what its reference names', async () => {
    const found = await findSource(deps(), context({ file: 'default.nix', git: { url, ref: 'annotated' } }));
    assert.deepEqual([found.revision, found.lockedSource, found.dirty], [commits['first'], url, false]);
    assert.equal(found.root.kind === 'file' && (await readFile(found.root.path, 'utf8')), '"first"');
  });

  test('stays at the revision that was decided when it was triggered', async () => {
    const source = { file: 'default.nix', git: { url, ref: 'main' } };
    const found = await findSource(deps(), context(source, { revision: commits['first'] }));
    assert.equal(found.root.kind === 'file' && (await readFile(found.root.path, 'utf8')), '"first"');
  });

  test('in a local folder has its commit, and is dirty when a tracked file differs', async () => {
    const look = async () => {
      const { revision, dirty } = await findSource(
        deps(),
        context({ file: 'default.nix' }, { baseFolder: url }),
      );
      return { revision, dirty };
    };
    await writeFile(join(url, 'untracked'), '');
    assert.deepEqual(await look(), { revision: commits['second'], dirty: false });
    await writeFile(join(url, 'default.nix'), '"changed"');
    assert.deepEqual(await look(), { revision: commits['second'], dirty: true });
    await rm(join(url, 'default.nix'));
    assert.equal((await look()).dirty, true);
  });

  test('outside a repository might have changed at any time', async () => {
    const found = await findSource(deps(), context({ file: join(folder, 'default.nix') }));
    assert.deepEqual([found.revision, found.dirty], [null, true]);
  });

  for (const [title, source, message] of [
    [
      'a reference that is not there',
      () => ({ file: 'x', git: { url, ref: 'nothing' } }),
      /has no branch, tag or reference "nothing"/,
    ],
    [
      'a relative file without a folder',
      () => ({ file: 'x.nix' }),
      /the file "x.nix" is relative, and the jobset was sent without/,
    ],
    [
      'a relative flake without a folder',
      () => ({ flake: './x' }),
      /the flake reference "\.\/x" is relative/,
    ],
  ] as const)
    test(`with ${title} says so`, async () => {
      const resolved = await resolveSource(deps(), context(source()));
      assert.equal(resolved.kind, 'failed');
      assert.match(resolved.kind === 'failed' ? resolved.message : '', message);
    });
});
