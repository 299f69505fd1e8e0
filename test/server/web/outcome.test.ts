import assert from 'node:assert/strict';
import { isFailure, isSuccess, OUTCOMES } from '../../../domain/ci/outcome.ts';
import { formatHtml } from '../../../server/web/html.ts';
import { evaluationOutcome, familyOf, outcome, wordsOf } from '../../../server/web/parts/outcome.ts';
import { describe, test } from '../../support/test.ts';

describe('outcomes as people read them', () => {
  for (const word of OUTCOMES)
    test(`${word} has a symbol, words, and the colour of what it means`, () => {
      const text = formatHtml(outcome(word)).replace(/<[^>]*>/g, '');
      assert.match(text, /^\S+ [a-z ,]+$/u);
      assert.doesNotMatch(wordsOf(word), /-/);
      const expected = isSuccess(word)
        ? ['good']
        : isFailure(word) && word !== 'cancelled'
          ? ['bad', 'warn']
          : ['quiet'];
      assert.ok(expected.includes(familyOf(word)), `${word} is ${familyOf(word)}`);
    });

  test('a word that is not known yet is shown as a failure, not hidden', () => {
    assert.equal(familyOf('melted'), 'bad');
    assert.equal(wordsOf('melted'), 'melted');
  });

  for (const { name, jobs, errors, expected } of [
    { name: 'all good', jobs: { built: 3, 'not-run': 1 }, errors: 0, expected: 'finished' },
    { name: 'a failure', jobs: { built: 3, failed: 1 }, errors: 0, expected: 'finished with failures' },
    {
      name: 'an infrastructure failure',
      jobs: { aborted: 1 },
      errors: 0,
      expected: 'finished with failures',
    },
    { name: 'an evaluation error', jobs: { built: 3 }, errors: 1, expected: 'finished with failures' },
  ])
    test(`an evaluation that finished with ${name} says: ${expected}`, () => {
      const text = formatHtml(evaluationOutcome({ state: 'finished', outcome: 'finished', jobs, errors }));
      assert.equal(text.replace(/<[^>]*>/g, '').replace(/^\S+ /, ''), expected);
    });
});
