import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import picomatch from 'picomatch';
import { type NamedJob, resolveAggregates } from '../../../domain/ci/aggregates.ts';

interface Given {
  /** Constituents by the name of the aggregate. */
  readonly aggregates: Readonly<Record<string, readonly string[]>>;
  readonly jobs?: readonly string[];
  readonly failed?: readonly string[];
}

const drvOf = (name: string): string =>
  `/nix/store/00000000000000000000000000000000-${name.split('@')[0]}.drv`;

/** `name@system` or `name@system@variant`. */
function jobOf(text: string, id: number): NamedJob {
  const [name = '', system = 'x86_64-linux', variant] = text.split('@');
  return { id, name, system, variant: variant ?? null, drvPath: drvOf(name) };
}

/** Aggregates that are good with what they mean, and the broken ones with the reason. */
function resolve({ aggregates, jobs = [], failed = [] }: Given): Record<string, readonly string[] | string> {
  const named = [...Object.keys(aggregates), ...jobs].map(jobOf);
  const { good, broken } = resolveAggregates(
    named
      .slice(0, Object.keys(aggregates).length)
      .map((job) => ({ ...job, constituents: Object.values(aggregates)[job.id] ?? [] })),
    {
      jobs: named,
      failedNames: new Set(failed),
      matches: (name, glob) => picomatch.isMatch(name, glob, { dot: true, bash: true }),
    },
  );
  return Object.fromEntries([
    ...good.map(({ aggregate, constituents }) => [
      aggregate.name,
      constituents.map((job) => `${job.name}@${job.system}`),
    ]),
    ...broken.map(({ aggregate, message }) => [aggregate.name, message]),
  ]);
}

const linux = (name: string): string => `${name}@x86_64-linux`;

const CASES: readonly (readonly [string, Given, Record<string, readonly string[] | string>])[] = [
  ['by name', { aggregates: { all: ['a', 'b'] }, jobs: ['a', 'b', 'c'] }, { all: [linux('a'), linux('b')] }],
  [
    'a name twice is one constituent',
    { aggregates: { all: ['a', 'a'] }, jobs: ['a'] },
    { all: [linux('a')] },
  ],
  [
    'of its own system where there is one',
    { aggregates: { all: ['a'] }, jobs: ['a@aarch64-linux', 'a'] },
    { all: [linux('a')] },
  ],
  [
    'of all other systems where there is none',
    { aggregates: { all: ['a'] }, jobs: ['a@aarch64-linux', 'a@i686-linux'] },
    { all: ['a@aarch64-linux', 'a@i686-linux'] },
  ],
  [
    'of its own variant only',
    { aggregates: { all: ['a'] }, jobs: ['a@x86_64-linux@cuda'] },
    { all: 'constituent "a" does not exist' },
  ],
  [
    'by a glob, which never selects the aggregate itself',
    { aggregates: { 'tests.all': ['tests.*'] }, jobs: ['tests.a', 'tests.b.c', 'other'] },
    { 'tests.all': [linux('tests.a'), linux('tests.b.c')] },
  ],
  [
    'by a name that looks like a glob',
    { aggregates: { all: ['a[1]'] }, jobs: ['a[1]', 'a1'] },
    { all: [linux('a[1]')] },
  ],
  [
    'by the path of a derivation',
    { aggregates: { all: [drvOf('a')] }, jobs: ['a', 'b'] },
    { all: [linux('a')] },
  ],
  [
    'by the path of a derivation that is no job: its edge is in the derivation',
    { aggregates: { all: [drvOf('z')] } },
    { all: [] },
  ],
  ['without constituents', { aggregates: { all: [] } }, { all: [] }],
  [
    'a job that is not there breaks it',
    { aggregates: { all: ['a', 'zzz'] }, jobs: ['a'] },
    { all: 'constituent "zzz" does not exist' },
  ],
  [
    'a job that did not evaluate breaks it',
    { aggregates: { all: ['a'] }, failed: ['a'] },
    { all: 'constituent "a" did not evaluate' },
  ],
  [
    'a glob without a match breaks it',
    { aggregates: { all: ['z*'] }, jobs: ['a'] },
    { all: 'no job matches constituent "z*"' },
  ],
  [
    'itself breaks it',
    { aggregates: { all: ['all'] } },
    { all: 'constituent "all" is the aggregate itself' },
  ],
  [
    'everything that is wrong is said at once',
    { aggregates: { all: ['x', 'y*'] } },
    { all: 'constituent "x" does not exist; no job matches constituent "y*"' },
  ],
  [
    'of aggregates',
    { aggregates: { outer: ['inner', 'b'], inner: ['a'] }, jobs: ['a', 'b'] },
    { inner: [linux('a')], outer: [linux('inner'), linux('b')] },
  ],
  [
    'a broken inner one breaks those above',
    { aggregates: { top: ['outer'], outer: ['inner'], inner: ['zzz'] } },
    {
      inner: 'constituent "zzz" does not exist',
      outer: 'constituent inner is broken: constituent "zzz" does not exist',
      top: 'constituent outer is broken: constituent inner is broken: constituent "zzz" does not exist',
    },
  ],
  [
    'a circle breaks its members and those above, and nobody else',
    { aggregates: { one: ['two'], two: ['one'], above: ['one'], fine: ['a'] }, jobs: ['a'] },
    {
      fine: [linux('a')],
      one: 'aggregates depend on each other in a circle: one, two, above',
      two: 'aggregates depend on each other in a circle: one, two, above',
      above: 'aggregates depend on each other in a circle: one, two, above',
    },
  ],
];

describe('what an aggregate means:', () => {
  for (const [title, given, expected] of CASES) test(title, () => assert.deepEqual(resolve(given), expected));
});

test('inner aggregates come before those that name them', () => {
  const names = Object.keys(resolve({ aggregates: { c: ['b'], b: ['a'], a: ['job'] }, jobs: ['job'] }));
  assert.deepEqual(names, ['a', 'b', 'c']);
});

test('of jobs that share a derivation the shortest name is meant, then the first', () => {
  const jobs = ['longer', 'bb', 'aa'].map((name, index) => ({
    ...jobOf(name, index + 1),
    drvPath: drvOf('same'),
  }));
  const aggregate = {
    id: 0,
    name: 'all',
    system: 'x86_64-linux',
    variant: null,
    constituents: [drvOf('same')],
  };
  const { good } = resolveAggregates([aggregate], { jobs, failedNames: new Set(), matches: () => false });
  assert.deepEqual(
    good[0]?.constituents.map((job) => job.name),
    ['aa'],
  );
});
