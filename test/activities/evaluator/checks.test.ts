/** GPU checks: found in their three shapes, by what they ask for and not by their names; refused with their parents. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeWithEachNix, evaluateExpression } from '../../support/evaluate.ts';

const CASES: Record<
  string,
  {
    readonly text: string;
    readonly jobs: readonly string[];
    readonly errors?: Record<string, boolean>;
    readonly warnings?: RegExp;
  }
> = {
  'shape A: tests.<t>.gpuCheck': {
    text: 'drv "p" // { passthru.tests.cuda = drv "tester" // { passthru.gpuCheck = gpu "check"; }; }',
    jobs: ['p', 'p / tests / cuda / gpuCheck'],
  },
  'shape B: gpuCheck': {
    text: 'drv "p" // { passthru.gpuCheck = gpu "check" // { passthru.gpuCheck = gpu "not again"; }; }',
    jobs: ['p', 'p / gpuCheck'],
  },
  'shape C: tests.<t>': {
    text: 'drv "p" // { passthru.tests = { direct = gpu "check"; plain = drv "plain"; }; }',
    jobs: ['p', 'p / tests / direct'],
  },
  'each once, though there are two spellings': {
    text: 'let tests = { a = gpu "a" // rec { gpuCheck = gpu "b"; passthru = { inherit gpuCheck; }; }; }; gpuCheck = gpu "c"; in drv "p" // { inherit tests gpuCheck; passthru = { inherit tests gpuCheck; }; }',
    jobs: ['p', 'p / gpuCheck', 'p / tests / a', 'p / tests / a / gpuCheck'],
  },
  'tests that differ by spelling are put together': {
    text: 'drv "p" // { tests.a = gpu "a"; passthru.tests.b = gpu "b"; }',
    jobs: ['p', 'p / tests / a', 'p / tests / b'],
  },
  'features as words, and of one architecture': {
    text: 'let of = features: derivation { name = "c"; system = "x86_64-linux"; builder = "/bin/sh"; requiredSystemFeatures = features; }; in drv "p" // { tests = { words = of "kvm cuda-ada"; other = of [ "kvm" ]; }; }',
    jobs: ['p', 'p / tests / words'],
  },
  'a gpuCheck that needs no GPU is none': {
    text: 'drv "p" // { gpuCheck = drv "cpu"; tests.t = drv "t" // { gpuCheck = drv "cpu"; }; }',
    jobs: ['p'],
  },
  'a test that is no derivation may hold a gpuCheck': {
    text: 'drv "p" // { tests = { set.gpuCheck = gpu "c"; text = "t"; list = [ ]; }; }',
    jobs: ['p', 'p / tests / set / gpuCheck'],
  },
  'tests that are no set are none': {
    text: 'drv "p" // { tests = [ (gpu "c") ]; passthru = null; }',
    jobs: ['p'],
  },
  'of a refused package the checks are refused too, not absent': {
    text: 'refused "p" // { passthru = { gpuCheck = gpu "b" // { inherit (refused "p") drvPath; }; tests.t = drv "t" // { gpuCheck = gpu "a" // { inherit (refused "p") drvPath; }; }; tests.own = gpu "fine"; }; }',
    jobs: ['p / tests / own'],
    errors: { p: true, 'p / gpuCheck': true, 'p / tests / t / gpuCheck': true },
  },
  'a refused check that needs no GPU stays none': {
    text: 'drv "p" // { gpuCheck = refused "cpu"; }',
    jobs: ['p'],
  },
  'a check that cannot be told apart is believed by its name': {
    text: 'drv "p" // { gpuCheck = throw "broken check"; tests.t = drv "t" // { gpuCheck = { }.missing; }; }',
    jobs: ['p'],
    errors: { 'p / gpuCheck': false, 'p / tests / t / gpuCheck': false },
  },
  'a package that dies keeps its checks': {
    text: 'drv "p" // { drvPath = { }.missing; tests.t = gpu "t"; }',
    jobs: ['p / tests / t'],
    errors: { p: false },
  },
  'a package whose meta dies keeps its checks': {
    text: 'drv "p" // { meta.description = { }.missing; gpuCheck = gpu "c"; }',
    jobs: ['p', 'p / gpuCheck'],
    warnings: /^meta of p cannot be read: error: attribute 'missing' missing/m,
  },
  'tests that die or throw are said, and those after them found': {
    text: 'drv "p" // { tests = { a = gpu "a"; b = { }.missing; c = gpu "c"; d = throw "d"; e = abort "e"; f = gpu "f"; }; }',
    jobs: ['p', 'p / tests / a', 'p / tests / c', 'p / tests / f'],
    warnings:
      /^whether p has tests that need a GPU is not fully known: error: attribute 'missing' missing[^]*^p\.tests\.d cannot be read/m,
  },
  'tests that die as a whole are said': {
    text: 'drv "p" // { gpuCheck = gpu "c"; tests = { }.missing; }',
    jobs: ['p', 'p / gpuCheck'],
    warnings: /whether p has tests that need a GPU is not fully known/,
  },
};

describeWithEachNix('GPU checks', ({ environment }) => {
  for (const [title, { text, jobs: expected, errors: refused = {}, warnings: said }] of Object.entries(
    CASES,
  )) {
    test(title, async () => {
      const { jobs, errors, warnings, end } = await evaluateExpression(`{ p = ${text}; }`, { environment });
      assert.deepEqual(Object.keys(jobs).toSorted(), expected);
      assert.deepEqual(
        Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, error.refused])),
        refused,
      );
      if (said === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join('\n'), said);
      assert.deepEqual(end, { complete: true, message: null });
    });
  }
});
