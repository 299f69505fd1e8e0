/** The statistics against scipy, whose values stand in test/vectors/statistics. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findChangePoints } from '../../../../domain/ci/regression/change-points.ts';
import {
  createRandom,
  median,
  medianAbsoluteDeviation,
  normalUpperTail,
} from '../../../../domain/ci/regression/distribution.ts';
import { cliffsDelta, hodgesLehmann, holm, medianRatio } from '../../../../domain/ci/regression/effect.ts';
import { mannWhitney } from '../../../../domain/ci/regression/mann-whitney.ts';
import { describe, test } from '../../../support/test.ts';

interface Golden {
  readonly scipy: string;
  readonly mannWhitney: readonly {
    readonly name: string;
    readonly first: number[];
    readonly second: number[];
    readonly method: 'exact' | 'normal';
    readonly u: number;
    readonly greater: number;
    readonly less: number;
    readonly twoSided: number;
  }[];
  readonly normalUpperTail: readonly (readonly [number, number])[];
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../vectors/statistics/golden.json'), 'utf8'),
) as Golden;

function assertClose(actual: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-10 * Math.abs(expected),
    `${what}: ${actual} is not scipy's ${expected}`,
  );
}

describe('Mann–Whitney', () => {
  for (const { name, first, second, method, ...expected } of golden.mannWhitney)
    test(`${name}, ${method}, as scipy ${golden.scipy}`, () => {
      const result = mannWhitney(first, second, method);
      assert.equal(result.method, method);
      for (const key of ['u', 'greater', 'less', 'twoSided'] as const)
        assertClose(result[key], expected[key], key);
    });

  test('the method follows from the samples', () => {
    assert.equal(mannWhitney([1, 2, 3], [4, 5]).method, 'exact');
    assert.equal(mannWhitney([1, 2, 2], [4, 5]).method, 'normal');
    assert.equal(
      mannWhitney(
        Array.from({ length: 41 }, (_, n) => n),
        [0.5],
      ).method,
      'normal',
    );
  });

  test('equal values speak against nothing, and no values or no numbers are refused', () => {
    assert.equal(mannWhitney([5, 5, 5], [5, 5]).twoSided, 1);
    assert.throws(() => mannWhitney([], [1]), /samples of 0 and 1 values, expected one at least/);
    assert.throws(() => mannWhitney([1, Number.NaN], [1]), /a value is no number/);
  });
});

describe('the normal distribution', () => {
  for (const [z, expected] of golden.normalUpperTail)
    test(`above ${z}, as scipy`, () => assertClose(normalUpperTail(z), expected, String(z)));
});

describe('effects', () => {
  test("Cliff's delta is 1, −1 or between", () => {
    assert.equal(cliffsDelta(mannWhitney([5, 6], [1, 2, 3]).u, 2, 3), 1);
    assert.equal(cliffsDelta(mannWhitney([1, 2], [5, 6, 7]).u, 2, 3), -1);
    assert.equal(cliffsDelta(mannWhitney([1, 4], [2, 3]).u, 2, 2), 0);
  });

  test('Hodges–Lehmann and the ratio are not moved by an outlier', () => {
    assert.equal(hodgesLehmann([11, 12, 13], [1, 2, 3]), 10);
    assert.ok(Math.abs(medianRatio([105, 106, 104, 9000, 105], [100, 101, 99, 100, 100]) - 1.05) < 0.006);
  });

  test("Holm's correction: R's p.adjust(c(.01, .04, .03, .005), 'holm')", () => {
    assert.deepEqual(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
    assert.deepEqual(holm([]), []);
  });

  test('medians of even, odd and no numbers', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
    assert.equal(medianAbsoluteDeviation([1, 1, 2, 2, 4, 6, 9]), 1);
  });
});

describe('change points', () => {
  const random = createRandom(42);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const level = (count: number, mean: number, deviation: number): number[] =>
    Array.from({ length: count }, () => mean + deviation * normal());

  test('two steps are found where they are, with their levels', () => {
    const values = [...level(30, 100, 1), ...level(25, 106, 1), ...level(30, 98, 1)];
    const found = findChangePoints(values);
    assert.equal(found.length, 2);
    assert.ok(Math.abs((found[0]?.index ?? 0) - 30) <= 1 && Math.abs((found[1]?.index ?? 0) - 55) <= 1);
    assert.ok(Math.abs((found[0]?.change ?? 0) - 0.06) < 0.01);
  });

  test('noise has none in at least 95 of 100 histories', () => {
    const histories = Array.from({ length: 100 }, () => level(40, 100, 3));
    const wrong = histories.filter((values) => findChangePoints(values, { permutations: 99 }).length > 0);
    assert.ok(wrong.length <= 5, `${wrong.length} of 100`);
  });

  test('one outlier is no change, and the answer does not depend on chance', () => {
    const values = level(40, 100, 1);
    values[20] = 200;
    assert.deepEqual(findChangePoints(values), []);
    const step = [...level(10, 1, 0.2), ...level(10, 1.3, 0.2)];
    assert.deepEqual(findChangePoints(step), findChangePoints(step));
  });

  test('a history too short to split has none', () => {
    assert.deepEqual(findChangePoints([1, 1, 1, 9, 9, 9]), []);
    assert.deepEqual(findChangePoints([]), []);
  });
});
