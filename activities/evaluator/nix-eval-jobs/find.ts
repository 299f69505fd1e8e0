/** Finds nix-eval-jobs on PATH, and says whether it is new enough. */

import { execFile } from 'node:child_process';
import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** The first with `requiredSystemFeatures` (reference: experience.md §2.3). */
const OLDEST = [2, 32, 1] as const;
const VERSION_TIMEOUT_MS = 10_000;

export interface NixEvalJobsCommand {
  readonly path: string;
  readonly version: string;
}

/** @returns undefined where there is none, it is older than 2.32.1, or its version cannot be found out. */
export async function findNixEvalJobs(
  environment: Readonly<Record<string, string>>,
): Promise<NixEvalJobsCommand | undefined> {
  const path = await findOnPath('nix-eval-jobs', environment['PATH'] ?? '');
  if (path === undefined) return undefined;
  // Not every release knows --version; in the Nix store the version is in the path.
  const version = findVersion(await askVersion(path, environment)) ?? findVersion(await realpath(path));
  return version !== undefined && isNewEnough(version) ? { path, version } : undefined;
}

async function findOnPath(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    // A relative folder, or an empty one, would mean whatever folder we happen to run in.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

function askVersion(path: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { env, timeout: VERSION_TIMEOUT_MS }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
}

/** `nix-eval-jobs 2.34.1`, or a store path `/nix/store/…-nix-eval-jobs-2.34.1/bin/nix-eval-jobs`. */
export function findVersion(text: string): string | undefined {
  return /nix-eval-jobs(?: \(Nix\) | |-)(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];
}

export function isNewEnough(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, oldest] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}
