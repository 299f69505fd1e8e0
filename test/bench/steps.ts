/**
 * `npm run bench -- steps`: trivial derivations through the whole pipeline, beside `nix-build` of the same set.
 * `flat`: all at once; `chain`: each needs the one before, so that the overhead of one step shows.
 */

import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestStack } from '../support/stack.ts';
import { reportCpu, timePipeline } from './pipeline.ts';
import { median, spread } from './statistics.ts';
import { temporaryFolder } from '../support/temporary.ts';

const FLAT = 200;
const CHAIN = 40;
const ROUNDS = 3;

export async function steps(args: readonly string[]): Promise<void> {
  const rounds = Number(args[0] ?? ROUNDS);
  const folder = await temporaryFolder('bench');
  await using stack = await startTestStack();
  const figures: Record<string, { nix: number[]; pipeline: number[]; building: number[] }> = {};
  for (let round = 0; round < rounds; round++)
    for (const [shape, count] of [
      ['flat', FLAT],
      ['chain', CHAIN],
    ] as const) {
      const of = (figures[shape] ??= { nix: [], pipeline: [], building: [] });
      // Alternating, each with derivations of its own: nobody finds the other's outputs.
      of.nix.push(await timeNixBuild(await writeSet(folder, shape, count, `nix-${round}`)));
      const { wall, building } = await timePipeline(
        stack,
        await writeSet(folder, shape, count, `pipeline-${round}`),
        count,
      );
      of.pipeline.push(wall);
      of.building.push(building);
    }
  for (const [shape, count] of [
    ['flat', FLAT],
    ['chain', CHAIN],
  ] as const)
    report(shape, count, figures[shape]);
  await reportCpu(stack);
  await rm(folder, { recursive: true, force: true });
}

function report(
  shape: string,
  count: number,
  of: { nix: number[]; pipeline: number[]; building: number[] } | undefined,
): void {
  if (of === undefined) return;
  const perSecond = of.building.map((seconds) => count / seconds);
  const overhead = of.building.map((seconds, index) => ((seconds - (of.nix[index] ?? 0)) / count) * 1000);
  console.log(`\n${shape}: ${count} trivial derivations, ${of.nix.length} rounds, median (min–max)`);
  console.log(
    `  nix-build -j2          ${spread(of.nix, 2)} s   ${spread(of.nix.map((seconds) => count / seconds))} steps/s`,
  );
  console.log(
    `  nixwarp, trigger→end   ${spread(of.pipeline, 2)} s   ${spread(of.pipeline.map((seconds) => count / seconds))} steps/s`,
  );
  console.log(
    `  nixwarp, building      ${spread(of.building, 2)} s   ${spread(perSecond)} steps/s, overhead ${spread(overhead, 0)} ms/step`,
  );
  console.log(
    `  ratio nixwarp / nix-build (building): ${(median(of.building) / median(of.nix)).toFixed(1)} × the time`,
  );
}

async function writeSet(
  folder: string,
  shape: 'flat' | 'chain',
  count: number,
  salt: string,
): Promise<string> {
  const file = join(folder, `${shape}-${salt}.nix`);
  const stamp = `${salt}-${process.pid}-${Date.now()}`;
  await writeFile(
    file,
    `let
      one = index: inputs: derivation {
        name = "step-\${toString index}"; system = builtins.currentSystem; builder = "/bin/sh"; salt = "${stamp}";
        inherit inputs; args = [ "-c" "echo built \${toString index}; echo $salt > $out" ];
      };
      indices = builtins.genList (index: index) ${count};
      chain = builtins.foldl' (done: index: done ++ [ (one index (if done == [ ] then [ ] else [ (builtins.elemAt done (index - 1)) ])) ]) [ ] indices;
      list = ${shape === 'chain' ? 'chain' : 'map (index: one index [ ]) indices'};
    in builtins.listToAttrs (map (index: { name = "step\${toString index}"; value = builtins.elemAt list index; }) indices)
    `,
  );
  return file;
}

async function timeNixBuild(file: string): Promise<number> {
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    const child = spawn('nix-build', [file, '--no-out-link', '-j2', '--option', 'substituters', ''], {
      stdio: 'ignore',
    });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`nix-build ended with ${code}`)),
    );
  });
  return (performance.now() - startedAt) / 1000;
}
