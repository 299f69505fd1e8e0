/** How an example's jobs must end, and whether they did. */

import { readFile } from 'node:fs/promises';
import type { RunDocument, RunJob } from '../../domain/api/runs.ts';

export interface ExpectedJob {
  readonly name: string;
  readonly variant: string | null;
  readonly outcome: string;
  readonly class?: string;
  readonly subclass?: string;
  /** Part of the line that decides. */
  readonly evidence?: string;
  /** What was planted, and whose failure it is. */
  readonly fault?: string;
  /** With stand-in GPUs: how the step on an architecture ends, or `not-scheduled`. */
  readonly standIn?: Readonly<Record<string, string>>;
  /** On a machine with an NVIDIA driver and no sandbox. */
  readonly hostWithDriver?: string;
}

export interface ExpectedError {
  readonly name: string;
  readonly variant: string | null;
  readonly messageIncludes: string;
  readonly fault?: string;
}

export interface Expectations {
  readonly version: 1;
  readonly jobs: readonly ExpectedJob[];
  readonly errors?: readonly ExpectedError[];
}

export async function readExpectations(file: string): Promise<Expectations> {
  return JSON.parse(await readFile(file, 'utf8')) as Expectations;
}

/** What ended otherwise than it must, a line each; empty when all is right. */
export function compareWithExpectations(document: RunDocument, expectations: Expectations): string[] {
  const problems: string[] = [];
  const found = new Map(document.jobs.map((job) => [keyOf(job), job]));
  for (const expected of expectations.jobs) {
    const job = found.get(keyOf(expected));
    found.delete(keyOf(expected));
    if (job === undefined) problems.push(`${keyOf(expected)} is missing: it should be a job`);
    else problems.push(...problemsOf(job, expected));
  }
  for (const job of found.values()) problems.push(`${keyOf(job)} is a job that nobody expected`);
  problems.push(...errorProblems(document, expectations.errors ?? []));
  return problems;
}

function problemsOf(job: RunJob, expected: ExpectedJob): string[] {
  const ran = job.gpu.filter((gpu) => gpu.outcome !== 'not-run' && gpu.outcome !== null);
  if (expected.outcome === 'not-run' && ran.length > 0) return gpuProblems(job, expected);
  // On the second run what was built is there already.
  const outcomes =
    expected.outcome === 'built' ? ['built', 'substituted'] : [expected.outcome, expected.hostWithDriver];
  if (!outcomes.includes(job.outcome ?? 'unfinished'))
    return [`${keyOf(job)} ended ${job.outcome ?? 'unfinished'}, but must end ${expected.outcome}`];
  if (job.outcome === expected.hostWithDriver && job.outcome !== expected.outcome) return [];
  return job.outcome === 'not-run' ? [] : verdictProblems(job, expected);
}

function verdictProblems(job: RunJob, { class: wanted, subclass, evidence }: ExpectedJob): string[] {
  if (wanted === undefined || wanted === 'dependency-failed') return [];
  const { verdict } = job;
  const verdictText = verdict === null ? 'no verdict' : `${verdict.class}/${verdict.subclass}`;
  if (verdictText !== `${wanted}/${subclass}`)
    return [`${keyOf(job)} was judged ${verdictText}, but is ${wanted}/${subclass}`];
  if (evidence !== undefined && verdict?.evidence?.includes(evidence) !== true)
    return [`${keyOf(job)}: the evidence is "${verdict?.evidence}", but must have "${evidence}"`];
  return [];
}

/** A check that did run: on stand-ins their outcomes are known, of a real GPU only that it ended. */
function gpuProblems(job: RunJob, { standIn = {} }: ExpectedJob): string[] {
  return job.gpu
    .filter((gpu) => gpu.standIn && standIn[gpu.arch] !== gpu.outcome)
    .map(
      (gpu) =>
        `${keyOf(job)} on a stand-in ${gpu.arch} ended ${gpu.outcome}, but must end ${standIn[gpu.arch]}`,
    );
}

function errorProblems({ errors }: RunDocument, expected: readonly ExpectedError[]): string[] {
  const problems: string[] = [];
  const matches = (one: ExpectedError, error: RunDocument['errors'][number]): boolean =>
    one.name === error.name && one.variant === error.variant && error.message.includes(one.messageIncludes);
  for (const one of expected)
    if (!errors.some((error) => matches(one, error)))
      problems.push(`${one.name} must fail to evaluate: "${one.messageIncludes}"`);
  for (const error of errors)
    if (!expected.some((one) => matches(one, error)))
      problems.push(`${error.name || 'the evaluation'} failed: ${error.message.split('\n')[0]}`);
  return problems;
}

function keyOf({ name, variant }: { readonly name: string; readonly variant: string | null }): string {
  return variant === null ? name : `${name} (${variant})`;
}
