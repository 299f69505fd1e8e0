/**
 * `npm run bench -- large [COUNT]`: a generated jobset of 2,000 derivations in 12 layers through the whole pipeline.
 * Shown: the coordinator's memory over time, the longest workflow histories, and the rate beside `bench -- steps`.
 */

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTemporalClient } from '../../workers/temporal.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { childrenOf, reportCpu, residentMebibytes, timePipeline } from './pipeline.ts';
import { median } from './statistics.ts';
import { temporaryFolder } from '../support/temporary.ts';

const COUNT = 2_000;
const LAYERS = 12;
const INPUTS = 3;
const SAMPLE_MS = 2_000;
const MAX_EVENTS = 2_000;
const NAMESPACE = 'nixwarp-bench-large';

export async function large(args: readonly string[]): Promise<void> {
  const count = Number(args[0] ?? COUNT);
  const folder = await temporaryFolder('bench');
  try {
    await using stack = await startTestStack({ environment: { TEMPORAL_NAMESPACE: NAMESPACE } });
    const file = join(folder, 'large.nix');
    await writeFile(file, layered(count));
    using memory = await watchMemory(stack, 'coordinator');
    const { wall, building } = await timePipeline(stack, file, count);
    console.log(
      `\n${count} trivial derivations in ${LAYERS} layers, each with up to ${INPUTS} inputs of the layer before`,
    );
    console.log(
      `  trigger→end ${wall.toFixed(1)} s, building ${building.toFixed(1)} s, ${(count / building).toFixed(1)} steps/s`,
    );
    reportMemory(memory.samples);
    const isShort = await reportHistories(stack);
    await reportCpu(stack);
    if (!isShort) throw new Error(`a workflow history has more than ${MAX_EVENTS} events`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function layered(count: number): string {
  const width = Math.ceil(count / LAYERS);
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    const layer = Math.floor(index / width);
    const inputs = new Set<string>();
    // A fixed scramble: every layer needs all over the one before.
    for (let input = 0; input < (layer === 0 ? 0 : INPUTS); input++)
      inputs.add(`step${(layer - 1) * width + ((index * 7919 + input * 104_729) % width)}`);
    lines.push(`  step${index} = one "${index}" [ ${[...inputs].join(' ')} ];`);
  }
  return `let
  one = index: inputs: derivation {
    name = "large-\${index}"; system = builtins.currentSystem; builder = "/bin/sh"; salt = "${process.pid}-${Date.now()}";
    inherit inputs; args = [ "-c" "echo built \${index}; echo $salt > $out" ];
  };
in rec {
${lines.join('\n')}
}
`;
}

async function watchMemory(stack: TestStack, name: string) {
  const pid = (await childrenOf(stack)).find((child) => child.name === name)?.pid;
  if (pid === undefined) throw new Error(`the stack has no ${name}`);
  const samples: number[] = [];
  const timer = setInterval(() => {
    // A coordinator that was started again has another pid: the samples end.
    residentMebibytes(pid).then(
      (size) => samples.push(size),
      () => clearInterval(timer),
    );
  }, SAMPLE_MS);
  return { samples, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Flat: the last quarter is no larger than the second, after caches and the heap have found their size. */
function reportMemory(samples: readonly number[]): void {
  const quarter = Math.floor(samples.length / 4);
  const second = median(samples.slice(quarter, 2 * quarter));
  const last = median(samples.slice(3 * quarter));
  console.log(
    `  coordinator's memory, MiB: start ${samples[0]?.toFixed(0)}, second quarter ${second.toFixed(0)}, last quarter ${last.toFixed(0)}, ` +
      `peak ${Math.max(...samples).toFixed(0)}; last / second quarter ${(last / second).toFixed(2)}`,
  );
}

async function reportHistories(stack: TestStack): Promise<boolean> {
  const client = createTemporalClient({
    address: `127.0.0.1:${stack.environment['NIXWARP_TEMPORAL_PORT']}`,
    namespace: NAMESPACE,
  });
  const longest = new Map<string, number>();
  let workflows = 0;
  for await (const { type, historyLength } of client.workflow.list()) {
    workflows++;
    longest.set(type, Math.max(longest.get(type) ?? 0, historyLength));
  }
  await client.connection.close();
  const lines = [...longest].toSorted(([, a], [, b]) => b - a).map(([type, events]) => `${type} ${events}`);
  console.log(`  longest histories of ${workflows} workflows, in events: ${lines.join(', ')}`);
  return Math.max(...longest.values()) <= MAX_EVENTS;
}
