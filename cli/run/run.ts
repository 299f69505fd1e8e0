/** `nixwarp run`: evaluates, builds and tests once, and tells how it went. */

import type { RunDocument, StartRun } from '../../domain/api/runs.ts';
import { type ApiClient, createApiClient, findServer } from '../client.ts';
import { CACHE_FOLDER, type CliConfig } from '../config.ts';
import { EXIT, type ExitStatus } from '../exit.ts';
import { readFile } from 'node:fs/promises';
import { BASE_PARTS } from '../setup/main.ts';
import { setUp } from '../setup/part.ts';
import { findTemporalCli } from '../setup/temporal.ts';
import { type ExtraBuilder, type Stack, startStack } from '../up/stack.ts';
import { watchEvaluation, type WatchOptions } from './watch.ts';

/** A server to work with: one that answers, or our own for as long as `work` takes. */
export async function withServer<T>(
  config: CliConfig,
  say: (message: string) => void,
  work: (client: ApiClient, stack: Stack | undefined) => Promise<T>,
  extraBuilders: readonly ExtraBuilder[] = [],
): Promise<T> {
  const running = await findServer(config);
  if (running !== undefined) return work(running, undefined);
  say(`no server answers at ${config.url}: starting one, with its state in ${config.stateDir}`);
  await using stack = await startOwnStack(config, say, extraBuilders);
  const token = (await readFile(stack.state.keys.adminTokenFile, 'utf8')).trim();
  return await Promise.race([work(createApiClient(stack.url, token), stack), stack.hopeless]);
}

/** Sets up what is missing, then starts everything. */
export async function startOwnStack(
  config: CliConfig,
  say: (message: string) => void,
  extraBuilders: readonly ExtraBuilder[] = [],
): Promise<Stack> {
  const context = { environment: config.environment, cacheFolder: CACHE_FOLDER, say };
  await setUp(BASE_PARTS, context);
  const temporalCli = (await findTemporalCli(context)) ?? 'temporal';
  return startStack({ config, temporalCli, extraBuilders, say });
}

export interface RunOptions extends WatchOptions {
  readonly json: boolean;
}

/** Starts the run and waits for its end. Prints the document where `json` is asked for. */
export async function runAndReport(
  client: ApiClient,
  run: StartRun,
  options: RunOptions,
): Promise<ExitStatus> {
  const { evaluationId, url } = await client.startRun(run);
  options.say(`evaluation ${evaluationId} of ${run.config.project}/${run.config.name}: ${url}`);
  await watchEvaluation(client, evaluationId, options);
  const document = await client.document(evaluationId);
  if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  return statusOf(document);
}

/** 0 where nothing failed, 1 where something did, 3 where the evaluation did not run to its end. */
export function statusOf({ evaluation, jobs, errors }: RunDocument): ExitStatus {
  if (evaluation.outcome === 'cancelled' || evaluation.outcome === 'superseded') return EXIT.infrastructure;
  const failed = jobs.filter(
    (job) => job.outcome !== null && !['built', 'substituted', 'not-run'].includes(job.outcome),
  );
  if (failed.length === 0 && errors.length === 0) return EXIT.ok;
  // Where infrastructure alone stood in the way, no package is to blame.
  const aborted =
    failed.length > 0 && errors.length === 0 && failed.every((job) => job.outcome === 'aborted');
  return aborted ? EXIT.infrastructure : EXIT.failed;
}
