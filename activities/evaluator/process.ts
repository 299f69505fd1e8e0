/** A child process with its whole group: lines as they come, an address space limit, and a certain end. */

import { spawn } from 'node:child_process';

/** Kept of lines that nobody takes; Nix's error is at the end. */
const MAX_TEXT_CHARACTERS = 256 * 1024;

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Address space of each process, in KiB; undefined leaves it alone. */
  readonly limitKiB?: number;
  readonly stdout?: (line: string) => void;
  /** Returns whether it has taken the line; other lines are kept as text. */
  readonly stderr: (line: string) => boolean;
  /** Aborting it stops the process: SIGTERM, and SIGKILL for what is left after `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
}

export interface ProcessEnd {
  readonly exit: number | null;
  readonly killedBy: NodeJS.Signals | null;
  /** Lines of standard error, from the last one taken on. */
  readonly text: string;
}

/** Runs a process to its end; nothing of its group is left when this resolves. Rejects where it cannot be started. */
export async function runProcess(options: ProcessOptions): Promise<ProcessEnd> {
  const { argv, folder: cwd, environment: env, limitKiB, signal } = options;
  const [file = '', ...args] =
    limitKiB === undefined
      ? argv
      : ['/bin/sh', '-c', 'ulimit -v "$1"; shift; exec "$@"', 'sh', String(limitKiB), ...argv];
  // A group of its own, so that all of it can be stopped.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const kept = createTail();
  onLines(child.stdout, options.stdout ?? (() => {}));
  onLines(child.stderr, (line) => (options.stderr(line) ? kept.clear() : kept.add(line)));

  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child.pid, 'SIGTERM');
    force = setTimeout(() => killGroup(child.pid, 'SIGKILL'), options.graceMs);
  };
  try {
    return await new Promise<ProcessEnd>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new Error(`${argv[0]} cannot be run: ${cause.message}`, { cause })),
      );
      child.once('close', (exit, killedBy) => resolve({ exit, killedBy, text: kept.text() }));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  } finally {
    clearTimeout(force);
    signal.removeEventListener('abort', stop);
    // Children that outlived it, and closed its pipes.
    killGroup(child.pid, 'SIGKILL');
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of the group has gone.
  }
}

function onLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  // A line may be megabytes long (the names of a large set), and come in hundreds of pieces.
  let pieces: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = chunk.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      take(pieces.length === 0 ? line : [...pieces, line].join(''));
      pieces = [];
    }
    if (rest !== '') pieces.push(rest);
  });
  stream.on('end', () => {
    if (pieces.length > 0) take(pieces.join(''));
  });
}

function createTail(): { add(line: string): void; clear(): void; text(): string } {
  let lines: string[] = [];
  let length = 0;
  return {
    add: (line) => {
      lines.push(line);
      length += line.length + 1;
      if (length <= 2 * MAX_TEXT_CHARACTERS) return;
      const text = lines.join('\n').slice(-MAX_TEXT_CHARACTERS);
      lines = [text];
      length = text.length;
    },
    clear: () => {
      lines = [];
      length = 0;
    },
    text: () => lines.join('\n').slice(-MAX_TEXT_CHARACTERS),
  };
}
