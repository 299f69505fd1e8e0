import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { sortBytes } from '../../../domain/nix/byte-order.ts';
import {
  computeDerivationPath,
  derivationEnv,
  derivationKind,
  derivationName,
  derivationReferences,
  formatDerivation,
  hasKnownOutputPaths,
  isContentAddressed,
  isFixedOutput,
  parseDerivation,
  parseDerivationFile,
  requiredSystemFeatures,
  structuredAttributes,
} from '../../../domain/nix/derivation.ts';
import type { Derivation } from '../../../domain/nix/derivation.ts';
import {
  formatStorePath,
  parseStorePath,
  parseStorePathBaseName,
  storePathName,
} from '../../../domain/nix/store-path.ts';
import type { NixVersion } from '../../support/nix-vectors.ts';
import { NIX_VERSIONS, derivationVectors, readVectorBytes } from '../../support/nix-vectors.ts';
import { assertNeverCrashes, assertRefused } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

const parse = (text: string): Derivation => parseDerivation(text, 'x');

function vectorOf(name: string, version: NixVersion = '2.34'): Derivation {
  const vector = derivationVectors(version).find(({ path }) => storePathName(path) === `${name}.drv`);
  assert.ok(vector, name);
  return vector.derivation;
}

for (const version of NIX_VERSIONS) {
  describe(`derivations written by Nix ${version}`, () => {
    for (const { path, text, derivation } of derivationVectors(version)) {
      test(`${storePathName(path)} formats to the same bytes, and has the path that follows from them`, () => {
        assert.equal(formatDerivation(derivation), text);
        assert.equal(computeDerivationPath(derivation), path);
      });
    }
  });
}

describe('what is asked of a derivation', () => {
  const kinds: [string, string, { fixed?: true; contentAddressed?: true; known?: true }][] = [
    ['plain', 'input-addressed', { known: true }],
    ['fixed-sha512', 'fixed', { fixed: true, known: true }],
    ['floating-multi', 'floating', { contentAddressed: true }],
    ['deferred', 'deferred', {}],
    ['impure', 'impure', { contentAddressed: true }],
  ];
  for (const [name, kind, { fixed = false, contentAddressed = false, known = false }] of kinds) {
    test(`${name} is ${kind}`, () => {
      const derivation = vectorOf(name);
      assert.equal(derivationKind(derivation), kind);
      assert.equal(isFixedOutput(derivation), fixed);
      assert.equal(isContentAddressed(derivation), contentAddressed);
      assert.equal(hasKnownOutputPaths(derivation), known);
    });
  }

  test('required system features come from the environment, or from structured attributes', () => {
    assert.deepEqual(requiredSystemFeatures(vectorOf('gpu-check')), ['cuda', 'big-parallel']);
    assert.deepEqual(requiredSystemFeatures(vectorOf('structured', '2.8')), ['cuda', 'kvm']);
    assert.deepEqual(requiredSystemFeatures(vectorOf('structured', '2.34')), ['cuda', 'kvm']);
    assert.deepEqual(requiredSystemFeatures(vectorOf('plain')), []);
  });

  test('features are separated by any white space', () => {
    const derivation = withEnv('requiredSystemFeatures', ' cuda\n\tkvm  ');
    assert.deepEqual(requiredSystemFeatures(derivation), ['cuda', 'kvm']);
  });

  test('features of structured attributes that are no list of texts are refused, not overlooked', () => {
    const derivation = withEnv('__json', '{"requiredSystemFeatures":"cuda"}');
    assert.throws(() => requiredSystemFeatures(derivation), {
      name: 'ParseError',
      message: /"cuda" is not an array/,
    });
    assert.throws(() => requiredSystemFeatures(withEnv('__json', '[]')), {
      name: 'ParseError',
      message: /an object/,
    });
    assert.throws(() => requiredSystemFeatures(withEnv('__json', '{')), {
      name: 'ParseError',
      message: /JSON/,
    });
  });

  test('an attribute is found in the environment, or among the structured attributes', () => {
    assert.equal(derivationEnv(vectorOf('plain'), 'name'), 'plain');
    assert.equal(derivationEnv(vectorOf('structured'), 'name'), 'structured');
    assert.equal(derivationEnv(vectorOf('structured'), 'big'), undefined);
    assert.equal(derivationEnv(vectorOf('plain'), 'absent'), undefined);
    assert.equal(derivationEnv(withEnv('__json', '{}'), 'toString'), undefined);
  });

  test('structured attributes are null without __json', () => {
    assert.equal(structuredAttributes(vectorOf('plain')), null);
    assert.deepEqual(structuredAttributes(vectorOf('structured'))?.['nested'], {
      a: [true, false, {}],
      b: 1,
      '😀': 1,
      '｡': 2,
    });
  });

  test('references are the sources and the input derivations, sorted', () => {
    const dependent = vectorOf('dependent-1.0+b_2.3?x=y');
    const references = derivationReferences(dependent);
    assert.equal(references.length, 5);
    assert.deepEqual(references, sortBytes(references));
    assert.ok(references.some((path) => path.endsWith('-cases.nix')));
    assert.ok(references.some((path) => path.endsWith('-multi.drv')));
  });

  test('text that is not ASCII, and every escape, is kept', () => {
    const escapes = vectorOf('escapes');
    assert.equal(
      escapes.env.get('text'),
      'tab\there\nnew line\rreturn "quoted" back\\slash \\n ${dollar} é ∀ 😀',
    );
    const keys = [...escapes.env.keys()].filter((key) => key.startsWith('key'));
    assert.deepEqual(keys, ['key｡', 'key😀']);
  });
});

