/** Getting a step's derivation and inputs onto this machine: substituted, never built. */

import { join } from 'node:path';
import type { StepAssignment } from '../domain/api/builder.ts';
import type { NixCli } from './adapters/nix-cli.ts';
import type { StoreQueries } from './adapters/store-queries.ts';

export interface FetchDeps {
  readonly nix: NixCli;
  readonly store: StoreQueries;
  readonly rootsFolder: string;
  /** Store paths seen to be valid here and held by roots: looking again would cost a process. */
  readonly knownValid: Set<string>;
  /** Our own cache, which has the derivations. */
  readonly cacheUrl: () => string;
}

/**
 * Makes the derivation and its inputs valid here. Returns the inputs that could not be had.
 * @throws Error when the derivation itself cannot be had: then the server or the way to it is at fault.
 */
export async function fetchInputs(
  deps: FetchDeps,
  assignment: StepAssignment,
  signal: AbortSignal,
): Promise<string[]> {
  const { drvPath, inputPaths } = assignment;
  const unknown = [drvPath, ...inputPaths].filter((path) => !deps.knownValid.has(path));
  const invalid = new Set(await listInvalid(deps, unknown));
  signal.throwIfAborted();
  if (invalid.delete(drvPath)) {
    const failure = await deps.nix.copyDerivation(drvPath, deps.cacheUrl());
    if (failure !== undefined) throw new Error(`copying ${drvPath} from ${deps.cacheUrl()}: ${failure}`);
  }
  deps.knownValid.add(drvPath);
  for (const path of inputPaths) if (!invalid.has(path)) deps.knownValid.add(path);
  if (invalid.size === 0) return [];
  const wanted = [...invalid];
  await deps.nix.substitute(
    wanted,
    join(deps.rootsFolder, `inputs-${wanted[0]?.split('/').at(-1)?.slice(0, 32)}`),
  );
  signal.throwIfAborted();
  // The command's status does not say which of them came.
  const missing = await listInvalid(deps, wanted);
  for (const path of wanted) if (!missing.includes(path)) deps.knownValid.add(path);
  return missing;
}

async function listInvalid({ store }: FetchDeps, paths: readonly string[]): Promise<string[]> {
  const valid = new Set(await store.listValid(paths));
  return paths.filter((path) => !valid.has(path));
}
