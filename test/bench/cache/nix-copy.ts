/** Seconds that a stock Nix takes for a closure, into an empty store. */

import { nixClients } from '../../support/nix-clients.ts';
import { median, spread } from '../statistics.ts';
import type { BenchServer } from './servers.ts';
import type { Corpus } from './corpus.ts';

export async function compareCopies(
  corpus: Corpus,
  servers: readonly BenchServer[],
  rounds: number,
): Promise<void> {
  for (const [client, make] of Object.entries(nixClients)) {
    if (typeof make === 'string') {
      console.log(`\nnix copy with ${client}: skipped, ${make}`);
      continue;
    }
    const sources = [{ name: 'file://', url: `file://${corpus.folder}` }, ...servers];
    const seconds = new Map<string, number[]>(sources.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++)
      for (const { name, url } of sources) seconds.get(name)?.push(await timeCopy(make, url, corpus.root));
    const base = median(seconds.get('file://') ?? []);
    console.log(
      `\nnix copy with ${client}: ${corpus.rows.length} paths, ${(corpus.narBytes / 1e6).toFixed(0)} MB of NARs, ${rounds} rounds, s: median (min–max)`,
    );
    for (const [name, times] of seconds)
      console.log(`  ${name.padEnd(8)} ${spread(times, 2)}   ${(median(times) / base).toFixed(2)} × file://`);
  }
}

async function timeCopy(
  make: Exclude<(typeof nixClients)[string], string>,
  from: string,
  root: string,
): Promise<number> {
  const client = await make();
  try {
    const startedAt = performance.now();
    const { ok, output } = await client.run(['copy', '--no-check-sigs', '--from', from, root]);
    if (!ok) throw new Error(`nix copy --from ${from} failed: ${output}`);
    return (performance.now() - startedAt) / 1000;
  } finally {
    await client.close();
  }
}
