import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseBuildProducts, parseMetrics, parseReleaseName } from '../../../domain/nix/nix-support.ts';
import type { BuildProduct, Metric } from '../../../domain/nix/nix-support.ts';
import { test } from '../../support/test.ts';

const OUT = '/nix/store/1g885dd4ga64zm31j17kgr68d0a1s617-manual';

const PRODUCTS: [string, string, Omit<BuildProduct, 'path'> & { path?: string }][] = [
  [
    'a file',
    `file iso ${OUT}/a.iso`,
    { type: 'file', subtype: 'iso', name: 'a.iso', defaultPath: '', path: `${OUT}/a.iso` },
  ],
  [
    'a directory with the file to serve',
    `doc manual ${OUT}/share/doc index.html`,
    { type: 'doc', subtype: 'manual', name: 'doc', defaultPath: 'index.html' },
  ],
  [
    'an output itself, without a name',
    `nix-build out ${OUT}`,
    { type: 'nix-build', subtype: 'out', name: '', defaultPath: '' },
  ],
  [
    'a path with spaces, quoted',
    `file x "${OUT}/a b"`,
    { type: 'file', subtype: 'x', name: 'a b', defaultPath: '', path: `${OUT}/a b` },
  ],
  [
    'tabs and spaces between',
    `  file\tx   ${OUT}/a  \r`,
    { type: 'file', subtype: 'x', name: 'a', defaultPath: '' },
  ],
];

for (const [title, line, expected] of PRODUCTS) {
  test(`a build product is read: ${title}`, () => {
    const { value, warnings } = parseBuildProducts(`${line}\n\n`);
    assert.deepEqual(warnings, []);
    assert.deepEqual({ ...value[0], ...expected }, value[0]);
    assert.equal(value.length, 1);
  });
}

const PRODUCTS_SKIPPED: [string, string][] = [
  ['too few words', `file ${OUT}/a`],
  ['too many words', `file x ${OUT}/a b c`],
  ['a type with other characters', `fi/le x ${OUT}/a`],
  ['a path elsewhere', 'file x /etc/passwd'],
  ['a relative path', 'file x a.iso'],
  ['a path that leaves its object', `file x ${OUT}/../x`],
  ['a default that leaves its directory', `doc x ${OUT}/doc ../../etc/passwd`],
  ['an absolute default', `doc x ${OUT}/doc /etc/passwd`],
  ['the store itself', 'file x /nix/store'],
  ['a quote that does not end', `file x "${OUT}/a`],
  ['something before, as the patterns are anchored', `! file x ${OUT}/a`],
];

for (const [title, line] of PRODUCTS_SKIPPED) {
  test(`a build product is skipped and named: ${title}`, () => {
    const { value, warnings } = parseBuildProducts(`file x ${OUT}/first\n${line}\nfile x ${OUT}/last\n`);
    assert.deepEqual(
      value.map(({ name }) => name),
      ['first', 'last'],
    );
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.startsWith(JSON.stringify(line)), warnings[0]);
  });
}

const METRICS: [string, Metric][] = [
  ['closureSize 1234 bytes', { name: 'closureSize', value: 1234, unit: 'bytes' }],
  ['a.b-c_d -1.5e3', { name: 'a.b-c_d', value: -1500, unit: '' }],
  ['speed 42.5 GB/s', { name: 'speed', value: 42.5, unit: 'GB/s' }],
  ['cpu .5 %', { name: 'cpu', value: 0.5, unit: '%' }],
  ['x 1.', { name: 'x', value: 1, unit: '' }],
];

for (const [line, expected] of METRICS) {
  test(`the metric "${line}" is read`, () =>
    assert.deepEqual(parseMetrics(line), { value: [expected], warnings: [] }));
}

for (const line of [
  'x',
  'x y',
  'x 0x10',
  'x nan',
  'x inf',
  'x 1e999',
  'x/y 1',
  'x 1 m*s',
  'x 1 s more',
  'x 1,5',
  'x --1',
  'x .',
  'x 1e',
]) {
  test(`the metric "${line}" is skipped and named`, () => {
    const { value, warnings } = parseMetrics(`${line}\nok 1\n`);
    assert.deepEqual(
      value.map(({ name }) => name),
      ['ok'],
    );
    assert.deepEqual(warnings, [`${JSON.stringify(line)} is not a metric "name value [unit]"`]);
  });
}

test('a release name is one line of allowed characters', () => {
  assert.deepEqual(parseReleaseName('nixos-26.11pre1@a:b_c\n'), {
    value: 'nixos-26.11pre1@a:b_c',
    warnings: [],
  });
  assert.deepEqual(parseReleaseName(' \n'), { value: null, warnings: [] });
  for (const text of ['two words', 'two\nlines', '<script>', '../x', 'é']) {
    const { value, warnings } = parseReleaseName(text);
    assert.equal(value, null);
    assert.ok(warnings[0]?.startsWith(JSON.stringify(text)));
  }
});

test('any text gives products, metrics or warnings, a line each at most', () => {
  const word = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('file', OUT, '1', '"', '\n', ' '));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const text = words.join(' ');
      const lines = text.split('\n').filter((line) => line.trim() !== '').length;
      for (const parsed of [parseBuildProducts(text), parseMetrics(text)]) {
        assert.equal(parsed.value.length + parsed.warnings.length, lines);
      }
      assert.ok(parseReleaseName(text).warnings.length <= 1);
    }),
  );
});
