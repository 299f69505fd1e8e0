/** Flakes: outputs as the root, pure evaluation, lock files left alone. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { describeWithEachNix, evaluateRoot, ROOT, writeFolder } from '../../support/evaluate.ts';

/** The hash comes from the Nix on PATH; both compute the same. */
const NIX = { PATH: process.env['PATH'] ?? '', HOME: ROOT };
const FLAKES = ['--extra-experimental-features', 'nix-command flakes'];

function lockedUrl(folder: string): string {
  const hash = execFileSync('nix', [...FLAKES, 'hash', 'path', folder], { env: NIX, stdio: 'pipe' });
  return `path:${folder}?narHash=${hash.toString().trim()}`;
}

const drv = (name: string): string =>
  `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; src = ./source.txt; }`;

describeWithEachNix('flakes', ({ environment }) => {
  test('hydraJobs of a locked path flake, evaluated purely, with nothing written beside it', async () => {
    const folder = writeFolder({
      'flake.nix': `{
        nixConfig.substituters = [ "https://nowhere.invalid" ];
        outputs = { self }: {
          hydraJobs = { a = ${drv('a')}; set.b = ${drv('b')}; impure = builtins.currentSystem; again = self.hydraJobs; };
          packages.x86_64-linux.p = ${drv('p')};
        };
      }`,
      'source.txt': 'text',
    });
    const { jobs, errors, end } = await evaluateRoot(
      { kind: 'flake', url: lockedUrl(folder) },
      { environment, below: [['hydraJobs']], stripPrefix: ['hydraJobs'] },
    );
    assert.deepEqual(jobs, { a: 'a', 'set / b': 'b' });
    assert.deepEqual(Object.keys(errors), ['impure']);
    assert.match(errors['impure']?.message ?? '', /attribute 'currentSystem' missing/);
    assert.deepEqual(end, { complete: true, message: null });
    assert.deepEqual(readdirSync(folder).toSorted(), ['flake.nix', 'source.txt']);
  });

  test('the root of a flake is its outputs, not what Nix adds to them', async () => {
    const folder = writeFolder({
      'flake.nix': `{ outputs = { self }: { packages.x86_64-linux.p = ${drv('p')}; }; }`,
      'source.txt': 'text',
    });
    const { jobs } = await evaluateRoot({ kind: 'flake', url: lockedUrl(folder) }, { environment });
    assert.deepEqual(jobs, { 'packages / x86_64-linux / p': 'p' });
  });

  const refused: Record<string, { url: (folder: string) => string; message: RegExp }> = {
    'is not locked': { url: (folder) => `path:${folder}`, message: /on unlocked flake reference/ },
    'has another hash': {
      url: (folder) => `path:${folder}?narHash=sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=`,
      message: /NAR hash mismatch/,
    },
    'has a syntax error': {
      url: (folder) => {
        const broken = writeFolder({ 'flake.nix': '{ outputs = ; }' });
        assert.notEqual(broken, folder);
        return lockedUrl(broken);
      },
      message: /syntax error/,
    },
  };
  for (const [title, { url, message }] of Object.entries(refused)) {
    test(`a flake that ${title} ends the evaluation`, async () => {
      const folder = writeFolder({ 'flake.nix': '{ outputs = { self }: { hydraJobs = { }; }; }' });
      const { end } = await evaluateRoot({ kind: 'flake', url: url(folder) }, { environment });
      assert.equal(end.complete, false);
      assert.match(end.message ?? '', /^flake path:.* cannot be evaluated: error: /);
      assert.match(end.message ?? '', message);
    });
  }
});

function git(folder: string, ...argv: string[]): string {
  const author = ['-c', 'user.name=t', '-c', 'user.email=t@t'];
  return execFileSync('git', ['-C', folder, ...author, ...argv], { stdio: 'pipe' })
    .toString()
    .trim();
}

const gitLacks = spawnSync('git', ['--version']).status !== 0 && 'git is not on PATH';

describeWithEachNix(
  'git flakes',
  ({ environment }) => {
    test('a dirty tree, copied to the store and locked by its hash, is seen as it is: tracked files with their changes', async () => {
      const folder = writeFolder({
        'flake.nix': `{ outputs = { self }: { hydraJobs = { a = ${drv('a')}; untracked = import ./untracked.nix; }; }; }`,
        'source.txt': 'committed',
      });
      git(folder, 'init', '-q');
      git(folder, 'add', '.');
      git(folder, 'commit', '-q', '-m', 'x');
      const committed = await evaluateRoot(
        { kind: 'flake', url: `git+file://${folder}?rev=${git(folder, 'rev-parse', 'HEAD')}` },
        { environment: NIX, below: [['hydraJobs']] },
      );
      execFileSync('sh', ['-c', 'echo changed > source.txt; echo 1 > untracked.nix'], { cwd: folder });
      const metadata = execFileSync(
        'nix',
        [...FLAKES, 'flake', 'metadata', '--json', `git+file://${folder}`],
        {
          env: NIX,
          stdio: 'pipe',
        },
      );
      const { path } = JSON.parse(metadata.toString()) as { path: string };
      // The other Nix has a store of its own, so it gets a copy below the folder that both see.
      const copy = writeFolder({});
      execFileSync('cp', ['-r', path, copy]);
      const dirty = await evaluateRoot(
        { kind: 'flake', url: lockedUrl(copy) },
        { environment, below: [['hydraJobs']] },
      );
      for (const evaluated of [committed, dirty]) {
        assert.deepEqual(evaluated.jobs, { 'hydraJobs / a': 'a' });
        assert.deepEqual(Object.keys(evaluated.errors), ['hydraJobs / untracked']);
      }
      const drvPaths = [committed, dirty].map(({ items }) =>
        items.flatMap((item) => (item.kind === 'job' ? [item.drvPath] : [])),
      );
      assert.notDeepEqual(drvPaths[0], drvPaths[1]);
      assert.equal(git(folder, 'status', '--porcelain'), 'M source.txt\n?? untracked.nix');
    });
  },
  gitLacks,
);
