/** Running generated sets on a stack, and what its processes took for it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { clientOf, startRun } from '../support/runs.ts';
import type { TestStack } from '../support/stack.ts';

/** Runs a set whose `count` jobs must all be built; seconds from trigger to end, and from the first start to the last ending. */
export async function timePipeline(
  stack: TestStack,
  file: string,
  count: number,
): Promise<{ wall: number; building: number }> {
  const client = clientOf(stack);
  const startedAt = performance.now();
  const evaluationId = await startRun(stack, file);
  while ((await client.evaluation(evaluationId)).state !== 'finished') await sleep(100);
  const wall = (performance.now() - startedAt) / 1000;
  const { summary, errors } = await client.document(evaluationId);
  // On a busy machine a builder may be given up whose build ended well all the same: the next attempt finds it.
  if ((summary['built'] ?? 0) + (summary['substituted'] ?? 0) !== count)
    throw new Error(
      `expected ${count} built, got ${JSON.stringify(summary)}; ${JSON.stringify(errors.slice(0, 3))}`,
    );
  const sql = postgres(stack.databaseUrl, { max: 1 });
  const [row] = await sql<{ seconds: number }[]>`
    select extract(epoch from max(s.ended_at) - min(s.dispatched_at))::float as seconds
    from wanted w join steps s on s.id = w.step_id where w.evaluation_id = ${evaluationId}`;
  await sql.end();
  return { wall, building: row?.seconds ?? Number.NaN };
}

/** The stack's processes by name. */
export async function childrenOf(stack: TestStack) {
  const text = await readFile(join(stack.stateDir, 'run', 'children.json'), 'utf8');
  return JSON.parse(text) as readonly { readonly name: string; readonly pid: number }[];
}

/** Resident memory of a process in MiB (proc(5)). */
export async function residentMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Where the rest goes: CPU seconds of each process of the stack over the whole bench. */
export async function reportCpu(stack: TestStack): Promise<void> {
  console.log('\nCPU seconds of each process, over all rounds:');
  for (const { name, pid } of await childrenOf(stack)) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    const ticks = (index: number): number => Number(fields[index - 3] ?? 0) / 100;
    console.log(
      `  ${name.padEnd(12)} own ${(ticks(14) + ticks(15)).toFixed(1)}, of ended children ${(ticks(16) + ticks(17)).toFixed(1)}`,
    );
  }
}
