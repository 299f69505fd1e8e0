/** The package: that its hashes are those of this lock file, and that what its phases install runs. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { nixClients } from '../support/nix-clients.ts';
import { noNix } from './support/machine.ts';
import { evaluatePackage, installPackage } from './support/package.ts';

interface NodeModules {
  readonly lock: string;
  readonly 'x86_64-linux': string;
  readonly 'aarch64-linux': string;
}

const read = (path: string): string => readFileSync(join(PROJECT_FOLDER, path), 'utf8');

test('the hashes of npm packages are those of this lock file', () => {
  const { lock } = JSON.parse(read('nixos/node-modules.json')) as NodeModules;
  const now = createHash('sha256').update(read('package-lock.json')).digest('hex');
  assert.equal(lock, now, 'package-lock.json has changed: run nixos/update-node-modules.sh');
});

describe('the package', { skip: noNix }, () => {
  test('fetches the npm packages by their hash, and needs two files and a script for it', () => {
    const { nodeModules } = evaluatePackage();
    const hashes = JSON.parse(read('nixos/node-modules.json')) as NodeModules;
    assert.equal(nodeModules.outputHash, hashes['x86_64-linux']);
    assert.deepEqual(nodeModules.files.map((file) => basename(file)).toSorted(), [
      'node-modules.sh',
      'package-lock.json',
      'package.json',
    ]);
  });

  describe('as installed', () => {
    let folder = '';
    let out = '';
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'nixwarp-package-'));
      out = join(folder, 'out');
      installPackage(evaluatePackage(), folder, out);
    });
    after(() => {
      execFileSync('chmod', ['-R', 'u+w', folder]);
      rmSync(folder, { recursive: true });
    });
    const start = (name: string, args: readonly string[], environment: Readonly<Record<string, string>>) =>
      spawnSync(join(out, 'bin', name), args, {
        encoding: 'utf8',
        cwd: '/',
        env: { PATH: '/usr/bin:/bin', HOME: folder, ...environment },
      });

    test('has a command that tells its version', () => {
      const { stdout, stderr, status } = start('nixwarp', ['--version'], {});
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trim(), packageJson.version);
    });

    test("keeps the command's state in the person's own folder", () => {
      const { stderr } = start('nixwarp', ['status'], { NIXWARP_URL: 'http://127.0.0.1:1' });
      assert.match(stderr, /no nixwarp server answers at http:\/\/127\.0\.0\.1:1/);
    });

    for (const [name, missing] of [
      ['nixwarp-server', 'NIXWARP_ADMIN_TOKEN'],
      ['nixwarp-coordinator', 'DATABASE_URL'],
      ['nixwarp-builder', 'NIXWARP_BUILDER_TOKEN'],
    ] as const)
      test(`has ${name}, which loads and then says what its environment lacks`, () => {
        const { stdout, stderr, status } = start(name, [], {});
        assert.equal(status, 78, stdout + stderr);
        assert.match(stdout + stderr, new RegExp(`${missing} is not set`));
      });
  });

  test('is part of a flake that pure evaluation accepts', async (t) => {
    const open = nixClients['Nix on PATH'];
    if (typeof open !== 'function') return t.skip(open ?? 'there is no Nix');
    const folder = mkdtempSync(join(tmpdir(), 'nixwarp-flake-'));
    const client = await open();
    try {
      for (const name of ['nixos', 'package.json', 'package-lock.json'])
        cpSync(join(PROJECT_FOLDER, name), join(folder, name), { recursive: true });
      const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args]);
      git('init', '--quiet');
      git('add', '.');
      git(
        '-c',
        'user.name=test',
        '-c',
        'user.email=test@example.org',
        'commit',
        '--quiet',
        '--message',
        'flake',
      );
      const apply = 'module: builtins.length (import module).imports';
      const { ok, output } = await client.run([
        ...[
          'eval',
          '--no-write-lock-file',
          `git+file://${folder}?dir=nixos#nixosModules.default`,
          '--apply',
          apply,
        ],
      ]);
      assert.ok(ok, output);
      assert.match(output, /^6$/m);
    } finally {
      await client.close();
      rmSync(folder, { recursive: true });
    }
  });
});
