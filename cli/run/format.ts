/** Words and colours of the terminal. */

import { styleText } from 'node:util';
import type { Progress } from '../../domain/api/resources.ts';
import type { RunDocument, RunJob } from '../../domain/api/runs.ts';

export type Ended = Progress['ended'][number];

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly strong: (text: string) => string;
}

const same = (text: string): string => text;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  // eslint-disable-next-line node/no-process-env -- https://no-color.org
  if (!stream.isTTY || process.env['NO_COLOR']) return { good: same, bad: same, quiet: same, strong: same };
  return {
    good: (text) => styleText('green', text),
    bad: (text) => styleText('red', text),
    quiet: (text) => styleText('gray', text),
    strong: (text) => styleText('bold', text),
  };
}

const SYMBOLS: Readonly<Record<string, string>> = {
  built: '✔',
  substituted: '✔',
  'not-run': '∅',
  cancelled: '⏹',
};

/** One line for a step that ended: `✔ torch-2.9 on sm_89 · 3 m 12 s on ada`. */
export function endedLine(step: Ended, paint: Paint): string {
  const good = step.outcome === 'built' || step.outcome === 'substituted';
  const symbol = SYMBOLS[step.outcome] ?? '✘';
  const what = `${symbol} ${step.name}${step.architecture === null ? '' : ` on ${step.architecture}${step.standIn ? ' (stand-in)' : ''}`}`;
  const where = step.builder === null ? '' : ` on ${step.builder}`;
  const took = step.seconds === null ? '' : ` · ${duration(step.seconds)}${where}`;
  if (good)
    return `${paint.good(what)}${paint.quiet(`${step.outcome === 'substituted' ? ' substituted' : ''}${took}`)}`;
  const lines = [`${paint.bad(`${what}: ${step.outcome}`)}${paint.quiet(took)}`];
  if (step.verdict !== null) {
    const { class: failureClass, subclass, evidence, explanation } = step.verdict;
    lines.push(
      `    ${paint.strong(`${failureClass}/${subclass}`)}  ${evidence ?? ''}`.trimEnd(),
      `    ${paint.quiet(explanation)}`,
    );
  }
  return lines.join('\n');
}

/** `0.4 s`, `12 s`, `3 m 12 s`, `1 h 4 m`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
}

/** `512 B`, `1.5 KiB`, `254 MiB`: three digits at least, as people compare them. */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** `12 built, 3 failed` with what is worst first. */
export function counts(summary: Readonly<Record<string, number>>): string {
  const order = [
    'failed',
    'hash-mismatch',
    'timed-out',
    'silent-timed-out',
    'aborted',
    'dependency-failed',
    'cancelled',
    'not-run',
    'unfinished',
    'built',
    'substituted',
  ];
  const names = Object.keys(summary).toSorted((a, b) => rank(order, a) - rank(order, b));
  return names.map((name) => `${summary[name]} ${name}`).join(', ') || 'nothing';
}

function rank(order: readonly string[], name: string): number {
  const place = order.indexOf(name);
  // What the list does not name is a failure that ought to be seen.
  return place === -1 ? 0 : place;
}

export function jobName({ name, system, variant }: Pick<RunJob, 'name' | 'system' | 'variant'>): string {
  return variant === null ? `${name} · ${system}` : `${name} · ${system} · ${variant}`;
}

/** The end of a run for a person: failures by their root, what was not run, errors, counts, and how to use the cache. */
export function summaryLines(document: RunDocument, paint: Paint): string[] {
  const { jobs, errors, evaluation } = document;
  const lines: string[] = [''];
  const failed = jobs.filter(
    (job) =>
      job.outcome !== null && !['built', 'substituted', 'not-run', 'dependency-failed'].includes(job.outcome),
  );
  for (const job of failed) {
    const inherited = jobs.filter(
      (other) => other.outcome === 'dependency-failed' && other.root === rootName(job),
    );
    lines.push(
      paint.bad(
        `✘ ${jobName(job)}: ${job.outcome}${inherited.length === 0 ? '' : `, and ${inherited.length} jobs that need it`}`,
      ),
    );
    if (job.verdict !== null) {
      lines.push(
        `    ${paint.strong(`${job.verdict.class}/${job.verdict.subclass}`)}  ${job.verdict.evidence ?? ''}`.trimEnd(),
      );
      lines.push(`    ${paint.quiet(job.verdict.explanation)}`);
    }
  }
  for (const job of jobs.filter(
    (one) => one.verdict !== null && (one.outcome === 'built' || one.outcome === 'substituted'),
  ))
    lines.push(
      paint.bad(
        `⚠ ${jobName(job)}: built, but ${job.verdict?.class}/${job.verdict?.subclass}: ${job.verdict?.evidence ?? ''}`,
      ),
    );
  for (const job of jobs.filter((one) => one.outcome === 'not-run'))
    lines.push(paint.quiet(`∅ ${jobName(job)}: not run: ${job.reason ?? ''}`));
  for (const error of errors)
    lines.push(paint.bad(`✘ ${error.name || 'the evaluation'}: ${error.message.split('\n')[0] ?? ''}`));
  lines.push(
    '',
    `${paint.strong(`∑ ${counts(document.summary)}`)}${errors.length === 0 ? '' : `, ${errors.length} evaluation errors`} — evaluation ${evaluation.id} ${evaluation.outcome ?? evaluation.state}`,
    evaluation.url,
  );
  return lines;
}

/** Derivations are named without their job: the last part of `/nix/store/<hash>-<name>.drv`. */
function rootName(job: RunJob): string {
  return job.drvPath.slice(job.drvPath.lastIndexOf('/') + 34).replace(/\.drv$/, '');
}
