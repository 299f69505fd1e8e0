/**
 * `npm run bench -- cache [ROUNDS] [SOAK SECONDS]`: our server beside nginx with the same files, in alternating runs on one CPU
 * each, the load on another; real `nix copy` beside `file://`; memory. Prints figures and ratios, asserts nothing.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../../cli/setup/command.ts';
import { makeCorpus } from './cache/corpus.ts';
import { load, type Load, writeScript } from './cache/load.ts';
import { compareCopies } from './cache/nix-copy.ts';
import { type BenchServer, processFacts, startNginx, startOurs } from './cache/servers.ts';
import { median, spread } from './statistics.ts';

const ROUNDS = 5;
const SOAK_SECONDS = 60;
const RUN_SECONDS = 3;
const WARM_SECONDS = 10;
const PATHS = 300;
const BYTES = 1024 ** 3;
/** Smaller ones measure requests, not bytes. */
const LARGE_NAR_BYTES = 1024 * 1024;

export async function cache(args: readonly string[]): Promise<void> {
  const rounds = Number(args[0] ?? ROUNDS);
  const soakSeconds = Number(args[1] ?? SOAK_SECONDS);
  const lacking = await listLacking();
  if (lacking.length > 0) {
    console.log(
      `bench cache is skipped: it needs ${lacking.join(', ')} (apt-get install nginx-light wrk util-linux), and two CPUs`,
    );
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-bench-'));
  // The current Nix has a root of its own: it sees what is bound there.
  process.env['NIX_CURRENT_BIND'] = folder;
  try {
    const corpus = await makeCorpus(join(folder, 'state', 'cache'), PATHS, BYTES);
    console.log(
      `${PATHS} paths, ${(corpus.narBytes / 1e6).toFixed(0)} MB of NARs, ${(corpus.fileBytes / 1e6).toFixed(0)} MB as zstd; ${rounds} rounds`,
    );
    await using nginx = await startNginx(corpus, folder);
    await using ours = await startOurs(corpus, join(folder, 'state'));
    const narinfos = await writeScript(
      folder,
      'narinfos',
      corpus.rows.map((row) => `${row.pathHash}.narinfo`),
    );
    const large = corpus.rows.filter((row) => row.fileSize >= LARGE_NAR_BYTES).map((row) => row.url);
    const nars = await writeScript(folder, 'nars', large);
    await compareLoads(
      'narinfo, requests/s',
      narinfos,
      [1, 16, 32],
      [nginx, ours],
      rounds,
      'requestsPerSecond',
    );
    await compareLoads(
      `NAR (${large.length} of 1 MiB or more), MB/s`,
      nars,
      [1, 16],
      [nginx, ours],
      rounds,
      'megabytesPerSecond',
    );
    await compareCopies(corpus, [nginx, ours], rounds);
    await soak(ours, narinfos, nars, soakSeconds);
    console.log('\npeak memory, MiB');
    for (const server of [nginx, ours])
      console.log(`  ${server.name.padEnd(8)} ${(await processFacts(server.pid)).peakMebibytes.toFixed(0)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function listLacking(): Promise<string[]> {
  const path = `${process.env['PATH']}:/usr/sbin`;
  process.env['PATH'] = path;
  const commands = ['nginx', 'wrk', 'taskset'];
  const found = await Promise.all(commands.map((command) => findOnPath(command, path)));
  return [
    ...commands.filter((_, index) => found[index] === undefined),
    ...(availableParallelism() < 2 ? ['a second CPU'] : []),
  ];
}

async function compareLoads(
  what: string,
  script: string,
  connections: readonly number[],
  servers: readonly BenchServer[],
  rounds: number,
  figure: 'requestsPerSecond' | 'megabytesPerSecond',
): Promise<void> {
  console.log(`\n${what}: median (min–max); CPU of the server`);
  // Both have their files in the page cache, and their code compiled.
  for (const server of servers) await load(server, script, 16, WARM_SECONDS);
  for (const count of connections) {
    const loads = new Map<BenchServer, Load[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < rounds; round++)
      for (const server of servers) loads.get(server)?.push(await load(server, script, count, RUN_SECONDS));
    const medians = servers.map((server) => {
      const of = loads.get(server) ?? [];
      const cpu = median(of.map((one) => one.cpuMicrosecondsPerRequest));
      console.log(
        `  ${String(count).padStart(2)} connections  ${server.name.padEnd(8)} ${spread(
          of.map((one) => one[figure]),
          0,
        )}   ${cpu.toFixed(1)} µs/request`,
      );
      return { rate: median(of.map((one) => one[figure])), cpu };
    });
    const [base, other] = medians;
    if (base !== undefined && other !== undefined)
      console.log(
        `  ${String(count).padStart(2)} connections  ratio    ${(other.rate / base.rate).toFixed(2)} × nginx; CPU ${(other.cpu / base.cpu).toFixed(2)} ×`,
      );
  }
}

/** Narinfos and NARs in turn: resident memory at the beginning, in the middle and at the end. */
async function soak(server: BenchServer, narinfos: string, nars: string, seconds: number): Promise<void> {
  const samples: number[] = [];
  const until = Date.now() + seconds * 1000;
  let requests = 0;
  while (Date.now() < until)
    for (const script of [narinfos, nars]) {
      requests += (await load(server, script, 32, RUN_SECONDS)).requestsPerSecond * RUN_SECONDS;
      samples.push((await processFacts(server.pid)).residentMebibytes);
    }
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  console.log(
    `\nsoak: ${seconds} s, ${(requests / 1e6).toFixed(1)} million requests; resident MiB: first quarter ${median(samples.slice(0, quarter)).toFixed(0)}, ` +
      `last quarter ${median(samples.slice(-quarter)).toFixed(0)}, most ${Math.max(...samples).toFixed(0)}`,
  );
}
