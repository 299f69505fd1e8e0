/** Whatever goes wrong with one attribute is that attribute's own error, with Nix's words, and the rest goes on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  describeWithEachNix,
  evaluateExpression,
  evaluateRoot,
  writeFolder,
} from '../../support/evaluate.ts';

const KINDS: Record<string, { text: string; message: RegExp }> = {
  throw: { text: 'throw "first line\\nsecond line"', message: /^error: first line\nsecond line$/ },
  assertion: {
    text: 'assert 1 == 2; drv "x"',
    message: /^error: (?:assertion '\(1 == 2\)' failed|an integer with value '1' is not equal)/,
  },
  abort: {
    text: 'abort "enough"',
    message: /^error: evaluation aborted with the following error message: 'enough'$/,
  },
  'missing attribute': {
    text: '({ }).missing',
    message: /^error: attribute 'missing' missing\n+at .*default\.nix:\d+:\d+:/,
  },
  'type error': { text: '1 + "a"', message: /^error: cannot add a string to an integer/ },
  'infinite recursion': { text: 'let x = x; in x', message: /^error: infinite recursion encountered/ },
  'stack overflow': { text: 'let f = n: 1 + f (n + 1); in f 0', message: /^error: stack overflow/ },
  'syntax error in an imported file': {
    text: 'import ./broken.nix',
    message: /^error: syntax error, unexpected .*\n+at .*broken\.nix:1:7:/,
  },
  'missing file': {
    text: 'import ./nowhere.nix',
    message: /^error: .*nowhere\.nix'.*(?:No such file|does not exist)/,
  },
  'error inside a derivation': {
    text: 'derivation { name = "x"; system = "y"; builder = "/bin/sh"; env = throw "in env"; }',
    message: /^error: in env$/,
  },
  'derivation without a name': {
    text: '{ type = "derivation"; system = "y"; drvPath = "/nix/store/00000000000000000000000000000000-x.drv"; }',
    message: /^error: the derivation has no name$/,
  },
  'derivation of another making': {
    text: '{ type = "derivation"; drvPath = "/etc/passwd"; name = "x"; system = "y"; }',
    message: /^error: drvPath is "\/etc\/passwd", which is no derivation in the store$/,
  },
  'recurseForDerivations that throws': {
    text: '{ recurseForDerivations = throw "undecided"; }',
    message: /^error: undecided$/,
  },
  'import from derivation': {
    text: 'import (derivation { name = "ifd"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; })',
    message: /'allow-import-from-derivation' is disabled\n.*allowImportFromDerivation in the jobset/,
  },
};

const REFUSALS: Record<string, string> = {
  licence: 'Package ‘cudatoolkit-12’ in x.nix:1 has an unfree license (‘CUDA EULA’), refusing to evaluate.',
  insecure: 'Package ‘freeimage’ in x.nix:7 is marked as insecure, refusing to evaluate.',
  broken: "Refusing to evaluate package 'magma' in x.nix:3 because it is marked as broken",
  platform:
    'Package ‘cuda_compat’ in x.nix:9 is not available on the requested hostPlatform:\\n  hostPlatform.system = \\"x86_64-linux\\"',
};

describeWithEachNix('errors', ({ environment }) => {
  test('each kind of error is the error of its attribute; attributes beside them are jobs', async () => {
    const attributes = Object.entries(KINDS).map(([name, { text }]) => `"${name}" = ${text};`);
    const { jobs, errors, end } = await evaluateExpression(
      `{ first = drv "first"; ${attributes.join('\n')} zlast = drv "zlast"; }`,
      { environment, recurse: 'marked' },
      { 'broken.nix': '{ a = ; }\n' },
    );
    assert.deepEqual(jobs, { first: 'first', zlast: 'zlast' });
    for (const [name, { message }] of Object.entries(KINDS)) {
      assert.match(errors[name]?.message ?? 'no error', message, name);
      assert.equal(errors[name]?.refused, false, name);
    }
    assert.equal(Object.keys(errors).length, Object.keys(KINDS).length);
    assert.deepEqual(end, { complete: true, message: null });
  });

  test("what Nixpkgs' policy refuses is told apart from errors", async () => {
    const attributes = Object.entries(REFUSALS).map(([name, text]) => `${name} = throw "${text}";`);
    const { errors } = await evaluateExpression(`{ ${attributes.join('\n')} unrelated = throw "removed"; }`, {
      environment,
    });
    for (const name of Object.keys(REFUSALS)) assert.equal(errors[name]?.refused, true, name);
    assert.equal(errors['unrelated']?.refused, false);
  });

  test('an attribute that needs too much memory is an error that names the limit', async () => {
    const { jobs, errors, end } = await evaluateExpression(
      `{
        a = drv "a";
        hog = builtins.deepSeq (builtins.genList (n: { inherit n; }) 30000000) (drv "hog");
        z = drv "z";
      }`,
      { environment, memoryMiB: 96 },
    );
    assert.deepEqual(jobs, { a: 'a', z: 'z' });
    assert.match(
      errors['hog']?.message ?? '',
      /needs more than 96 MiB, the limit of one evaluator process \(limits\.evaluationMemoryMiB/,
    );
    assert.deepEqual(end, { complete: true, message: null });
  });

  test('import from derivation works where it is allowed', async () => {
    const { jobs, errors } = await evaluateExpression(
      String.raw`builtins.listToAttrs [ {
        name = import (derivation {
          name = "generated.nix"; system = builtins.currentSystem; builder = "/bin/sh";
          args = [ "-c" "echo '\"made\"' > $out" ];
        });
        value = drv "ok";
      } ]`,
      { environment, allowImportFromDerivation: true },
    );
    assert.deepEqual(errors, {});
    assert.deepEqual(jobs, { made: 'ok' });
  });

  test('warnings of the code reach whoever asked, once each; what it traces does not disturb', async () => {
    const { warnings, jobs, errors } = await evaluateExpression(
      `let old = builtins.trace "evaluation warning: a is old"; in {
        a = old (drv "a");
        b = old (drv "b");
        c = builtins.trace "error: not one" (builtins.trace ''@nixwarp- {"item":0,"at":"done"}'' (throw "c"));
      }`,
      { environment },
    );
    assert.deepEqual(jobs, { a: 'a', b: 'b' });
    assert.equal(errors['c']?.message, 'error: c');
    assert.deepEqual(warnings, ['evaluation warning: a is old']);
  });

  const roots: Record<string, { text: string; message: RegExp }> = {
    'a syntax error': { text: '{ a = ; }', message: /cannot be evaluated: error: syntax error/ },
    'a throw': { text: 'throw "no root"', message: /cannot be evaluated: error: no root$/ },
    'a function that dies': {
      text: '{ }: abort "no"',
      message: /cannot be evaluated: error: evaluation aborted/,
    },
    'too much memory': {
      text: 'builtins.deepSeq (builtins.genList (n: { inherit n; }) 30000000) { }',
      message: /cannot be evaluated: error: out of memory: needs more than 96 MiB/,
    },
  };
  for (const [title, { text, message }] of Object.entries(roots)) {
    test(`a root with ${title} ends the evaluation`, async () => {
      const path = writeFolder({ 'default.nix': text });
      const root = { kind: 'file', path, args: {}, argStrings: {} } as const;
      const { end, items } = await evaluateRoot(root, { environment, memoryMiB: 96 });
      assert.deepEqual(items, []);
      assert.equal(end.complete, false);
      assert.match(end.message ?? '', message);
    });
  }

  test('a root that does not exist ends the evaluation', async () => {
    const root = {
      kind: 'file',
      path: `${writeFolder({ x: '' })}/no.nix`,
      args: {},
      argStrings: {},
    } as const;
    const { end } = await evaluateRoot(root, { environment });
    assert.equal(end.complete, false);
    assert.match(end.message ?? '', /no\.nix cannot be evaluated: error: .*(?:No such file|does not exist)/);
  });
});
