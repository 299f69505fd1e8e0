/** Pushes into a staging view: it is an ordinary binary cache of its own, and Nix itself copies to it. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ViewName, viewPath } from '../../domain/ci/view.ts';
import type { PathInfo } from '../../domain/nix/path-info.ts';
import { storePathHash } from '../../domain/nix/store-path.ts';
import { CommandFailure, EXIT } from '../exit.ts';

export interface CopyOptions {
  readonly url: string;
  readonly token: string;
  readonly view: ViewName;
  readonly environment: Readonly<Record<string, string>>;
}

const execute = promisify(execFile);
/** Questions asked at once. */
const PARALLEL = 16;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Those of a closure that the view does not show yet. @throws CommandFailure where the token may not look. */
export async function missingIn(
  { url, token, view }: CopyOptions,
  closure: readonly PathInfo[],
): Promise<PathInfo[]> {
  const missing: PathInfo[] = [];
  for (let at = 0; at < closure.length; at += PARALLEL) {
    const asked = closure.slice(at, at + PARALLEL).map(async (info) => {
      const address = `${url}${viewPath(view)}/${storePathHash(info.path)}.narinfo`;
      const { status } = await fetch(address, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${token}` },
      });
      if (status === 404) missing.push(info);
      else if (status !== 200)
        throw new CommandFailure(
          EXIT.usage,
          `${address}: ${status}, expected 200 or 404: the token must be one of ${view} that may read and push`,
        );
    });
    await Promise.all(asked);
  }
  return missing;
}

/** `nix copy` of the paths with all that they refer to. @throws CommandFailure with what Nix says. */
export async function copyToView(
  { url, token, view, environment }: CopyOptions,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-push-'));
  try {
    // Not in the URL: everybody on the machine sees what a command is called with.
    const netrc = join(folder, 'netrc');
    await writeFile(netrc, `machine ${new URL(url).hostname} login nixwarp password ${token}\n`, {
      mode: 0o600,
    });
    const args = ['--extra-experimental-features', 'nix-command', 'copy', '--no-check-sigs'];
    const to = ['--to', `${url}${viewPath(view)}?compression=zstd`, '--option', 'netrc-file', netrc];
    // What Nix remembers of the view may be an hour old.
    const now = ['narinfo-cache-positive-ttl', 'narinfo-cache-negative-ttl'].flatMap((name) => [
      '--option',
      name,
      '0',
    ]);
    await execute('nix', [...args, ...to, ...now, ...paths], {
      env: environment,
      maxBuffer: MAX_OUTPUT,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const said = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new CommandFailure(EXIT.failed, `nix copy to ${url}${viewPath(view)} failed: ${said}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
