/** Running other programs during set-up. */

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** The last line that says something, for a one-line report. */
  readonly problem: string;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export interface CommandOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

/** Never throws: what went wrong is in `problem`. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [command = '', ...args] = argv;
  return (
    new Promise<CommandResult>((resolve) => {
      execFile(
        command,
        args,
        {
          cwd: options.cwd,
          env: options.environment,
          timeout: options.timeoutMs ?? 0,
          maxBuffer: MAX_OUTPUT_BYTES,
        },
        (error, stdout, stderr) => {
          const last = stderr.trim().split('\n').at(-1) ?? '';
          const problem =
            error === null
              ? ''
              : error.killed === true
                ? `no end after ${options.timeoutMs} ms`
                : last || error.message;
          resolve({ ok: error === null, stdout, problem });
        },
      );
    })
      // What cannot be started at all is thrown: a path through a file, for one.
      .catch((error: unknown) => ({
        ok: false,
        stdout: '',
        problem: error instanceof Error ? error.message : String(error),
      }))
  );
}

/** The path of a program on PATH, `undefined` where there is none. */
export async function findOnPath(name: string, path: string | undefined): Promise<string | undefined> {
  for (const folder of (path ?? '').split(delimiter)) {
    if (folder === '' || folder.endsWith('node_modules/.bin')) continue;
    const file = join(folder, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
