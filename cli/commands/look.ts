/** Commands that only look: `watch`, `log`, `status`, `why`. */

import type { Evaluation, Step } from '../../domain/api/resources.ts';
import { type ApiClient, requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { counts, duration, jobName, paintFor } from '../run/format.ts';
import { statusOf } from '../run/run.ts';
import { watchEvaluation } from '../run/watch.ts';
import { findEvaluation, findJob } from './find.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

export async function watch(
  config: CliConfig,
  id: string | undefined,
  { json = false }: { json?: boolean },
): Promise<number> {
  const client = await requireServer(config);
  const { id: evaluationId } = await findEvaluation(client, id);
  const stream = json ? process.stderr : process.stdout;
  await watchEvaluation(client, evaluationId, {
    stream,
    say: (message) => void stream.write(`${message}\n`),
    verbose: true,
  });
  const document = await client.document(evaluationId);
  if (json) printJson(document);
  return statusOf(document);
}

export async function status(config: CliConfig, { json = false }: { json?: boolean }): Promise<number> {
  const client = await requireServer(config);
  const [overall, builders, evaluations] = await Promise.all([
    client.status(),
    client.builders(),
    client.evaluations({ limit: 10 }),
  ]);
  if (json) {
    printJson({ status: overall, builders, evaluations });
    return EXIT.ok;
  }
  const paint = paintFor(process.stdout);
  print(`nixwarp ${overall.version} at ${overall.url}`);
  for (const builder of builders) {
    const gpus = builder.gpus.map(
      (gpu) => `${gpu.architecture} ${gpu.model}, driver ${gpu.driver}${gpu.standIn ? ' (stand-in)' : ''}`,
    );
    const what = `  ${builder.name}: ${builder.state}, ${builder.running} of ${builder.slots} slots${gpus.length === 0 ? '' : `; ${gpus.join('; ')}`}`;
    print(
      builder.state === 'active'
        ? what
        : paint.bad(`${what} (${builder.reason ?? `last seen ${builder.lastSeenAt}`})`),
    );
  }
  print('evaluations:');
  for (const evaluation of evaluations) print(`  ${evaluationLine(evaluation)}`);
  return EXIT.ok;
}

function evaluationLine({ id, project, jobset, number, state, outcome, jobs, errors }: Evaluation): string {
  const failed = errors === 0 ? '' : `, ${errors} errors`;
  return `${id}  ${project}/${jobset} #${number}  ${outcome ?? state}  ${counts(jobs)}${failed}`;
}

export interface LogOptions {
  readonly follow?: boolean;
  readonly evaluation?: number;
}

/** The newest attempt's log; with `follow` as it grows. */
export async function log(
  config: CliConfig,
  name: string,
  { follow = false, evaluation }: LogOptions,
): Promise<number> {
  const client = await requireServer(config);
  const attemptId = await waitForAttempt(client, name, evaluation, follow);
  if (follow) {
    await client.followLog(attemptId, (text) => void process.stdout.write(text));
    return EXIT.ok;
  }
  const text = await client.log(attemptId, 0);
  if (text === undefined) throw new CommandFailure(EXIT.usage, `the last attempt of ${name} wrote no log`);
  process.stdout.write(text);
  return EXIT.ok;
}

const LOOK_MS = 500;

async function waitForAttempt(
  client: ApiClient,
  name: string,
  evaluation: number | undefined,
  wait: boolean,
): Promise<number> {
  const { id } = await findEvaluation(client, evaluation?.toString());
  for (;;) {
    const job = await findJob(client, id, name, (one) => one.attempts > 0);
    const { steps } = await client.job(job.id);
    const attempt = steps.flatMap((step) => step.attempts).findLast((one) => one.logBytes !== null);
    if (attempt !== undefined) return attempt.id;
    const ended = steps.every((step) => step.outcome !== null);
    if (!wait || ended)
      throw new CommandFailure(
        EXIT.usage,
        `${jobName(job)} has no log: ${job.reason ?? job.outcome ?? 'it has not been tried'}`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export async function why(
  config: CliConfig,
  name: string,
  options: { evaluation?: number; json?: boolean },
): Promise<number> {
  const client = await requireServer(config);
  const { id } = await findEvaluation(client, options.evaluation?.toString());
  const { id: jobId } = await findJob(
    client,
    id,
    name,
    (job) => job.outcome !== 'built' && job.outcome !== 'substituted',
  );
  const { job, steps } = await client.job(jobId);
  if (options.json === true) {
    printJson({ evaluationId: id, job, steps });
    return EXIT.ok;
  }
  const paint = paintFor(process.stdout);
  print(`${paint.strong(jobName(job))}: ${job.outcome ?? 'unfinished'}`);
  if (job.verdict !== null) {
    print(
      `  ${job.verdict.class}/${job.verdict.subclass}, confidence ${job.verdict.confidence.toFixed(2)}, by rule ${job.verdict.rule}`,
    );
    if (job.verdict.evidence !== null) print(`  evidence: ${job.verdict.evidence}`);
    print(`  ${job.verdict.explanation}`);
  }
  if (job.reason !== null) print(`  ${job.reason}`);
  for (const { arch, reason } of job.notScheduled) print(`  not on ${arch}: ${reason}`);
  for (const step of steps) printStep(step);
  return EXIT.ok;
}

function printStep(step: Step): void {
  const where = step.architecture === null ? '' : ` on ${step.architecture}`;
  print(
    `  step ${step.id}${where}: ${step.outcome ?? step.state}${step.waits === null ? '' : ` — ${step.waits}`}`,
  );
  if (step.root !== null) print(`    because ${step.root.name} failed (step ${step.root.stepId})`);
  for (const attempt of step.attempts) {
    const took =
      attempt.endedAt === null
        ? ''
        : ` after ${duration((Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt)) / 1000)}`;
    const gpu =
      attempt.gpu === null ? '' : ` on ${attempt.gpu.model}${attempt.gpu.standIn ? ' (stand-in)' : ''}`;
    print(
      `    attempt ${attempt.number} on ${attempt.builder}${gpu}: ${attempt.outcome ?? 'running'}${took}`,
    );
    print(`      log: ${attempt.logUrl}`);
  }
}
