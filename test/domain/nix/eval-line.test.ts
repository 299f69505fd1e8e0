import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseEvalLine } from '../../../domain/nix/eval-line.ts';
import { assertNeverCrashes } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

const HASH = '1g885dd4ga64zm31j17kgr68d0a1s617';
const DRV = `/nix/store/${HASH}-hello.drv`;
const OUT = `/nix/store/${HASH}-hello`;

const OK = {
  attr: 'hello',
  attrPath: ['hello'],
  name: 'hello',
  system: 'x86_64-linux',
  drvPath: DRV,
  outputs: { out: OUT },
};
const line = (fields: object): string => JSON.stringify({ ...OK, ...fields });

test('a line with the least there is holds a job, and says what is not known', () => {
  assert.deepEqual(parseEvalLine(line({})), {
    kind: 'job',
    attrPath: ['hello'],
    attr: 'hello',
    warnings: [],
    traces: [],
    stats: null,
    job: {
      name: 'hello',
      system: 'x86_64-linux',
      drvPath: DRV,
      outputs: { out: OUT },
      inputDrvs: null,
      requiredSystemFeatures: null,
      meta: null,
      extraValue: null,
      constituents: null,
      namedConstituents: null,
      globConstituents: null,
      cacheStatus: null,
      neededBuilds: null,
      neededSubstitutes: null,
    },
  });
});

describe('fields by version', () => {
  const cases: [string, object, object][] = [
    ['2.18: isCached true', { isCached: true }, { cacheStatus: 'cached' }],
    ['2.18: isCached false', { isCached: false }, { cacheStatus: 'notBuilt' }],
    ['2.23: cacheStatus beside isCached', { isCached: true, cacheStatus: 'local' }, { cacheStatus: 'local' }],
    ['a cache status of the future', { cacheStatus: 'warm' }, { cacheStatus: null }],
    [
      '2.24.1: outputs without a path',
      { outputs: { out: null, dev: OUT } },
      { outputs: { out: null, dev: OUT } },
    ],
    ['2.25: inputDrvs', { inputDrvs: { [DRV]: ['out'] } }, { inputDrvs: { [DRV]: ['out'] } }],
    [
      '2.26: an aggregate',
      { constituents: [DRV], namedConstituents: ['a.*'], globConstituents: true },
      { constituents: [DRV], namedConstituents: ['a.*'], globConstituents: true },
    ],
    [
      '2.26: what is needed',
      { neededBuilds: [DRV], neededSubstitutes: [OUT] },
      { neededBuilds: [DRV], neededSubstitutes: [OUT] },
    ],
    ['2.26: the value of --apply', { extraValue: { a: [1] } }, { extraValue: { a: [1] } }],
    ['2.32.1: required features', { requiredSystemFeatures: ['cuda'] }, { requiredSystemFeatures: ['cuda'] }],
    ['--meta', { meta: { license: { free: false } } }, { meta: { license: { free: false } } }],
    ['an unknown field', { unheardOf: 1 }, {}],
  ];
  for (const [title, fields, expected] of cases) {
    test(title, () => {
      const parsed = parseEvalLine(line(fields));
      assert.equal(parsed.kind, 'job');
      assert.deepEqual({ ...parsed.job, ...expected }, parsed.job);
    });
  }

  test('2026: warnings, traces and cost', () => {
    const parsed = parseEvalLine(
      line({ warnings: ['w'], traces: ['t'], stats: { wallMs: 12.5, allocBytes: 4096 } }),
    );
    const { warnings, traces, stats } = parsed;
    assert.deepEqual(
      { warnings, traces, stats },
      { warnings: ['w'], traces: ['t'], stats: { wallMs: 12.5, allocBytes: 4096 } },
    );
  });
});

test('an error has its text, and is fatal only where it says so', () => {
  const base = { attr: 'a."b.c"', attrPath: ['a', 'b.c'] };
  const parsed = parseEvalLine(JSON.stringify({ ...base, error: 'error: x\n trace', fatal: true }));
  assert.equal(parsed.kind, 'error');
  assert.deepEqual(parsed.error, { text: 'error: x\n trace', fatal: true });
  assert.deepEqual(parsed.attrPath, ['a', 'b.c']);
  const older = parseEvalLine(JSON.stringify({ ...base, error: 'x' }));
  assert.equal(older.kind === 'error' && older.error.fatal, false);
});

test('an aggregate that lacks constituents has both a job and an error', () => {
  const parsed = parseEvalLine(line({ error: 'constituent b is missing', constituents: [DRV] }));
  assert.equal(parsed.kind, 'broken-aggregate');
  assert.equal(parsed.job.drvPath, DRV);
  assert.equal(parsed.error.text, 'constituent b is missing');
});

test('the root of what is evaluated has an empty path', () => {
  assert.deepEqual(parseEvalLine(line({ attr: '', attrPath: [] })).attrPath, []);
});

test('an output that is named like a property of every object is just an output', () => {
  const text = line({}).replace('"out"', '"__proto__"');
  const parsed = parseEvalLine(text);
  assert.deepEqual(parsed.kind === 'job' && Object.entries(parsed.job.outputs), [['__proto__', OUT]]);
});

const REFUSED: [string, string, RegExp][] = [
  ['an empty line', '', /JSON/],
  ['a line cut short', line({}).slice(0, -2), /JSON/],
  ['two lines', `${line({})}\n${line({})}`, /JSON/],
  ['a list', '[]', /an object/],
  ['neither job nor error', JSON.stringify({ attr: 'a', attrPath: ['a'] }), /drvPath or error/],
  ['no attrPath', JSON.stringify({ attr: 'a', error: 'x' }), /an array/],
  ['an attrPath of numbers', line({ attrPath: [0] }), /a string/],
  ['a derivation elsewhere', line({ drvPath: '/tmp/x.drv' }), /below \/nix\/store/],
  ['a derivation that is none', line({ drvPath: OUT }), /ends in \.drv/],
  ['an output that is no path', line({ outputs: { out: 'hello' } }), /below \/nix\/store/],
  ['no system', line({ system: undefined }), /a string/],
  ['features that are a text', line({ requiredSystemFeatures: 'cuda' }), /an array/],
  ['an error that is an object', line({ error: {} }), /a string/],
  ['a cost below nothing', line({ stats: { wallMs: -1, allocBytes: 0 } }), /a number from 0/],
];

for (const [title, input, expected] of REFUSED) {
  test(`${title} is refused`, () => {
    assert.throws(() => parseEvalLine(input), { name: 'ParseError', message: expected });
  });
}

test('any JSON is a line or is refused', () => {
  fc.assert(fc.property(fc.json(), (text) => assertNeverCrashes(() => parseEvalLine(text))));
  const fields = fc.dictionary(
    fc.constantFrom(...Object.keys(OK), 'error', 'meta', 'stats', 'neededBuilds'),
    fc.jsonValue(),
  );
  fc.assert(fc.property(fields, (changed) => assertNeverCrashes(() => parseEvalLine(line(changed)))));
});
