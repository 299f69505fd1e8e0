import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  hydraStatus,
  isDeterministicFailure,
  isFailure,
  isOutcome,
  isSuccess,
  jobOutcome,
  type Outcome,
  OUTCOMES,
} from '../../../domain/ci/outcome.ts';

/** Outcome, Hydra's number, whether it is a success, a failure, and one that would come again (DESIGN §6). */
const TABLE: readonly (readonly [Outcome, number | null, boolean, boolean, boolean])[] = [
  ['built', 0, true, false, false],
  ['substituted', 0, true, false, false],
  ['failed', 1, false, true, true],
  ['hash-mismatch', 1, false, true, true],
  ['dependency-failed', 2, false, true, false],
  ['aborted', 3, false, true, false],
  ['cancelled', 4, false, true, false],
  ['failed-with-output', 6, false, true, true],
  ['timed-out', 7, false, true, false],
  ['silent-timed-out', 7, false, true, false],
  ['unsupported', 9, false, true, false],
  ['log-limit', 10, false, true, true],
  ['output-limit', 11, false, true, true],
  ['not-deterministic', 12, false, true, true],
  ['not-run', null, false, false, false],
];

test('the table has every outcome', () => {
  assert.deepEqual(new Set(TABLE.map(([outcome]) => outcome)), new Set(OUTCOMES));
});

for (const [outcome, status, success, failure, deterministic] of TABLE)
  test(`${outcome} is what Hydra calls ${status ?? 'nothing'}`, () => {
    assert.deepEqual(
      [hydraStatus(outcome), isSuccess(outcome), isFailure(outcome), isDeterministicFailure(outcome)],
      [status, success, failure, deterministic],
    );
    assert.equal(isOutcome(outcome), true);
  });

test('words that are no outcome are told apart', () => {
  for (const word of ['', 'Built', 'success', 'toString']) assert.equal(isOutcome(word), false, word);
});

const JOBS: readonly (readonly [string, readonly (Outcome | undefined)[], Outcome | undefined])[] = [
  ['a job without steps was there already', [], 'substituted'],
  ['a job with one step ends as it', ['built'], 'built'],
  ['a job is unfinished as long as one of its steps is', ['failed', undefined], undefined],
  ['a check that failed on one architecture failed', ['built', 'failed', 'built'], 'failed'],
  ['a check that nobody ran on one architecture has not run', ['built', 'not-run'], 'not-run'],
  ['a failure says more than an architecture that nobody has', ['not-run', 'timed-out'], 'timed-out'],
  ["the package's own failure says more than the machine's", ['aborted', 'failed'], 'failed'],
  ["the machine's failure says more than an inherited one", ['dependency-failed', 'aborted'], 'aborted'],
  ['a job of which something was built was built', ['substituted', 'built'], 'built'],
];

describe('a job ends as its steps:', () => {
  for (const [title, outcomes, expected] of JOBS)
    test(title, () => assert.equal(jobOutcome(outcomes), expected));
});
