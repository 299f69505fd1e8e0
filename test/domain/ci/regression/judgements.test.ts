/** Judgements on sizes and timings: tables of cases, and rates over simulated histories. */
import assert from 'node:assert/strict';
import {
  judgeSeries,
  judgeSizes,
  type SampleRecord,
} from '../../../../domain/ci/regression/judge-history.ts';
import { comparePerformance, DEFAULT_LIMITS } from '../../../../domain/ci/regression/performance.ts';
import { type Sample, whyRejected } from '../../../../domain/ci/regression/samples.ts';
import { DEFAULT_SIZE_LIMITS, judgeSize } from '../../../../domain/ci/regression/size.ts';
import { measureRates } from '../../../bench/regressions.ts';
import { type Scenario, simulate } from '../../../support/simulated-series.ts';
import { describe, test } from '../../../support/test.ts';

const MIB = 1024 * 1024;

describe('sizes', () => {
  const cases: readonly (readonly [string, number | undefined, number, string])[] = [
    ['the same', 1000, 1000, 'fine'],
    ['less', 1000, 500, 'fine'],
    ['a fifth more', 1000, 1200, 'red'],
    ['a fifth more of little is red too', 5, 6, 'red'],
    ['500 MiB more of much', 10_000, 10_500, 'red'],
    ['a tenth and 100 MiB more', 1000, 1100, 'amber'],
    ['a tenth of little', 100, 110, 'fine'],
    ['50 MiB of much', 5000, 5050, 'fine'],
    ['nothing before', undefined, 1000, 'fine'],
  ];
  for (const [name, before, now, verdict] of cases)
    test(`${name}: ${verdict}`, () => {
      const result = judgeSize(before === undefined ? undefined : { bytes: before * MIB }, {
        bytes: now * MIB,
      });
      assert.equal(result.verdict, verdict, result.reason);
    });

  test('a limit of the jobset holds whatever was before', () => {
    const limits = { ...DEFAULT_SIZE_LIMITS, mostBytes: 900 * MIB };
    const result = judgeSize({ bytes: 1000 * MIB }, { bytes: 1000 * MIB }, limits);
    assert.deepEqual(
      [result.verdict, result.reason],
      ['red', '1000.0 MiB is more than the limit of 900.0 MiB'],
    );
  });

  test('sizes for other capabilities are not compared', () => {
    const result = judgeSize(
      { bytes: MIB, capabilities: ['8.9'] },
      { bytes: 5 * MIB, capabilities: ['9.0', '8.9'] },
    );
    assert.equal(result.verdict, 'not-comparable');
    assert.match(result.reason, /built for 8\.9, 9\.0, before for 8\.9/);
  });

  test('red stays red until a person accepts it with a reason', () => {
    const sizes = [1000, 1300, 1300, 1300, 1310].map((mib, evaluation) => ({
      evaluation,
      closureBytes: mib * MIB,
      ...(evaluation === 3 && { accepted: 'cuDNN is new' }),
    }));
    assert.deepEqual(
      judgeSizes(sizes).map(({ closure }) => closure?.verdict),
      ['fine', 'red', 'red', 'fine', 'fine'],
    );
  });
});

describe('samples', () => {
  const good: Sample = {
    value: 1,
    clockMhz: 1900,
    nominalClockMhz: 1980,
    temperatureC: 60,
    throttleReasons: 1,
  };
  const cases: readonly (readonly [string, Partial<Sample>, string | undefined])[] = [
    ['idle clocks before it', {}, undefined],
    ['clocks set on purpose', { throttleReasons: 0x2 }, undefined],
    ['a power cap', { throttleReasons: 0x4 }, 'power cap'],
    ['heat', { throttleReasons: 0x21 }, 'thermal slowdown by the driver'],
    ['a power brake', { throttleReasons: 0x80 }, 'power brake'],
    ['a low clock', { clockMhz: 1400 }, 'clock below 75 % of nominal'],
    ['the temperature from which it slows down', { temperatureC: 92, slowdownTemperatureC: 92 }, 'too hot'],
    ['somebody else on the GPU', { otherProcesses: 1 }, 'other processes on the GPU'],
    ['no time at all', { value: 0 }, 'no positive value'],
  ];
  for (const [name, change, reason] of cases)
    test(`${name}: ${reason ?? 'counts'}`, () => assert.equal(whyRejected({ ...good, ...change }), reason));
});

