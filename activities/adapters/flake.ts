/** Flakes: what a reference is locked to, without writing a lock file. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';

export interface LockedFlake {
  /** Can be evaluated purely, now and later. */
  readonly url: string;
  readonly revision: string | null;
  /** A tree with changes that no commit has. */
  readonly dirty: boolean;
  /** The flake's tree in the store. */
  readonly storePath: string;
}

export interface FlakeMetadata {
  readonly url?: string;
  readonly resolvedUrl?: string;
  readonly path: string;
  readonly revision?: string;
  readonly dirtyRevision?: string;
  readonly locked?: {
    readonly type?: string;
    readonly rev?: string;
    readonly dirtyRev?: string;
    readonly narHash?: string;
    readonly lastModified?: number;
    readonly dir?: string;
  };
}

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** @throws Error with Nix's message where the flake cannot be found or read. */
export async function lockFlake(
  reference: string,
  environment: Readonly<Record<string, string>>,
): Promise<LockedFlake> {
  const stdout = await nix(
    [
      'flake',
      'metadata',
      '--json',
      '--no-write-lock-file',
      '--option',
      'accept-flake-config',
      'false',
      reference,
    ],
    environment,
  );
  return lockedFlakeOf(JSON.parse(stdout) as FlakeMetadata);
}

/**
 * What a tree's metadata (Nix 2.8 to 2.34) locks it to. A tree without a commit of its own (dirty, or a plain path) is taken as
 * the copy that Nix made of it: it holds tracked files only, and stays as it is while the evaluation runs.
 */
export function lockedFlakeOf(metadata: FlakeMetadata): LockedFlake {
  const { locked = {}, path } = metadata;
  const revision = locked.rev ?? locked.dirtyRev?.replace(/-dirty$/, '') ?? null;
  const dirty = locked.rev === undefined && locked.type === 'git';
  const url = metadata.url ?? metadata.resolvedUrl;
  if (locked.rev !== undefined && url?.includes(locked.rev) === true)
    return { url, revision, dirty, storePath: path };
  const query = new URLSearchParams();
  if (locked.lastModified !== undefined) query.set('lastModified', String(locked.lastModified));
  if (locked.narHash !== undefined) query.set('narHash', locked.narHash);
  if (locked.dir !== undefined) query.set('dir', locked.dir);
  return {
    url: `path:${path}?${query.toString()}`,
    revision,
    dirty,
    storePath: join(path, locked.dir ?? ''),
  };
}

/** Names of a locked flake's outputs. */
export async function listFlakeOutputs(
  url: string,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const expression = 'url: builtins.attrNames (builtins.getFlake url)';
  const stdout = await nix(
    [
      'eval',
      '--json',
      '--option',
      'accept-flake-config',
      'false',
      '--expr',
      `(${expression}) ${JSON.stringify(url).replaceAll('${', '\\${')}`,
    ],
    environment,
  );
  return JSON.parse(stdout) as string[];
}

function nix(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('nix', args, { env: environment, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.trim() || error.message));
    });
  });
}
