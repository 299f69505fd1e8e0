/** Watching an evaluation: what ended goes to the scrollback, what runs stays at the bottom. */

import type { Progress } from '../../domain/api/resources.ts';
import type { ApiClient } from '../client.ts';
import { CommandFailure } from '../exit.ts';
import { counts, duration, endedLine, paintFor, summaryLines } from './format.ts';

export interface WatchOptions {
  /** Where a person reads: standard error where standard output is for a document. */
  readonly stream: NodeJS.WriteStream;
  readonly say: (message: string) => void;
  /** Successes are worth a line each. */
  readonly verbose: boolean;
}

const POLL_MS = 500;
/** Without a terminal: what runs, once in a while. */
const HEARTBEAT_MS = 30_000;
/** A server that restarts is waited for. */
const PATIENCE_MS = 120_000;
const MAX_RUNNING_LINES = 8;

/** Watches until the evaluation has finished. Ctrl-C stops the watching, not the evaluation. */
export async function watchEvaluation(
  client: ApiClient,
  evaluationId: number,
  options: WatchOptions,
): Promise<void> {
  const paint = paintFor(options.stream);
  const screen = createScreen(options.stream);
  let cursor = '';
  let heartbeatAt = Date.now() + HEARTBEAT_MS;
  for (;;) {
    const progress = await patiently(() => client.progress(evaluationId, cursor));
    cursor = progress.cursor;
    for (const step of progress.ended) {
      const good = step.outcome === 'built' || step.outcome === 'substituted';
      if (!good || options.verbose || screen.live) screen.print(endedLine(step, paint));
    }
    // A full page of endings has more behind it.
    if (progress.evaluation.state === 'finished' && progress.ended.length === 0) break;
    if (screen.live) screen.show([...runningLines(progress), paint.strong(stateLine(progress))]);
    else if (Date.now() > heartbeatAt) {
      screen.print([stateLine(progress), ...runningLines(progress)].join('\n'));
      heartbeatAt = Date.now() + HEARTBEAT_MS;
    }
    if (progress.ended.length === 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  screen.show([]);
  const document = await patiently(() => client.document(evaluationId));
  screen.print(summaryLines(document, paint).join('\n'));
}

/** The server may be restarting (it is supervised): a question is asked again for a while. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const away = error instanceof CommandFailure ? error.status === 3 : true;
      if (!away || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function stateLine({ evaluation }: Progress): string {
  const open = ['running', 'dispatched', 'ready', 'waiting']
    .map((state) => [state, evaluation.steps[state] ?? 0] as const)
    .filter(([, count]) => count > 0);
  const steps = open.map(([state, count]) => `${count} ${state}`).join(', ');
  const errors = evaluation.errors === 0 ? '' : `, ${evaluation.errors} errors`;
  return `⏵ ${evaluation.state} · jobs: ${counts(evaluation.jobs)}${errors}${steps === '' ? '' : ` · steps: ${steps}`}`;
}

function runningLines({ running }: Progress): string[] {
  const lines = running.slice(0, MAX_RUNNING_LINES).map((step) => {
    const seconds = (Date.now() - Date.parse(step.startedAt)) / 1000;
    const where = step.architecture === null ? step.builder : `${step.architecture} on ${step.builder}`;
    return `  ⏵ ${step.name} · ${where} · ${duration(Math.max(0, seconds))}${step.attempt > 1 ? ` · attempt ${step.attempt}` : ''}`;
  });
  if (running.length > MAX_RUNNING_LINES) lines.push(`  … and ${running.length - MAX_RUNNING_LINES} more`);
  return lines;
}

/** Lines that stay, and a region below them that is drawn again and again; a plain stream has no such region. */
function createScreen(stream: NodeJS.WriteStream) {
  const live = stream.isTTY;
  let drawn = 0;
  const clear = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`);
  let region: readonly string[] = [];
  const draw = (): string => {
    const width = stream.columns || 80;
    const lines = region.map((line) => (line.length < width ? line : `${line.slice(0, width - 2)}…`));
    drawn = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  };
  return {
    live,
    print: (text: string): void => {
      const before = clear();
      drawn = 0;
      stream.write(live ? `${before}${text}\n${draw()}` : `${text}\n`);
    },
    show: (lines: readonly string[]): void => {
      if (!live) return;
      const before = clear();
      region = lines;
      stream.write(`${before}${draw()}`);
    },
  };
}
