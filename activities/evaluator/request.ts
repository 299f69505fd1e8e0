/** The request as our Nix expressions read it, and the options that every Nix of an evaluation gets. */

import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatAttrPath } from '../../domain/nix/attr-path.ts';
import type { EvaluationRequest } from './types.ts';

/** Sets deeper than this below the place where the walk began are an error: Nixpkgs' own nest three or four deep. */
export const MAX_DEPTH = 12;

export interface NixRequest {
  /** Before every finding on standard error: evaluated code does not know it, so it cannot forge findings. */
  readonly mark: string;
  /** Fields of `request` that are the same for all processes. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** `--arg` options, with names that cannot meet our own `request`. */
  readonly argOptions: readonly string[];
  readonly settings: readonly string[];
  /** For Nix to stop in: it does not listen while it evaluates, but what it builds for the evaluation must be stopped by it. */
  readonly graceMs: number;
  /** Relative paths in arguments are seen from here. */
  readonly folder: string;
}

/** Expressions and strings of the root and its variant; where both give a name, the variant's counts. */
export function mergeArguments({ root, variant }: EvaluationRequest): {
  expressions: Record<string, string>;
  strings: Record<string, string>;
} {
  const given = root.kind === 'file' ? root : { args: {}, argStrings: {} };
  const expressions = { ...given.args };
  const strings: Record<string, string> = { ...given.argStrings };
  for (const name of Object.keys(strings)) delete expressions[name];
  for (const [name, text] of Object.entries(variant?.args ?? {})) {
    delete strings[name];
    expressions[name] = text;
  }
  for (const [name, text] of Object.entries(variant?.argStrings ?? {})) {
    delete expressions[name];
    strings[name] = text;
  }
  return { expressions, strings };
}

export function createNixRequest(request: EvaluationRequest): NixRequest {
  const { root, variant } = request;
  const { expressions, strings } = mergeArguments(request);
  const mark = `@nixwarp-${randomBytes(12).toString('hex')} `;
  const capabilities = variant?.cudaCapabilities;
  const forward = variant?.cudaForwardCompat;
  return {
    mark,
    fields: {
      mark,
      root: root.kind === 'file' ? { kind: 'file', path: root.path } : root,
      arguments: {
        strings,
        expressions: Object.keys(expressions),
        asked: {
          ...(capabilities === undefined ? {} : { cudaCapabilities: capabilities }),
          // `true` is Nixpkgs' default: nobody needs to take it.
          ...(forward === false ? { cudaForwardCompat: false } : {}),
        },
        automatic: {
          system: request.system,
          ...(forward === true ? { cudaForwardCompat: true } : {}),
        },
      },
      recurse: request.recurse,
      // One more than allowed, so that the limit is seen to be passed.
      maxNames: request.maxAttributes + 1,
    },
    argOptions: Object.entries(expressions).flatMap(([name, text]) => ['--arg', `arg:${name}`, text]),
    settings: settingsOf(request),
    graceMs: request.allowImportFromDerivation ? 10_000 : 500,
    folder: root.kind === 'flake' ? '/' : folderOf(root.path),
  };
}

function settingsOf({ root, allowImportFromDerivation }: EvaluationRequest): string[] {
  const settings: Record<string, string> = {
    // What an evaluation builds is built here, and without import from derivation nothing is fetched for it either.
    builders: '',
    ...(allowImportFromDerivation ? {} : { substituters: '' }),
    'allow-import-from-derivation': String(allowImportFromDerivation),
    'accept-flake-config': 'false',
    'pure-eval': String(root.kind === 'flake'),
    ...(root.kind === 'flake' ? { 'extra-experimental-features': 'nix-command flakes' } : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
}

/** A root that does not exist is for Nix to complain about. */
function folderOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return '/';
  return stats.isDirectory() ? path : dirname(path);
}

/** What is wrong with a request before Nix is asked; undefined where nothing is. */
export function findRequestProblem(request: EvaluationRequest): string | undefined {
  const { expressions, strings } = mergeArguments(request);
  const names = [...Object.keys(expressions), ...Object.keys(strings)];
  if (request.root.kind === 'flake' && names.length > 0)
    return `${describeRoot(request)} takes no arguments, but ${quoteNames(names)} ${names.length === 1 ? 'is' : 'are'} given: a flake offers variants as attributes`;
  return undefined;
}

export function describeRoot({ root }: EvaluationRequest): string {
  return root.kind === 'file' ? root.path : `flake ${root.url}`;
}

export function quoteNames(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

export function describePath(path: readonly string[]): string {
  return path.length === 0 ? 'the root' : formatAttrPath(path);
}

/** An expression of ours, applied to what both share: pure evaluation reads no files, so Nix gets text. */
export function readExpression(file: string): string {
  return `(${readOurs(file)})\n(${readOurs('root.nix')})`;
}

function readOurs(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
