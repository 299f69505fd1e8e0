/** Which nix-eval-jobs is taken. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findNixEvalJobs } from '../../../activities/evaluator/index.ts';
import { findVersion, isNewEnough } from '../../../activities/evaluator/nix-eval-jobs/find.ts';
import { writeFolder } from '../../support/evaluate.ts';

const VERSIONS: Record<string, boolean> = {
  '2.32.1': true,
  '2.32.0': false,
  '2.32': false,
  '2.31.9': false,
  '2.33': true,
  '2.35.2': true,
  '3.0': true,
  '1.99.9': false,
};

test('2.32.1 is the oldest that is new enough', () => {
  for (const [version, expected] of Object.entries(VERSIONS))
    assert.equal(isNewEnough(version), expected, version);
});

test('versions are read from what it says and from where it lies', () => {
  assert.equal(findVersion('nix-eval-jobs 2.34.1\n'), '2.34.1');
  assert.equal(findVersion('nix-eval-jobs (Nix) 2.32.4\n'), '2.32.4');
  assert.equal(
    findVersion('/nix/store/3pbqc12k40rccsc8pfg19hirl8wbd1na-nix-eval-jobs-2.35.2/bin/nix-eval-jobs'),
    '2.35.2',
  );
  assert.equal(findVersion('/usr/bin/nix-eval-jobs'), undefined);
});

function install(script: string, folderName = 'bin'): string {
  const folder = writeFolder({ [`${folderName}/nix-eval-jobs`]: `#!/bin/sh\n${script}\n` });
  chmodSync(join(folder, folderName, 'nix-eval-jobs'), 0o755);
  return join(folder, folderName);
}

test('the first on PATH is asked for its version', async () => {
  const first = install('[ "$1" = --version ] && echo "nix-eval-jobs 2.34.0"');
  const second = install('echo "nix-eval-jobs 2.35.0"');
  assert.deepEqual(await findNixEvalJobs({ PATH: `/nowhere:${first}:${second}` }), {
    path: join(first, 'nix-eval-jobs'),
    version: '2.34.0',
  });
});

test('one that does not know --version is judged by its place in the Nix store', async () => {
  const store = install(
    'echo "error: unrecognised flag \'--version\'" >&2; exit 1',
    'abc-nix-eval-jobs-2.33.1/bin',
  );
  const profile = join(writeFolder({ x: '' }), 'bin');
  mkdirSync(profile);
  symlinkSync(join(store, 'nix-eval-jobs'), join(profile, 'nix-eval-jobs'));
  assert.deepEqual(await findNixEvalJobs({ PATH: profile }), {
    path: join(profile, 'nix-eval-jobs'),
    version: '2.33.1',
  });
});

test('none, an old one, one of unknown version and one in a relative folder are not taken', async () => {
  assert.equal(await findNixEvalJobs({}), undefined);
  assert.equal(await findNixEvalJobs({ PATH: '/nowhere' }), undefined);
  assert.equal(await findNixEvalJobs({ PATH: install('echo nix-eval-jobs 2.31.0') }), undefined);
  assert.equal(await findNixEvalJobs({ PATH: install('exit 1') }), undefined);
  assert.equal(await findNixEvalJobs({ PATH: `:.:bin` }), undefined);
});
