import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  compareEvaluations,
  type Bucket,
  type JobResult,
} from '../../../../domain/ci/comparison/evaluations.ts';
import { foldByRoot } from '../../../../domain/ci/comparison/roots.ts';

/** `ENDING DERIVATION [root=DERIVATION] [reason]`; null: not listed. */
function job(name: string, text: string | null): JobResult[] {
  if (text === null) return [];
  const [ending, drv, ...rest] = text.split(' ');
  const root = rest.find((word) => word.startsWith('root='))?.slice(5);
  const reason = rest.filter((word) => !word.startsWith('root=')).join(' ');
  return [
    {
      name,
      ending: ending as JobResult['ending'],
      drvPath: drv === '-' || drv === undefined ? null : drv,
      ...(root === undefined ? {} : { rootDrvPath: root }),
      ...(reason === '' ? {} : { reason }),
    },
  ];
}

const CASES: Readonly<
  Record<string, readonly [before: string | null, after: string | null, bucket: Bucket, says?: RegExp]>
> = {
  'passed, fails with another derivation': ['passed a', 'failed b', 'newly-failing'],
  'passed, fails for an input': ['passed a', 'dependency-failed b root=c', 'newly-failing'],
  'failed, passes with another derivation': ['failed a', 'passed b', 'fixed'],
  'failed for an input, passes': ['dependency-failed a root=c', 'passed b', 'fixed'],
  'failed, fails with another derivation': ['failed a', 'failed b', 'still-failing'],
  'failed for an input, fails by itself': ['dependency-failed a root=c', 'failed b', 'still-failing'],
  'failed, fails with the same derivation': ['failed a', 'failed a', 'still-failing'],
  'passed, fails with the same derivation': ['passed a', 'failed a', 'flaky', /passed before and fails now/],
  'failed, passes with the same derivation': [
    'failed a',
    'passed a',
    'flaky',
    /failed before and passes now/,
  ],
  'the same derivation, and its input ends otherwise': [
    'passed a',
    'dependency-failed a root=c',
    'flaky',
    /look at the root/,
  ],
  'passes as before': ['passed a', 'passed b', 'unchanged'],
  'is not listed any more': ['passed a', null, 'vanished', /not listed any more/],
  'is marked broken now': [
    'passed a',
    'refused - marked as broken',
    'vanished',
    /refused now: marked as broken/,
  ],
  'does not evaluate any more': [
    'failed a',
    "eval-error - attribute 'x' missing",
    'vanished',
    /does not evaluate now/,
  ],
  'was refused and is': ['refused - unfree', 'refused - unfree', 'unchanged'],
  'was refused and is not listed': ['refused - unfree', null, 'unchanged'],
  'is new and passes': [null, 'passed a', 'new', /passes/],
  'is new and fails': [null, 'failed a', 'new', /fails/],
  'was refused and is a job now': ['refused - broken', 'failed a', 'new'],
  'is new and refused': [null, 'refused - unfree', 'new', /no job: unfree/],
  'did not run': ['passed a', 'not-run b no builder offers cuda', 'not-run', /no builder offers cuda/],
  'did not run before, passes': ['not-run a', 'passed b', 'unchanged'],
  'did not run before, fails': ['not-run a', 'failed b', 'newly-failing', /since when is not known/],
};

describe('a job in two evaluations', () => {
  for (const [name, [before, after, bucket, says = /./]] of Object.entries(CASES)) {
    test(name, () => {
      const [change] = compareEvaluations(job('x', before), job('x', after));
      assert.equal(change?.bucket, bucket, change?.sentence);
      assert.match(change?.sentence ?? '', says);
    });
  }
});

test('every job is in one bucket, the worst first', () => {
  const changes = compareEvaluations(
    [...job('a', 'passed 1'), ...job('b', 'passed 2'), ...job('c', 'failed 3'), ...job('d', 'passed 4')],
    [...job('b', 'failed 5'), ...job('c', 'passed 6'), ...job('d', 'passed 7'), ...job('e', 'passed 8')],
  );
  assert.deepEqual(
    changes.map(({ name, bucket }) => `${name} ${bucket}`),
    ['b newly-failing', 'a vanished', 'e new', 'c fixed', 'd unchanged'],
  );
});

test('two jobs of one name are refused, for one would hide the other', () => {
  assert.throws(
    () => compareEvaluations([], [...job('a', 'passed 1'), ...job('a', 'failed 2')]),
    /two jobs called a/,
  );
});

describe('failures under their roots', () => {
  const AFTER = [
    ...job('nccl', 'failed /r'),
    ...job('torch', 'dependency-failed /t root=/r'),
    ...job('vllm', 'dependency-failed /v root=/r'),
    ...job('saxpy', 'failed /s'),
    ...job('jax', 'dependency-failed /j root=/hidden'),
    ...job('ok', 'passed /o'),
  ];

  test('a dependent is never an item of its own, and the widest root comes first', () => {
    assert.deepEqual(
      foldByRoot(AFTER).map(({ drvPath, jobs, victims, blastRadius }) => [
        drvPath,
        jobs.map(({ name }) => name),
        victims.map(({ name }) => name),
        blastRadius,
      ]),
      [
        ['/r', ['nccl'], ['torch', 'vllm'], 3],
        ['/hidden', [], ['jax'], 1],
        ['/s', ['saxpy'], [], 1],
      ],
    );
  });

  test('a root keeps its identity over revisions, by its job or its name', () => {
    const [a, b] = ['2agqm11avdxkyqd378c87qzg3cdn9a3b', '80dh48rmb9mymaw894nh9a4zgp6i6c20'];
    const roots = foldByRoot(
      [
        ...job('nccl', `failed /nix/store/${b}-nccl-2.28.drv`),
        ...job('jax', `dependency-failed /j root=/nix/store/${b}-cuda_compat.drv`),
      ],
      [
        ...job('nccl', `failed /nix/store/${a}-nccl-2.27.drv`),
        ...job('vllm', `dependency-failed /v root=/nix/store/${a}-cuda_compat.drv`),
      ],
    );
    assert.deepEqual(
      roots.map(({ isOld }) => isOld),
      [true, true],
    );
  });

  test('tells roots that failed before from new ones, whatever victims they have now', () => {
    const roots = foldByRoot(AFTER, [...job('nccl', 'passed /r0'), ...job('saxpy', 'failed /s')]);
    assert.deepEqual(
      roots.map(({ drvPath, isOld }) => [drvPath, isOld]),
      [
        ['/r', false],
        ['/hidden', false],
        ['/s', true],
      ],
    );
  });
});
