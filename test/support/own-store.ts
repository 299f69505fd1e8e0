/** A store of a test's own, at a place of its own, filled by the Nix on PATH. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface OwnStore extends AsyncDisposable {
  readonly root: string;
  readonly storeDir: string;
  readonly database: string;
  readonly logDir: string;
  /** Runs a command of Nix against it, and gives what it prints, as bytes. @throws where it fails. */
  run(command: string, ...args: readonly string[]): Promise<Buffer>;
  /** As `run`, for a single line. */
  line(command: string, ...args: readonly string[]): Promise<string>;
}

const runFile = promisify(execFile);

export async function makeOwnStore(): Promise<OwnStore> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'nixwarp-own-store-')));
  const storeDir = join(root, 'store');
  const logDir = join(root, 'var', 'log', 'nix');
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    NIX_STORE_DIR: storeDir,
    NIX_STATE_DIR: join(root, 'var', 'nix'),
    NIX_LOG_DIR: logDir,
    NIX_CONF_DIR: join(root, 'etc'),
  };
  await mkdir(join(root, 'etc'));
  await writeFile(
    join(root, 'etc', 'nix.conf'),
    'build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command ca-derivations\n',
  );
  await mkdir(storeDir);
  const run: OwnStore['run'] = async (command, ...args) => {
    const { stdout } = await runFile(command, args, {
      env,
      encoding: 'buffer',
      maxBuffer: 2 ** 28,
      cwd: root,
    });
    return stdout;
  };
  return {
    root,
    storeDir,
    database: join(root, 'var', 'nix', 'db', 'db.sqlite'),
    logDir,
    run,
    line: async (command, ...args) => (await run(command, ...args)).toString().trim(),
    [Symbol.asyncDispose]: async () => {
      await runFile('chmod', ['-R', 'u+w', root]);
      await rm(root, { recursive: true, force: true });
    },
  };
}
