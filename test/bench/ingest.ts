/**
 * `npm run bench -- ingest [MEBIBYTES]`: taking in one uncompressed NAR (hashes, grammar, references, listing, zstd frames, fsync)
 * beside `zstd -3` of the same bytes on one core; run by turns. The server's core in a process of its own, on all cores and on one.
 */

import { execFileSync, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeNar } from '../../domain/nix/nar-write.ts';
import { DEFAULT_LEVEL, measureNar } from '../../server/cache/measure-nar.ts';
import { median, spread } from './statistics.ts';

const MEBIBYTE = 2 ** 20;
const RUNS = 5;
/** References that a package has. */
const CANDIDATES = Array.from(
  { length: 40 },
  (_, index) => '0123456789abcdfghijklmnpqrsvwxyz'.slice(index % 20) + '0'.repeat(32),
);

interface Run {
  readonly seconds: number;
  readonly peakMebibytes: number;
}

export async function ingest([size = '1024']: readonly string[]): Promise<void> {
  const mebibytes = Number(size);
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-bench-'));
  try {
    const file = join(folder, 'nar');
    await writeSampleNar(file, mebibytes * MEBIBYTE);
    // Into the page cache, for all alike.
    execFileSync('cat', [file], { stdio: 'ignore' });
    const kinds: Readonly<Record<string, () => Promise<Run>>> = {
      [`zstd -${DEFAULT_LEVEL}, one core`]: () =>
        timed([
          'taskset',
          '-c',
          '0',
          'zstd',
          `-${DEFAULT_LEVEL}`,
          '-q',
          '-f',
          '-T1',
          file,
          '-o',
          join(folder, 'plain.zst'),
        ]),
      [`ingest, ${availableParallelism()} cores`]: () => ownRun([], file, join(folder, 'all.zst')),
      'ingest, one core': () => ownRun(['taskset', '-c', '0'], file, join(folder, 'one.zst')),
    };
    const runs = new Map<string, Run[]>(Object.keys(kinds).map((kind) => [kind, []]));
    for (let turn = 0; turn < RUNS; turn++)
      for (const [kind, run] of Object.entries(kinds)) runs.get(kind)?.push(await run());
    const [baseline = 0] = [...runs.values()].map((all) => median(all.map((run) => run.seconds)));
    for (const [kind, all] of runs) {
      const rates = all.map((run) => mebibytes / run.seconds);
      const peak = Math.max(...all.map((run) => run.peakMebibytes));
      console.log(
        `${kind.padEnd(20)} ${spread(rates, 0)} MiB/s, ${(baseline / median(all.map((run) => run.seconds))).toFixed(2)} ×, peak ${peak.toFixed(0)} MiB`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A program's text and data, over and over: further apart than zstd looks back. */
async function writeSampleNar(path: string, bytes: number): Promise<void> {
  const program = await readFile(process.execPath);
  const content = function* (): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= program.length) yield program.subarray(0, left);
  };
  const handle = await open(path, 'w');
  for await (const chunk of writeNar({ kind: 'regular', executable: true, size: bytes, content }))
    await handle.write(chunk);
  await handle.close();
}

function ownRun(prefix: readonly string[], file: string, output: string): Promise<Run> {
  return timed([...prefix, process.execPath, fileURLToPath(import.meta.url), file, output]);
}

/** Wall time, and the largest memory as the kernel tells it. */
async function timed(command: readonly string[]): Promise<Run> {
  await rm(command.at(-1) ?? '', { force: true });
  const start = performance.now();
  const child = spawn('/usr/bin/env', ['python3', '-c', PEAK, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command.join(' ')}: exit ${code}`);
  const lines = out.trim().split('\n');
  const peak = lines.pop() ?? '';
  const own = lines.pop() ?? '';
  const inner = Number(/^seconds (.*)$/.exec(own)?.[1] ?? Number.NaN);
  return {
    // Of our own process the start does not count: a server runs already.
    seconds: Number.isNaN(inner) ? (performance.now() - start) / 1000 : inner,
    peakMebibytes: Number(peak) / 1024,
  };
}

const PEAK = `
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)`;

/** As a process of its own: `node test/bench/ingest.ts NAR OUTPUT`. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = '', output = ''] = process.argv.slice(2);
  const start = performance.now();
  const measured = await measureNar({
    source: createReadStream(file, { highWaterMark: 64 * 1024 }) as AsyncIterable<Buffer>,
    compression: 'none',
    maxBytes: 2 ** 40,
    candidates: CANDIDATES.map((text) => text.slice(0, 32)),
    file: output,
    level: DEFAULT_LEVEL,
  });
  if (measured.listing === null) throw new Error('there is no listing');
  console.log(`seconds ${(performance.now() - start) / 1000}`);
}
