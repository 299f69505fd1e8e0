/** `nixwarp stats` on a file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { simulate } from '../support/simulated-series.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describe, test } from '../support/test.ts';

const folder = await temporaryFolder('stats');

async function stats(
  lines: readonly unknown[],
  ...args: string[]
): Promise<{ status: number | null; out: string; err: string }> {
  const file = join(folder, 'measurements.jsonl');
  await writeFile(
    file,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT_FOLDER, 'cli', 'nixwarp.mjs'), 'stats', file, ...args],
    { encoding: 'utf8' },
  );
  return { status, out: stdout, err: stderr };
}

function linesOf(slowdown: number): unknown[] {
  const scenario = {
    evaluations: 3,
    pairs: 16,
    noise: 0.01,
    drift: 0,
    outliers: 0,
    throttled: 0.05,
    driverChanges: [],
  };
  return simulate({ ...scenario, seed: 11, regression: { from: 2, slowdown } }).flatMap(
    ({ baseline, candidate, better, driver }, evaluation) =>
      (
        [
          ['baseline', baseline],
          ['candidate', candidate],
        ] as const
      ).flatMap(([side, samples]) =>
        samples.map((sample) => ({
          kind: 'sample',
          series: 'saxpy seconds',
          evaluation,
          side,
          better,
          driver,
          ...sample,
        })),
      ),
  );
}

describe('nixwarp stats', () => {
  test('a regression of the newest evaluation is status 1, and says how large and how sure', async () => {
    const slow = await stats(linesOf(0.07));
    assert.equal(slow.status, 1, slow.err);
    assert.match(slow.out, /^saxpy seconds\n/);
    assert.match(slow.out, / {2}2: regression, \+\d\.\d % time, p \S+, delta \d\.\d+/);
    const same = await stats(linesOf(0));
    assert.equal(same.status, 0, same.err);
  });

  test('sizes are judged by the limits of their jobset', async () => {
    const size = (evaluation: number, closureBytes: number): object => ({
      kind: 'size',
      series: 'torch',
      jobset: 'cuda',
      evaluation,
      closureBytes,
    });
    const lines = [size(1, 1e9), size(2, 1.1e9)];
    assert.equal((await stats(lines)).status, 0);
    const limits = { kind: 'limits', jobset: 'cuda', size: { red: { share: 0.05, bytes: 1e9 } } };
    const { status, out } = await stats([limits, ...lines], '--json');
    assert.equal(status, 1);
    const { series } = JSON.parse(out) as { series: { sizes: { closure: { verdict: string } }[] }[] };
    assert.deepEqual(
      series[0]?.sizes.map(({ closure }) => closure.verdict),
      ['fine', 'red'],
    );
  });

  test('a line that is wrong is named with all that is wrong in it', async () => {
    const { status, err } = await stats([
      { kind: 'sample', series: 'x', evaluation: -1, side: 'left', value: '3' },
    ]);
    assert.equal(status, 2);
    assert.match(err, /line 1.*\/evaluation: -1.*\/value: "3"/s);
    const broken = await stats(['{"kind"']);
    assert.equal(broken.status, 2);
    assert.match(broken.err, /line 1: .* is not JSON/);
  });
});
