/** Machines with nixwarp's NixOS modules, evaluated by a real Nix. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../../../cli/config.ts';

const NIX_CURRENT = join(PROJECT_FOLDER, '..', 'shared', 'tools', 'nix-current');

export type ConfigValue = string | number | boolean | readonly (string | number)[];

export interface Service {
  readonly after: readonly string[];
  readonly wants: readonly string[];
  readonly wantedBy: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly serviceConfig: Readonly<Record<string, ConfigValue>>;
  readonly startLimitIntervalSec: number;
  readonly path: readonly string[];
  /** A shell script; empty for none. */
  readonly postStart: string;
}

export type ServiceName = 'nixwarp-server' | 'nixwarp-coordinator' | 'nixwarp-builder' | 'nixwarp-temporal';

export interface Machine {
  /** Messages of assertions that do not hold: NixOS refuses such a configuration with them. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
  readonly services: Readonly<Partial<Record<ServiceName, Service>>>;
  readonly nix: Readonly<Record<string, readonly string[] | string | number | null>>;
  readonly users: readonly string[];
  /** Groups of nginx besides its own. */
  readonly nginxGroups: readonly string[];
  readonly postgresql: {
    readonly enable: boolean;
    readonly ensureDatabases: readonly string[];
    readonly ensureUsers: readonly { readonly name: string; readonly ensureDBOwnership: boolean }[];
  };
  readonly requiredMounts: boolean;
  readonly openPorts: readonly number[];
  readonly packages: readonly string[];
}

/** Why nothing can be evaluated here. */
export const noNix: string | false =
  spawnSync('nix-instantiate', ['--version']).status === 0 ? false : 'nix-instantiate is not on PATH';

/** The Nix on PATH, and a current one where there is one: how to call `nix-instantiate`. */
export const instantiators: readonly {
  readonly name: string;
  readonly argv: readonly string[];
  readonly skip: string | false;
}[] = [
  { name: 'the Nix on PATH', argv: ['nix-instantiate'], skip: noNix },
  {
    name: 'the current Nix',
    argv: [NIX_CURRENT, 'env', '-C', PROJECT_FOLDER, 'nix-instantiate'],
    skip: noCurrentNix(),
  },
];

function noCurrentNix(): string | false {
  if (!existsSync(NIX_CURRENT)) return 'there is no ../shared/tools/nix-current';
  return spawnSync(NIX_CURRENT, ['nix-instantiate', '--version']).status === 0
    ? false
    : `${NIX_CURRENT} does not run: see its "install"`;
}

/** @throws Error with Nix's message. */
export function instantiate(args: readonly string[], argv: readonly string[] = ['nix-instantiate']): string {
  const [command = '', ...before] = argv;
  return execFileSync(command, [...before, ...args], {
    cwd: PROJECT_FOLDER,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NIX_CURRENT_BIND: PROJECT_FOLDER },
  });
}

/** The value of a Nix expression; relative paths start at the project. */
export function evaluate(expression: string, argv?: readonly string[]): unknown {
  return JSON.parse(instantiate(['--eval', '--strict', '--json', '--expr', expression], argv));
}

/**
 * The machine that `modules` (a Nix list, paths relative to the project) make together with nixwarp's own.
 * With NIXWARP_TEST_NIXPKGS, the path of a Nixpkgs, NixOS itself evaluates it instead of our stand-in.
 */
export function evaluateMachine(modules: string, argv?: readonly string[]): Machine {
  const nixpkgs = process.env['NIXWARP_TEST_NIXPKGS'];
  const from = nixpkgs === undefined ? 'null' : JSON.stringify(nixpkgs);
  return evaluate(
    `import ./test/nixos/support/evaluate.nix { modules = ${modules}; nixpkgs = ${from}; }`,
    argv,
  ) as Machine;
}

/** A machine with everything, less what `change` (the body of a module) changes. */
export function evaluateComplete(change = '{ }'): Machine {
  return evaluateMachine(`[ ./test/nixos/support/complete.nix (${change}) ]`);
}

export function serviceOf(machine: Machine, name: ServiceName): Service {
  const service = machine.services[name];
  if (service === undefined) throw new Error(`the machine has no ${name}`);
  return service;
}
