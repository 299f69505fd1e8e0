import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  afterLostBuilder,
  type AttemptEnd,
  type AttemptHistory,
  MAX_ATTEMPTS,
  MAX_LOST_BUILDERS,
  type NextAttempt,
  nextAttempt,
} from '../../../domain/ci/next-attempt.ts';
import { OUTCOMES } from '../../../domain/ci/outcome.ts';

const FIRST: AttemptHistory = { attempt: 1, buildersLost: 0, suspicions: 0 };
const INFRA = { class: 'infra', retry: 'other' } as const;

/** `end`, or the seconds until the next try. */
function after(end: AttemptEnd, history: Partial<AttemptHistory> = {}): string | number {
  const next = nextAttempt(end, { ...FIRST, ...history });
  return next.kind === 'end' ? next.outcome : next.delaySeconds;
}

type Case = readonly [string, AttemptEnd, Partial<AttemptHistory>, string | number];

const CASES: readonly Case[] = [
  ['a success ends it', { outcome: 'built' }, {}, 'built'],
  ['a success ends it, whatever the verdict says', { outcome: 'substituted', ...INFRA }, {}, 'substituted'],
  ['a compile error ends it', { outcome: 'failed', class: 'build-compile', retry: 'no' }, {}, 'failed'],
  [
    'a compile error ends it, also where it ought to be tried elsewhere',
    { outcome: 'failed', class: 'build-compile', retry: 'other' },
    {},
    'failed',
  ],
  ['a failure without a verdict ends it', { outcome: 'failed' }, {}, 'failed'],
  ['a failure of the machine is tried once more', { outcome: 'failed', ...INFRA }, {}, 10],
  [
    'a failure of the GPU is tried once more',
    { outcome: 'failed', class: 'gpu-hardware', retry: 'same' },
    {},
    10,
  ],
  [
    'a failure of the machine a second time ends it',
    { outcome: 'failed', ...INFRA },
    { attempt: 2, suspicions: 1 },
    'failed',
  ],
  [
    'a failure of the machine that cannot be helped ends it',
    { outcome: 'failed', class: 'infra', retry: 'no' },
    {},
    'failed',
  ],
  [
    'an output that says so itself may be the machine, too',
    { outcome: 'failed-with-output', ...INFRA },
    {},
    10,
  ],
  ['a result that differs may be the machine, too', { outcome: 'not-deterministic', ...INFRA }, {}, 10],
  ['a wrong hash ends it', { outcome: 'hash-mismatch', ...INFRA }, {}, 'hash-mismatch'],
  ['a timeout ends it', { outcome: 'timed-out', ...INFRA }, {}, 'timed-out'],
  ['silence ends it', { outcome: 'silent-timed-out', ...INFRA }, {}, 'silent-timed-out'],
  ['a log limit ends it', { outcome: 'log-limit', ...INFRA }, {}, 'log-limit'],
  ['infrastructure is tried again', { outcome: 'aborted' }, {}, 10],
  [
    'infrastructure is tried again after a suspicion',
    { outcome: 'aborted' },
    { attempt: 2, suspicions: 1 },
    30,
  ],
  ['infrastructure is tried a fourth time', { outcome: 'aborted' }, { attempt: 4 }, 270],
  ['after five attempts it ends', { outcome: 'aborted' }, { attempt: MAX_ATTEMPTS }, 'aborted'],
  [
    'after five attempts a suspicion ends it, too',
    { outcome: 'failed', ...INFRA },
    { attempt: MAX_ATTEMPTS },
    'failed',
  ],
];

describe('after an attempt:', () => {
  for (const [title, end, history, expected] of CASES)
    test(title, () => assert.equal(after(end, history), expected));
});

test('whatever the outcome, five attempts are all', () => {
  for (const outcome of OUTCOMES)
    for (const verdict of [{}, INFRA])
      assert.equal(after({ outcome, ...verdict }, { attempt: MAX_ATTEMPTS }), outcome);
});

test('pauses grow threefold', () => {
  const delays = [1, 2, 3, 4].map((attempt) => after({ outcome: 'aborted' }, { attempt }));
  assert.deepEqual(delays, [10, 30, 90, 270]);
});

const lost = (buildersLost: number, attempt = buildersLost): NextAttempt =>
  afterLostBuilder({ ...FIRST, attempt, buildersLost });

test('a lost builder is replaced, until the step has cost three', () => {
  assert.deepEqual(lost(1), { kind: 'retry', delaySeconds: 10, because: 'the builder was lost' });
  assert.equal(lost(2).kind, 'retry');
  assert.deepEqual(lost(MAX_LOST_BUILDERS), {
    kind: 'end',
    outcome: 'aborted',
    reason: 'poisoned: 3 builders were lost while they ran it',
  });
  assert.deepEqual(lost(1, MAX_ATTEMPTS), { kind: 'end', outcome: 'aborted', reason: '5 attempts' });
});
