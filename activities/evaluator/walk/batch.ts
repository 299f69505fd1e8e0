/** One worker process of our evaluator: a batch of attributes goes in, findings come out until it ends or dies. */

import { constants } from 'node:os';
import { findNixError, findWarnings, isOutOfMemory, isStackOverflow, limitMessage } from '../nix-error.ts';
import { type ProcessEnd, runProcess } from '../process.ts';
import type { NixRequest } from '../request.ts';
import { type Finding, parseFinding } from './findings.ts';
import type { Death } from './follow.ts';
import { itemFields, type WorkItem } from './work.ts';

/** What Nix maps before it evaluates anything: libraries, stacks, the collector's tables. */
const BASE_MIB = 160;

/** Strict, so that the walk is walked; read-write, so that derivations are written when their paths are asked for. */
const NIX_INSTANTIATE = ['nix-instantiate', '--eval', '--strict', '--json', '--read-write-mode', '-E'];

export interface BatchOptions {
  readonly nix: NixRequest;
  /** walk.nix, applied. */
  readonly expression: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  readonly signal: AbortSignal;
}

export interface BatchEnd {
  /** Null: it ended by itself, without an error. */
  readonly death: Death | null;
  readonly warnings: readonly string[];
}

/** Runs a batch. Rejects where `nix-instantiate` cannot be run, and with what `onFinding` throws. */
export async function runBatch(
  items: readonly WorkItem[],
  options: BatchOptions,
  onFinding: (finding: Finding) => void,
): Promise<BatchEnd> {
  const { nix, expression, environment, memoryMiB, signal } = options;
  const request = JSON.stringify({ ...nix.fields, items: items.map(itemFields) });
  const prefix = `trace: ${nix.mark}`;
  const own = new AbortController();
  let failure: { error: unknown } | undefined;
  const warnings: string[] = [];
  const end = await runProcess({
    argv: [
      ...NIX_INSTANTIATE,
      expression,
      '--argstr',
      'request',
      request,
      ...nix.argOptions,
      ...nix.settings,
    ],
    folder: nix.folder,
    environment: { ...environment, NO_COLOR: '1', GC_INITIAL_HEAP_SIZE: initialHeap(memoryMiB) },
    limitKiB: (memoryMiB + BASE_MIB) * 1024,
    stderr: (line) => {
      if (!line.startsWith(prefix)) {
        warnings.push(...findWarnings(line));
        return false;
      }
      try {
        if (failure === undefined) onFinding(parseFinding(line.slice(prefix.length)));
      } catch (error) {
        failure = { error };
        own.abort();
      }
      return true;
    },
    signal: AbortSignal.any([signal, own.signal]),
    graceMs: nix.graceMs,
  });
  if (failure !== undefined) throw failure.error;
  return { death: describeDeath(end, memoryMiB), warnings };
}

/** Nix would take 384 MiB at once, which a small limit does not allow, and the collector would complain of it. */
function initialHeap(memoryMiB: number): string {
  return String(Math.min(384, Math.floor(memoryMiB / 4)) * 1024 * 1024);
}

/** @throws Error where the command was not found or not executable. */
export function describeDeath({ exit, killedBy, text }: ProcessEnd, memoryMiB: number): Death | null {
  if (exit === 0) return null;
  // The shell's own statuses for commands that it cannot execute.
  if (exit === 126 || exit === 127) throw new Error(`nix-instantiate cannot be run: ${text.trim()}`);
  if (isOutOfMemory(text))
    return {
      kind: 'killed',
      message: `error: out of memory: needs more than ${memoryMiB} MiB, the limit of one evaluator process (limits.evaluationMemoryMiB of the jobset)`,
    };
  const signal = killedBy ?? signalOf(exit);
  if (signal !== null)
    return { kind: 'killed', message: `error: the evaluator was killed by ${signal}${lastWords(text)}` };
  return {
    kind: 'error',
    message: findNixError(text) ?? `error: the evaluator ended with status ${exit}${lastWords(text)}`,
    endless: isStackOverflow(text),
  };
}

/** Wrappers report a signal as 128 and its number. */
function signalOf(exit: number | null): string | null {
  const number = (exit ?? 0) - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
}

function lastWords(text: string): string {
  const words = text.trim();
  return words === '' ? '' : `: ${limitMessage(words.slice(-2_000))}`;
}
