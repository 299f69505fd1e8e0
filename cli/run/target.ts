/** What `nixwarp run` is to evaluate: a jobset file, a Nix file, a folder or a flake. */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import type { StartRun } from '../../domain/api/runs.ts';
import { type JobsetConfig, parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { runCommand } from '../setup/command.ts';

export interface TargetOptions {
  readonly attr?: string | undefined;
  /** Name and Nix expression. */
  readonly args: readonly (readonly [string, string])[];
  readonly argStrings: readonly (readonly [string, string])[];
  readonly recurse?: 'all' | 'marked' | undefined;
  /** The target is a jobset configuration, also where its name ends in `.nix`. */
  readonly jobset: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

/** @throws CommandFailure (usage) where the target is nothing that can be evaluated. */
export async function readTarget(target: string, folder: string, options: TargetOptions): Promise<StartRun> {
  const { path, kind } = await look(target, folder);
  if (options.jobset || (kind === 'file' && extname(path) === '.json'))
    return readJobsetFile(path, kind, options);
  if (kind === 'absent') return flakeRun(target, folder, options);
  if (kind === 'file') return fileRun(path, options);
  if (await exists(resolve(path, 'flake.nix'))) return flakeRun(path, folder, options);
  if (await exists(resolve(path, 'default.nix'))) return fileRun(resolve(path, 'default.nix'), options);
  throw new CommandFailure(EXIT.usage, `${path} has neither flake.nix nor default.nix`);
}

async function look(
  target: string,
  folder: string,
): Promise<{ path: string; kind: 'file' | 'folder' | 'absent' }> {
  const path = resolve(folder, target);
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return { path, kind: found.isDirectory() ? 'folder' : 'file' };
  // What looks like a path and is none is a slip of the pen; anything else is a flake reference.
  if (/^(\.{0,2}\/|~)/.test(target) && !target.includes('#'))
    throw new CommandFailure(EXIT.usage, `${path} does not exist`);
  if (/\.(nix|json)$/.test(target) && !target.includes(':'))
    throw new CommandFailure(EXIT.usage, `${path} does not exist`);
  return { path, kind: 'absent' };
}

/** A jobset configuration: JSON, or a Nix expression that yields it. */
export async function readJobsetFile(
  path: string,
  kind: 'file' | 'folder' | 'absent',
  { environment, attr, recurse }: Pick<TargetOptions, 'environment' | 'attr' | 'recurse'>,
): Promise<StartRun> {
  if (kind !== 'file') throw new CommandFailure(EXIT.usage, `${path} is no file`);
  const value =
    extname(path) === '.nix'
      ? await evaluateJobset(path, environment)
      : parseJson(path, await readFile(path, 'utf8'));
  const config = parseJobsetConfig(value);
  return {
    config: {
      ...config,
      ...(attr === undefined ? {} : { attr }),
      ...(recurse === undefined ? {} : { recurse }),
    },
    baseFolder: dirname(path),
  };
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(
      EXIT.usage,
      `${path} is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function evaluateJobset(path: string, environment: NodeJS.ProcessEnv): Promise<unknown> {
  const { ok, stdout, problem } = await runCommand(
    ['nix-instantiate', '--eval', '--strict', '--json', path],
    { environment },
  );
  if (!ok) throw new CommandFailure(EXIT.usage, `${path} does not evaluate: ${problem}`);
  return parseJson(path, stdout);
}

function fileRun(path: string, options: TargetOptions): StartRun {
  const { args, argStrings } = options;
  const source = { file: path, args: Object.fromEntries(args), argStrings: Object.fromEntries(argStrings) };
  const name = basename(path) === 'default.nix' ? basename(dirname(path)) : basename(path, '.nix');
  return { config: localJobset(name, source, 'marked', options), baseFolder: dirname(path) };
}

function flakeRun(reference: string, folder: string, options: TargetOptions): StartRun {
  const given = [...options.args, ...options.argStrings].map(([name]) => name);
  if (given.length > 0)
    throw new CommandFailure(EXIT.usage, `a flake takes no arguments, but ${given.join(', ')} was given`);
  const [flake = '', fragment] = reference.split('#', 2);
  const attr = options.attr ?? (fragment === undefined || fragment === '' ? undefined : fragment);
  const name = basename(flake.replace(/[?].*$/, '').replace(/\/+$/, '')) || 'flake';
  // `.` means this folder, whoever evaluates it.
  const absolute = flake === '' || flake === '.' ? folder : flake;
  return { config: localJobset(name, { flake: absolute }, 'all', { ...options, attr }), baseFolder: folder };
}

function localJobset(
  name: string,
  source: JobsetConfig['source'],
  recurse: 'all' | 'marked',
  options: Pick<TargetOptions, 'attr' | 'recurse'>,
): JobsetConfig {
  return parseJobsetConfig({
    project: 'local',
    name: slug(name),
    source,
    recurse: options.recurse ?? recurse,
    ...(options.attr === undefined ? {} : { attr: options.attr }),
    // A person waits: what nobody can run now is said now.
    notRunAfterSeconds: 0,
    debounceSeconds: 0,
    supersede: 'finish',
    priority: 2,
  });
}

function slug(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 60);
  return plain === '' ? 'jobset' : plain;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
