/** How surely slowdowns are found, and how often there is a false alarm: prints rates over simulated histories. */

import { judgeSeries } from '../../domain/ci/regression/judge-history.ts';
import { comparePerformance } from '../../domain/ci/regression/performance.ts';
import { NEW_WATCH, watchSlowdown } from '../../domain/ci/regression/watch.ts';
import { type Scenario, simulate } from '../support/simulated-series.ts';

const SLOWDOWN = 0.05;
const WITHIN = 5;

/** Everything at once but the noise, which each row of the table names. */
const TROUBLED: Omit<Scenario, 'seed' | 'noise'> = {
  evaluations: 40,
  pairs: 12,
  drift: 0.002,
  outliers: 0.03,
  throttled: 0.04,
  driverChanges: [9, 23],
};
const QUIET = { drift: 0, outliers: 0, throttled: 0, driverChanges: [] };

export interface Rates {
  readonly series: number;
  readonly found: number;
  readonly atOnce: number;
  /** Evaluations without a regression before or in them. */
  readonly clean: number;
  readonly falseAlarms: number;
  readonly silent: number;
  readonly evaluations: number;
}

/** Half of the series get slower at a random evaluation; an alarm counts where it comes within five evaluations. */
export function measureRates(scenario: Omit<Scenario, 'seed'>, series: number, slowdown = SLOWDOWN): Rates {
  const rates = { series: 0, found: 0, atOnce: 0, clean: 0, falseAlarms: 0, silent: 0, evaluations: 0 };
  for (let seed = 1; seed <= series; seed++) {
    const isSlower = seed % 2 === 0;
    const from = isSlower ? 10 + (seed % 20) : Number.POSITIVE_INFINITY;
    const evaluations = simulate({
      ...scenario,
      seed: seed * 7919,
      ...(isSlower && { regression: { from, slowdown } }),
    });
    let state = NEW_WATCH;
    let [isFound, isAtOnce] = [false, false];
    for (const [evaluation, comparison] of evaluations
      .slice(0, isSlower ? from + WITHIN : undefined)
      .entries()) {
      const result = comparePerformance(comparison);
      const step = watchSlowdown(state, result);
      state = step.state;
      rates.evaluations++;
      if (result.slowdown === null) rates.silent++;
      if (evaluation < from) {
        rates.clean++;
        if (step.alarm !== null) rates.falseAlarms++;
      } else if (step.alarm !== null) {
        isAtOnce ||= !isFound && evaluation === from;
        isFound = true;
      }
    }
    if (isSlower) {
      rates.series++;
      if (isFound) rates.found++;
      if (isAtOnce) rates.atOnce++;
    }
  }
  return rates;
}

function line(
  name: string,
  { series, found, atOnce, clean, falseAlarms, silent, evaluations }: Rates,
): string {
  const share = (part: number, whole: number): string =>
    `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`;
  return (
    `${name.padEnd(44)} found ${share(found, series).padStart(7)} of ${series} (${share(atOnce, series)} at once), ` +
    `false alarms ${((1000 * falseAlarms) / clean).toFixed(2)} per 1,000 of ${clean} evaluations` +
    (silent === 0 ? '' : `, nothing said ${share(silent, evaluations)}`)
  );
}

/** A history without a baseline in between, as others keep it; changes of the driver do not count as the code's. */
function measureHistory(scenario: Omit<Scenario, 'seed'>, series: number): string {
  const from = 16;
  let [found, wrong] = [0, 0];
  for (let seed = 1; seed <= series; seed++) {
    for (const regression of [undefined, { from, slowdown: SLOWDOWN }]) {
      const records = simulate({
        ...scenario,
        seed: seed * 104_729,
        ...(regression && { regression }),
      }).flatMap(({ candidate, better, driver }, evaluation) =>
        candidate.map((sample) => ({ ...sample, evaluation, side: 'candidate' as const, better, driver })),
      );
      const changes = judgeSeries(records).changes.filter(({ cause }) => cause === 'code');
      if (regression === undefined) wrong += changes.length;
      else if (changes.some((one) => Math.abs(one.evaluation - from) <= 2 && one.change > 0)) found++;
    }
  }
  return `found ${((100 * found) / series).toFixed(1)} % of ${series}, ${wrong} wrong change points in ${series} histories of ${scenario.evaluations}`;
}

export function benchRegressions(args: readonly string[], print: (text: string) => void = console.log): void {
  const series = Number(args[0] ?? 2000);
  print(
    `${series} series of ${TROUBLED.evaluations} evaluations, ${TROUBLED.pairs} pairs each; half get 5 % slower, to be found within ${WITHIN} evaluations`,
  );
  for (const noise of [0.005, 0.01, 0.02, 0.03])
    print(
      line(`noise ${100 * noise} %, all else quiet`, measureRates({ ...TROUBLED, ...QUIET, noise }, series)),
    );
  for (const noise of [0.005, 0.01, 0.02, 0.03])
    print(
      line(
        `noise ${100 * noise} %, drift, throttling, outliers, drivers`,
        measureRates({ ...TROUBLED, noise }, series),
      ),
    );
  print('beyond what is promised:');
  print(line('noise 5 %', measureRates({ ...TROUBLED, noise: 0.05 }, series)));
  print(line('noise 11 % (an RTX 2060)', measureRates({ ...TROUBLED, noise: 0.11 }, series)));
  print(line('noise 1 %, 3 % slower', measureRates({ ...TROUBLED, noise: 0.01 }, series, 0.03)));
  print(
    line(
      'noise 1 %, half of the samples throttled',
      measureRates({ ...TROUBLED, noise: 0.01, throttled: 0.5 }, series),
    ),
  );
  print('change points of the history alone (E-divisive, without a baseline in between):');
  print(`  noise 1 %, quiet: ${measureHistory({ ...TROUBLED, ...QUIET, noise: 0.01 }, series / 10)}`);
  print(
    `  noise 1 %, drift, throttling, outliers, drivers: ${measureHistory({ ...TROUBLED, noise: 0.01 }, series / 10)}`,
  );
}