describe('one evaluation', () => {
  const samples = (values: readonly number[], rest: Partial<Sample> = {}): Sample[] =>
    values.map((value) => ({ value, ...rest }));
  const around = (center: number, count = 12): number[] =>
    Array.from({ length: count }, (_, n) => center * (1 + 0.002 * (((n * 7) % 11) - 5)));

  for (const [name, baseline, candidate, better, verdict] of [
    ['5 % more seconds', around(100), around(105), 'lower', 'regression'],
    ['5 % more throughput', around(100), around(105), 'higher', 'improvement'],
    ['5 % fewer seconds', around(100), around(95), 'lower', 'improvement'],
    ['5 % less throughput', around(100), around(95), 'higher', 'regression'],
    ['sure, but below 3 %', around(100), around(102), 'lower', 'same'],
    ['the same', around(100), around(100), 'lower', 'same'],
    ['nine samples', around(100, 9), around(200, 9), 'lower', 'too-few-samples'],
  ] as const)
    test(`${name}: ${verdict}`, () => {
      const result = comparePerformance({
        baseline: samples(baseline),
        candidate: samples(candidate),
        better,
      });
      assert.equal(result.verdict, verdict, JSON.stringify(result));
    });

  test('throttled samples are left out and counted, and too many of them say nothing', () => {
    const throttled = samples([200, 210, 220], { throttleReasons: 0x4 });
    const some = comparePerformance({
      baseline: samples(around(100)),
      candidate: [...samples(around(100)), ...throttled],
      better: 'lower',
    });
    assert.deepEqual([some.verdict, some.rejected], ['same', { 'power cap': 3 }]);
    const all = comparePerformance({
      baseline: samples(around(100)),
      candidate: samples(around(200), { throttleReasons: 0x4 }),
      better: 'lower',
    });
    assert.equal(all.verdict, 'measurement-throttled');
    assert.equal(all.slowdown, null);
  });
});

const QUIET: Omit<Scenario, 'seed'> = {
  evaluations: 40,
  pairs: 12,
  noise: 0.01,
  drift: 0,
  outliers: 0,
  throttled: 0,
  driverChanges: [],
};

function recordsOf(scenario: Scenario): SampleRecord[] {
  return simulate(scenario).flatMap(({ baseline, candidate, better, driver }, evaluation) =>
    (
      [
        ['baseline', baseline],
        ['candidate', candidate],
      ] as const
    ).flatMap(([side, samples]) =>
      samples.map((sample) => ({ ...sample, evaluation, side, better, driver, gpu: 'H100' })),
    ),
  );
}

describe('histories', () => {
  test('slowdowns of 5 % are found within five evaluations, at most one false alarm in 1,000', () => {
    // `npm run bench -- regressions` does this with 2,000 series a row.
    const troubled = { ...QUIET, drift: 0.002, outliers: 0.03, throttled: 0.04, driverChanges: [9, 23] };
    for (const noise of [0.01, 0.03]) {
      const { series, found, clean, falseAlarms } = measureRates({ ...troubled, noise }, 160);
      assert.ok(found >= 0.95 * series, `noise ${noise}: ${found} of ${series} found`);
      assert.ok(falseAlarms <= 0.001 * clean + 3, `noise ${noise}: ${falseAlarms} false alarms in ${clean}`);
    }
  });

  test('what one evaluation cannot show, several do', () => {
    const slow = judgeSeries(
      recordsOf({ ...QUIET, noise: 0.03, seed: 5, regression: { from: 20, slowdown: 0.035 } }),
    );
    const alarms = slow.evaluations.filter(({ alarm }) => alarm !== null);
    assert.ok(alarms.some(({ alarm }) => alarm === 'gradual'));
    assert.ok(alarms.every(({ evaluation }) => evaluation >= 20));
  });

  test('a change of the driver is told from one of the code, and one of the machine from both', () => {
    const ofDriver = judgeSeries(recordsOf({ ...QUIET, seed: 3, driverChanges: [15] }));
    assert.deepEqual(
      ofDriver.changes.map(({ evaluation, cause }) => [evaluation, cause]),
      [[15, 'driver-change']],
    );
    assert.ok(ofDriver.evaluations.every(({ alarm }) => alarm === null));

    const records = recordsOf({ ...QUIET, seed: 4 });
    const slowerFrom = (evaluation: number, sides: readonly string[]): SampleRecord[] =>
      records.map((record) =>
        record.evaluation >= evaluation && sides.includes(record.side)
          ? { ...record, value: record.value * 1.08 }
          : record,
      );
    const ofMachine = judgeSeries(slowerFrom(18, ['baseline', 'candidate']));
    assert.deepEqual(
      ofMachine.changes.map(({ evaluation, cause }) => [evaluation, cause]),
      [[18, 'environment']],
    );
    const ofCode = judgeSeries(slowerFrom(18, ['candidate']));
    assert.deepEqual(
      ofCode.changes.map(({ evaluation, cause }) => [evaluation, cause]),
      [[18, 'code']],
    );
    assert.equal(ofCode.evaluations.find(({ alarm }) => alarm !== null)?.evaluation, 18);
  });

  test('without a baseline in between the history still tells', () => {
    const records = recordsOf({ ...QUIET, seed: 8, regression: { from: 25, slowdown: 0.06 } });
    const { evaluations, changes } = judgeSeries(records.filter(({ side }) => side === 'candidate'));
    assert.deepEqual(evaluations, []);
    assert.deepEqual(
      changes.map(({ evaluation, cause }) => [evaluation, cause]),
      [[25, 'code']],
    );
  });

  test('limits of a jobset are used', () => {
    const records = recordsOf({ ...QUIET, seed: 9, regression: { from: 0, slowdown: 0.08 } });
    const strict = judgeSeries(records, { ...DEFAULT_LIMITS, leastEffect: 0.2 });
    assert.ok(strict.evaluations.every(({ alarm }) => alarm === null));
  });
});