function withEnv(key: string, value: string): Derivation {
  return { ...vectorOf('plain'), env: new Map([[key, value]]) };
}

const PATH = '/nix/store/1g885dd4ga64zm31j17kgr68d0a1s617-x';
const OUT = `("out","${PATH}","","")`;
const text = (parts: {
  outputs?: string;
  inputs?: string;
  sources?: string;
  env?: string;
  rest?: string;
}): string =>
  `Derive([${parts.outputs ?? OUT}],[${parts.inputs ?? ''}],[${parts.sources ?? ''}],"s","b",[],[${parts.env ?? ''}])${parts.rest ?? ''}`;

test('the smallest derivation parses', () => assert.equal(formatDerivation(parse(text({}))), text({})));

const REFUSED: [string, string, RegExp][] = [
  ['an empty text', '', /followed by Derive/],
  ['something else', 'hello', /followed by Derive/],
  ['a text cut short', text({}).slice(0, -1), /followed by \)/],
  ['a string without its end', 'Derive([("out', /a string that ends/],
  ['an escape at the end', 'Derive([("out\\', /an escape/],
  ['text after the end', text({ rest: '\n' }), /the end/],
  ['white space', text({}).replace(',', ', '), /followed by "/],
  ['an unknown escape', text({ env: '("a","\\x")' }), /an escape/],
  ['an escape that Nix would not write', text({ env: '("a","\\$")' }), /an escape/],
  ['a raw newline', text({ env: '("a","\n")' }), /controls are escaped/],
  ['a raw tab', text({ env: '("a","\t")' }), /controls are escaped/],
  ['keys out of order', text({ env: '("b",""),("a","")' }), /sorted by bytes/],
  ['a key twice', text({ env: '("a",""),("a","")' }), /sorted by bytes/],
  ['sources out of order', text({ sources: `"${PATH}","${PATH.replace('1', '0')}"` }), /sorted by bytes/],
  ['a comma before the end of a list', text({ env: '("a",""),' }), /followed by \(/],
  ['no comma in a list', text({ env: '("a","")("b","")' }), /followed by ,/],
  ['no outputs', text({ outputs: '' }), /at least one output/],
  ['an output whose name no path may have', text({ outputs: `("o/t","${PATH}","","")` }), /store path name/],
  ['an output outside the store', text({ outputs: '("out","/tmp/x","","")' }), /below \/nix\/store/],
  [
    'a hash without algorithm',
    text({ outputs: `("out","${PATH}","","${'0'.repeat(64)}")` }),
    /no hash algorithm/,
  ],
  [
    'an algorithm that Nix does not know',
    text({ outputs: `("out","${PATH}","sha3","${'0'.repeat(64)}")` }),
    /md5, sha1/,
  ],
  [
    'a hash in upper case',
    text({ outputs: `("out","${PATH}","sha256","${'A'.repeat(64)}")` }),
    /lower-case base 16/,
  ],
  [
    'a hash in nix32',
    text({ outputs: `("out","${PATH}","sha256","${'0'.repeat(52)}")` }),
    /lower-case base 16/,
  ],
  [
    'a floating output with a path',
    text({ outputs: `("out","${PATH}","r:sha256","")` }),
    /only after the build/,
  ],
  [
    'an impure output with a path',
    text({ outputs: `("out","${PATH}","r:sha256","impure")` }),
    /only after the build/,
  ],
  [
    'a fixed output without a path',
    text({ outputs: `("out","","sha256","${'0'.repeat(64)}")` }),
    /below \/nix\/store/,
  ],
  [
    'a fixed output not named out',
    text({ outputs: `("dev","${PATH}","sha256","${'0'.repeat(64)}")` }),
    /single output/,
  ],
  ['an input that is no derivation', text({ inputs: `("${PATH}",["out"])` }), /ends in \.drv/],
  ['outputs of an input out of order', text({ inputs: `("${PATH}.drv",["out","dev"])` }), /sorted by bytes/],
];

for (const [title, input, expected] of REFUSED) {
  test(`a derivation with ${title} is refused`, () => assertRefused(parse, input, expected));
}

test('outputs of two kinds are refused', () => {
  const mixed = text({ outputs: `("dev","${PATH}","",""),("out","","r:sha256","")` });
  assert.throws(() => parse(mixed), { name: 'ParseError', message: /one kind of output/ });
});

test('a dynamic derivation, as Nix 2.34 writes it, is refused by the name of its feature', () => {
  const file = '7blssnlpbpy2cp63dl5ca4zks6cpw20p-dynamic.drv';
  const bytes = readVectorBytes('2.34', 'drv-current', file);
  assert.throws(() => parseDerivationFile(parseStorePathBaseName(file), bytes), {
    name: 'ParseError',
    message: /dynamic-derivations/,
  });
});

test('a file that is not UTF-8 is refused by its path', () => {
  const path = parseStorePath(`${PATH}.drv`);
  assert.throws(() => parseDerivationFile(path, Buffer.from(text({ env: '("a","\u00e9")' }), 'latin1')), {
    name: 'ParseError',
    message: /-x\.drv" is not written in UTF-8/,
  });
});

test('a name comes from a path that ends in .drv', () => {
  assert.equal(derivationName(formatStorePath('0'.repeat(32), 'hello-2.12.drv')), 'hello-2.12');
  assertRefused((path) => derivationName(parseStorePath(path)), PATH, /ends in \.drv/);
});

/** Without null prototypes, which would make equal records unequal. */
function plainRecord<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

const someText = fc.string({ unit: 'binary', maxLength: 20 });
const someOutput = fc.constantFrom('out', 'dev', 'lib', 'man');
const somePath = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'0189abcdfgxyz'.split('')), minLength: 32, maxLength: 32 }),
    someOutput,
  )
  .map(([hash, name]) => formatStorePath(hash, name));
