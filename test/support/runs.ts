/** Running sets on a test stack, and what the database says of it afterwards. */

import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { type ApiClient, createApiClient } from '../../cli/client.ts';
import { readTarget } from '../../cli/run/target.ts';
import type { RunDocument } from '../../domain/api/runs.ts';
import type { TestStack } from './stack.ts';

export function clientOf(stack: TestStack): ApiClient {
  return createApiClient(stack.url, stack.adminToken);
}

/** Starts an evaluation of a Nix file; the jobset's name is `name`. */
export async function startRun(
  stack: TestStack,
  file: string,
  name = 'test',
  config: object = {},
): Promise<number> {
  const run = await readTarget(file, '/', {
    args: [],
    argStrings: [],
    jobset: false,
    environment: process.env,
  });
  const { evaluationId } = await clientOf(stack).startRun({
    ...run,
    config: { ...run.config, name, ...config },
  });
  return evaluationId;
}

/** Waits for a condition, asked again and again; errors count as not yet. @throws Error saying what did not come true. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`, { cause: last });
    await sleep(100);
  }
}

export async function untilFinished(
  stack: TestStack,
  evaluationId: number,
  seconds = 120,
): Promise<RunDocument> {
  const client = clientOf(stack);
  await until(
    `evaluation ${evaluationId} finished`,
    async () => (await client.evaluation(evaluationId)).state === 'finished',
    seconds,
  );
  return client.document(evaluationId);
}

/** Waits until a step of that derivation runs. */
export async function untilRunning(stack: TestStack, evaluationId: number, name: string): Promise<void> {
  await until(
    `${name} runs`,
    async () => (await clientOf(stack).progress(evaluationId, '')).running.some((step) => step.name === name),
    60,
  );
}

export function outcomesOf(document: RunDocument): Record<string, string | null> {
  return Object.fromEntries(document.jobs.map((job) => [job.name, job.outcome]));
}

/** Derivations that did not get exactly one successful attempt, and paths that were taken in more than once: both empty, always. */
export async function findDuplicates(
  stack: TestStack,
  evaluationId: number,
): Promise<{ attempts: string[]; ingests: string[] }> {
  const sql = postgres(stack.databaseUrl, { max: 1 });
  try {
    const attempts = await sql<{ name: string }[]>`
      select d.name from wanted w join steps s on s.id = w.step_id join derivations d on d.drv_hash = s.drv_hash
      where w.evaluation_id = ${evaluationId} and s.outcome = 'built'
        and (select count(*) from attempts a join steps x on x.id = a.step_id where x.drv_hash = s.drv_hash and a.outcome = 'built') <> 1`;
    const ingests = await sql<{ hash: string }[]>`
      select p.path_hash as hash from path_provenance p
      join outputs o on o.path_hash = p.path_hash join jobs j on j.drv_hash = o.drv_hash and j.evaluation_id = ${evaluationId}
      group by p.path_hash having count(*) <> 1`;
    return { attempts: attempts.map((row) => row.name), ingests: ingests.map((row) => row.hash) };
  } finally {
    await sql.end();
  }
}
