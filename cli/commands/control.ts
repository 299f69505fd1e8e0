/** Commands that change what runs: `cancel`, `retry`, `drain`. */

import { requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { jobName } from '../run/format.ts';
import { findEvaluation, findJob } from './find.ts';

interface Json {
  readonly json?: boolean;
}

function answer({ json = false }: Json, value: object, text: string): number {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
  return EXIT.ok;
}

export async function cancel(config: CliConfig, id: string | undefined, options: Json): Promise<number> {
  const client = await requireServer(config);
  const evaluation = await findEvaluation(client, id, id === undefined);
  const cancelled = await client.cancel(evaluation.id);
  return answer(
    options,
    { evaluationId: evaluation.id, ...cancelled },
    `evaluation ${evaluation.id} is cancelled: ${cancelled.ended} steps ended, ${cancelled.stopping} running ones are being stopped`,
  );
}

export interface RetryOptions extends Json {
  readonly failed?: boolean;
  readonly dependents?: boolean;
  readonly evaluation?: number;
}

export async function retry(
  config: CliConfig,
  name: string | undefined,
  options: RetryOptions,
): Promise<number> {
  if ((name === undefined) === (options.failed !== true))
    throw new CommandFailure(EXIT.usage, 'retry needs a job, or --failed');
  const client = await requireServer(config);
  const { id } = await findEvaluation(client, options.evaluation?.toString());
  const dependents = options.dependents !== false;
  if (name === undefined) {
    const { steps } = await client.retryEvaluation(id, dependents);
    return answer(options, { evaluationId: id, steps }, `${steps} steps of evaluation ${id} are tried again`);
  }
  const job = await findJob(
    client,
    id,
    name,
    (one) => one.outcome !== 'built' && one.outcome !== 'substituted',
  );
  const { steps } = await client.retryJob(job.id, dependents);
  const text =
    steps === 0 ? `nothing of ${jobName(job)} has failed` : `${jobName(job)}: ${steps} steps are tried again`;
  return answer(options, { evaluationId: id, jobId: job.id, steps }, text);
}

export interface DrainOptions extends Json {
  readonly reason?: string;
  readonly undo?: boolean;
}

export async function drain(config: CliConfig, name: string, options: DrainOptions): Promise<number> {
  const client = await requireServer(config);
  const action = options.undo === true ? 'activate' : 'drain';
  await client.setBuilder(name, action, options.reason);
  const text = action === 'drain' ? `${name} takes no more work` : `${name} takes work again`;
  return answer(options, { builder: name, wanted: action === 'drain' ? 'drained' : 'active' }, text);
}