const someDerivation: fc.Arbitrary<Derivation> = plainRecord({
  name: fc.constant('x'),
  outputs: fc
    .uniqueArray(fc.tuple(someOutput, somePath), { selector: ([name]) => name, minLength: 1 })
    .map((outputs) => new Map(outputs.map(([name, path]) => [name, { kind: 'input-addressed', path }]))),
  inputDerivations: fc
    .uniqueArray(fc.tuple(somePath, fc.uniqueArray(someOutput)), { selector: ([path]) => path })
    .map(
      (inputs) => new Map(inputs.map(([path, names]) => [parseStorePath(`${path}.drv`), sortBytes(names)])),
    ),
  inputSources: fc.uniqueArray(somePath).map(sortBytes),
  system: someText,
  builder: someText,
  args: fc.array(someText),
  env: fc.uniqueArray(fc.tuple(someText, someText), { selector: ([key]) => key }).map((env) => new Map(env)),
});

test('any derivation parses from its own text, and that text formats to itself', () => {
  fc.assert(
    fc.property(someDerivation, (derivation) => {
      const formatted = formatDerivation(derivation);
      const parsed = parse(formatted);
      assert.deepEqual(parsed, derivation);
      assert.equal(formatDerivation(parsed), formatted);
    }),
  );
});

test('a text with any one character changed parses to a text of its own or is refused', () => {
  const original = formatDerivation(vectorOf('multi'));
  fc.assert(
    fc.property(
      fc.nat(original.length - 1),
      fc.string({ unit: 'binary', maxLength: 2 }),
      (at, replacement) => {
        const changed = original.slice(0, at) + replacement + original.slice(at + 1);
        assertNeverCrashes(() => assert.equal(formatDerivation(parse(changed)), changed));
      },
    ),
    { numRuns: 2000 },
  );
});
