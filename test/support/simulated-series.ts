/** Histories of measurements with known causes: noise, drift, throttling, outliers, driver changes, and regressions. */

import { createRandom } from '../../domain/ci/regression/distribution.ts';
import type { Comparison } from '../../domain/ci/regression/performance.ts';
import type { Sample } from '../../domain/ci/regression/samples.ts';

export interface Scenario {
  readonly seed: number;
  readonly evaluations: number;
  /** Interleaved pairs an evaluation. */
  readonly pairs: number;
  /** Standard deviation of one sample's noise, relative. */
  readonly noise: number;
  /** Of one sample to the next, of what both sides share: a room getting warm. */
  readonly drift: number;
  /** The share of samples that something else disturbed, up to twice as slow. */
  readonly outliers: number;
  /** The share of samples taken by a throttled GPU, a fifth to a half slower, which it reports. */
  readonly throttled: number;
  /** Evaluations at which the driver changes, by which both sides get faster or slower by up to a tenth. */
  readonly driverChanges: readonly number[];
  /** From which evaluation on the candidate is slower, and by how much. */
  readonly regression?: { readonly from: number; readonly slowdown: number };
}

export interface SimulatedEvaluation extends Comparison {
  readonly driver: string;
}

const SECONDS = 2.5;
const NOMINAL_CLOCK_MHZ = 1980;
const POWER_CAP = 0x4;

export function simulate(scenario: Scenario): SimulatedEvaluation[] {
  const random = createRandom(scenario.seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let [walk, driver, ofDriver] = [0, 0, 1];
  const sample = (factor: number): Sample => {
    // The room's temperature comes back by itself.
    walk = 0.99 * walk + scenario.drift * normal();
    const isThrottled = random() < scenario.throttled;
    const disturbed = random() < scenario.outliers ? 1 + random() : 1;
    const throttling = isThrottled ? 1.2 + 0.3 * random() : 1;
    return {
      value:
        SECONDS * ofDriver * factor * disturbed * throttling * Math.exp(walk + scenario.noise * normal()),
      clockMhz: Math.round(NOMINAL_CLOCK_MHZ / throttling),
      nominalClockMhz: NOMINAL_CLOCK_MHZ,
      throttleReasons: isThrottled ? POWER_CAP : 0,
    };
  };
  return Array.from({ length: scenario.evaluations }, (_, evaluation) => {
    if (scenario.driverChanges.includes(evaluation)) {
      driver++;
      ofDriver *= 0.9 + 0.2 * random();
    }
    const { regression } = scenario;
    const slower = regression !== undefined && evaluation >= regression.from ? 1 + regression.slowdown : 1;
    const baseline: Sample[] = [];
    const candidate: Sample[] = [];
    for (let pair = 0; pair < scenario.pairs; pair++) {
      // ABBA: drift within a pair hits both sides alike.
      const sides = pair % 2 === 0 ? [baseline, candidate] : [candidate, baseline];
      for (const side of sides) side.push(sample(side === candidate ? slower : 1));
    }
    return { baseline, candidate, better: 'lower', driver: `580.${driver}` };
  });
}
