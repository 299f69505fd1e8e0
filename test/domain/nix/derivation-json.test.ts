import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseDerivationsJson } from '../../../domain/nix/derivation-json.ts';
import { formatDerivation } from '../../../domain/nix/derivation.ts';
import { NIX_VERSIONS, derivationVectors, readVector } from '../../support/nix-vectors.ts';
import type { NixVersion } from '../../support/nix-vectors.ts';
import { assertNeverCrashes } from '../../support/refusals.ts';
import { test } from '../../support/test.ts';

const FILES: Record<NixVersion, { file: string; count: number }[]> = {
  '2.8': [{ file: 'derivations.json', count: 18 }],
  '2.34': [
    { file: 'derivations.json', count: 18 },
    { file: 'derivations-current.json', count: 2 },
  ],
};

for (const version of NIX_VERSIONS) {
  for (const { file, count } of FILES[version]) {
    test(`${file} of Nix ${version} describes the same derivations as the .drv files, to the byte`, () => {
      const texts = new Map(derivationVectors(version).map(({ path, text }) => [path, text]));
      const parsed = parseDerivationsJson(readVector(version, file));
      assert.equal(parsed.size, count);
      for (const [path, derivation] of parsed)
        assert.equal(formatDerivation(derivation), texts.get(path), path);
    });
  }
}

const HASH = '1g885dd4ga64zm31j17kgr68d0a1s617';
const BASE = { name: 'x', system: 's', builder: 'b', args: [], env: {} };

/** Between the two versions with vectors the format changed field by field. */
const IN_BETWEEN: [string, object][] = [
  [
    '2.19: outputs of inputs in an object',
    {
      inputSrcs: [],
      inputDrvs: { [`/nix/store/${HASH}-y.drv`]: { dynamicOutputs: {}, outputs: ['out'] } },
      outputs: { out: { path: `/nix/store/${HASH}-x` } },
    },
  ],
  [
    '2.20: method beside hashAlgo',
    { inputSrcs: [], inputDrvs: {}, outputs: { out: { hashAlgo: 'sha256', method: 'nar' } } },
  ],
  [
    '2.20: a fixed output by method, hashAlgo and digest',
    {
      inputSrcs: [],
      inputDrvs: {},
      outputs: { out: { hashAlgo: 'sha256', method: 'flat', hash: '0'.repeat(64) } },
    },
  ],
  [
    'version 3: base names in the old fields',
    { version: 3, inputSrcs: [`${HASH}-s`], inputDrvs: {}, outputs: { out: { path: `${HASH}-x` } } },
  ],
];

for (const [title, fields] of IN_BETWEEN) {
  test(`the format is read as it was in ${title}`, () => {
    const [derivation] = parseDerivationsJson(
      JSON.stringify({ [`${HASH}-x.drv`]: { ...BASE, ...fields } }),
    ).values();
    assert.equal(derivation?.name, 'x');
  });
}

const inputs = { inputs: { drvs: {}, srcs: [] } };
const wrap = (fields: object): string =>
  JSON.stringify({
    version: 4,
    derivations: { [`${HASH}-x.drv`]: { ...BASE, ...inputs, outputs: { out: {} }, ...fields } },
  });

test('numbers of structured attributes stay as they were written', () => {
  const text = wrap({ structuredAttrs: { n: 'N' } }).replace(
    '"N"',
    '[1.0,0.1,9007199254740993,-0,1e400,12345678901234567890.5]',
  );
  const [derivation] = parseDerivationsJson(text).values();
  assert.equal(
    derivation?.env.get('__json'),
    '{"n":[1.0,0.1,9007199254740993,-0,1e400,12345678901234567890.5]}',
  );
});

const REFUSED: [string, string, RegExp][] = [
  ['no JSON', 'error:', /JSON/],
  ['a list', '[]', /an object/],
  ['a key that is no derivation', `{"/nix/store/${HASH}-x":{}}`, /ends in \.drv/],
  ['no outputs', wrap({ outputs: {} }), /at least one output/],
  ['an output that is a text', wrap({ outputs: { out: 'x' } }), /an object/],
  [
    'a fixed output with a path of another',
    wrap({ outputs: { out: { method: 'flat', hash: `sha256-${'A'.repeat(43)}=`, path: `${HASH}-x` } } }),
    /follows from the hash/,
  ],
  ['an unknown method', wrap({ outputs: { out: { method: 'magic', hashAlgo: 'sha256' } } }), /flat, nar/],
  [
    'dynamic inputs',
    wrap({ inputs: { srcs: [], drvs: { [`${HASH}-y.drv`]: { outputs: [], dynamicOutputs: { out: {} } } } } }),
    /dynamic-derivations/,
  ],
  ['an environment variable that is a number', wrap({ env: { a: 1.5 } }), /a string/],
  ['arguments that are no list', wrap({ args: 'x' }), /an array/],
];

for (const [title, input, expected] of REFUSED) {
  test(`JSON with ${title} is refused`, () => {
    assert.throws(() => parseDerivationsJson(input), { name: 'ParseError', message: expected });
  });
}

test('attributes nested without end are refused, not a crash', () => {
  for (const depth of [600, 3000, 200_000]) {
    const text = wrap({ structuredAttrs: { a: 'A' } }).replace(
      '"A"',
      `${'['.repeat(depth)}${']'.repeat(depth)}`,
    );
    assert.throws(() => parseDerivationsJson(text), { name: 'ParseError' });
  }
});

test('any JSON parses or is refused', () => {
  fc.assert(fc.property(fc.json(), (text) => assertNeverCrashes(() => parseDerivationsJson(text))));
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('outputs', 'env', 'args', 'structuredAttrs', 'inputs'), fc.jsonValue()),
      (fields) => assertNeverCrashes(() => parseDerivationsJson(wrap(fields))),
    ),
  );
});
