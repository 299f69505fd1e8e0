/** What is found where: nested sets, names of any kind, both ways of walking, loops, places to begin. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeWithEachNix, evaluateExpression } from '../../support/evaluate.ts';

const COMPLETE = { complete: true, message: null };

describeWithEachNix('walking', ({ environment }) => {
  test('jobs are found in nested sets, whatever their names hold', async () => {
    const { jobs, errors, end } = await evaluateExpression(
      String.raw`{
        plain = drv "plain";
        "python3.12".pkgs."a.b" = drv "dotted";
        "with space" = drv "space";
        "quo\"te" = drv "quote";
        "dollar\${x}" = drv "dollar";
        "back\\slash" = drv "backslash";
        "line\nbreak" = drv "break";
        "" = drv "empty";
        "ünïcode → 漢字" = drv "unicode";
        "1" = drv "number";
        "if" = drv "keyword";
      }`,
      { environment },
    );
    assert.deepEqual(errors, {});
    assert.deepEqual(jobs, {
      plain: 'plain',
      'python3.12 / pkgs / a.b': 'dotted',
      'with space': 'space',
      'quo"te': 'quote',
      'dollar${x}': 'dollar',
      'back\\slash': 'backslash',
      'line\nbreak': 'break',
      '': 'empty',
      'ünïcode → 漢字': 'unicode',
      '1': 'number',
      if: 'keyword',
    });
    assert.deepEqual(end, COMPLETE);
  });

  test('what is neither a derivation nor a set is passed over', async () => {
    const { jobs, errors } = await evaluateExpression(
      '{ ok = drv "ok"; f = x: x; functor = { __functor = self: x: x; inner = drv "inner"; }; list = [ (drv "no") ]; text = "t"; number = 1; nothing = null; path = /tmp; yes = true; }',
      { environment },
    );
    assert.deepEqual(errors, {});
    assert.deepEqual(jobs, { ok: 'ok', 'functor / inner': 'inner' });
  });

  const sets = `{
    top = drv "top";
    marked = { recurseForDerivations = true; a = drv "a"; deeper = { b = drv "b"; }; };
    refused = { recurseForDerivations = false; c = drv "c"; };
    unmarked = { d = drv "d"; };
  }`;
  test('recurse "all" enters every set', async () => {
    const { jobs } = await evaluateExpression(sets, { environment, recurse: 'all' });
    assert.deepEqual(Object.keys(jobs).toSorted(), [
      'marked / a',
      'marked / deeper / b',
      'refused / c',
      'top',
      'unmarked / d',
    ]);
  });
  test('recurse "marked" enters sets with recurseForDerivations, and the places where it begins', async () => {
    const marked = await evaluateExpression(sets, { environment, recurse: 'marked' });
    assert.deepEqual(Object.keys(marked.jobs).toSorted(), ['marked / a', 'top']);
    const below = await evaluateExpression(sets, { environment, recurse: 'marked', below: [['unmarked']] });
    assert.deepEqual(below.jobs, { 'unmarked / d': 'd' });
  });

  const loops: Record<string, { text: string; jobs: string[] }> = {
    'a set that holds itself': {
      text: 'let set = { a = drv "a"; self = set; }; in set',
      jobs: ['a'],
    },
    'a set that holds itself beside what cannot be evaluated': {
      text: 'let set = { a = drv "a"; self = set; worse = { }.missing or (drv "w"); inner.up = set; }; in set',
      jobs: ['a', 'worse'],
    },
    'a package set as Nixpkgs has it': {
      text: `let
        fix = f: let x = f x; in x;
        pkgs = fix (self: { a = drv "a"; pkgs = self // { recurseForDerivations = false; }; buildPackages = self; sets = { b = drv "b"; inherit (self) pkgs; }; });
      in pkgs`,
      jobs: ['a', 'sets / b'],
    },
    'a loop of two sets': {
      text: 'let one = { a = drv "a"; inherit two; }; two = { b = drv "b"; inherit one; }; in { inherit one; }',
      jobs: ['one / a', 'one / two / b'],
    },
    'one set under two names is no loop': {
      text: 'rec { a = { x = drv "x"; }; again = a; }',
      jobs: ['a / x', 'again / x'],
    },
    'sets of one name inside each other are no loop': {
      text: '{ default = { default.default = drv "d"; }; }',
      jobs: ['default / default / default'],
    },
    'a tree made by one function is no loop': {
      text: 'let tree = n: { a = drv "a${toString n}"; sub = if n == 0 then { } else tree (n - 1); }; in tree 3',
      jobs: ['a', 'sub / a', 'sub / sub / a', 'sub / sub / sub / a'],
    },
  };
  for (const [title, { text, jobs: expected }] of Object.entries(loops)) {
    test(`loops: ${title}`, async () => {
      const { jobs, errors, end } = await evaluateExpression(text, { environment });
      assert.deepEqual(errors, {});
      assert.deepEqual(Object.keys(jobs).toSorted(), expected);
      assert.deepEqual(end, COMPLETE);
    });
  }

  test('loops: a set that a function makes anew for ever is cut, and said', async () => {
    const { jobs, warnings, end } = await evaluateExpression(
      '{ ok = drv "ok"; endless = let next = n: { sub = next (n + 1); }; in next 0; }',
      { environment },
    );
    assert.deepEqual(jobs, { ok: 'ok' });
    assert.match(warnings.join('\n'), /^endless\.sub is not entered: it looks like the sets above it/m);
    assert.deepEqual(end, COMPLETE);
  });

  test('sets that grow for ever are entered to a depth of twelve, and then an error', async () => {
    const { jobs, errors, end } = await evaluateExpression(
      '{ ok = drv "ok"; tower = let next = n: { "level${toString n}" = next (n + 1); }; in next 0; }',
      { environment },
    );
    assert.deepEqual(jobs, { ok: 'ok' });
    const [name = ''] = Object.keys(errors);
    assert.equal(name.split(' / ').length, 12);
    assert.match(errors[name]?.message ?? '', /more than 12 attribute sets below the root/);
    assert.deepEqual(end, COMPLETE);
  });

  test('a root that is a derivation is one job without a name', async () => {
    const { items } = await evaluateExpression('drv "alone"', { environment });
    assert.deepEqual(
      items.map(({ attrPath, kind }) => ({ attrPath, kind })),
      [{ attrPath: [], kind: 'job' }],
    );
  });

  test('the prefix to strip is taken off jobs and errors', async () => {
    const { jobs, errors } = await evaluateExpression(
      '{ hydraJobs = { a = drv "a"; bad = throw "bad"; }; other = drv "other"; }',
      { environment, below: [['hydraJobs']], stripPrefix: ['hydraJobs'] },
    );
    assert.deepEqual(jobs, { a: 'a' });
    assert.deepEqual(Object.keys(errors), ['bad']);
  });

  test('of several places those that do not exist are passed over', async () => {
    const { jobs, end } = await evaluateExpression(
      '{ packages.x86_64-linux = { a = drv "a"; default = drv "d"; }; checks = drv "no set"; }',
      {
        environment,
        below: [
          ['checks', 'x86_64-linux'],
          ['packages', 'x86_64-linux'],
          ['legacyPackages', 'x86_64-linux'],
        ],
      },
    );
    assert.deepEqual(Object.keys(jobs).toSorted(), [
      'packages / x86_64-linux / a',
      'packages / x86_64-linux / default',
    ]);
    assert.deepEqual(end, COMPLETE);
  });

  const ends: Record<string, { text: string; below: string[][]; message: RegExp }> = {
    'the only place does not exist': {
      text: '{ a = drv "a"; }',
      below: [['hydraJobs']],
      message: /has no attribute hydraJobs$/,
    },
    'none of several places exists': {
      text: '{ a = drv "a"; }',
      below: [['checks'], ['python3.12', 'x']],
      message: /has none of the attributes checks, "python3\.12"\.x$/,
    },
    'the only place is no set': {
      text: '{ a = [ ]; }',
      below: [['a']],
      message: /^a of .* is a list, not a derivation or a set of them$/,
    },
    'the root is no set': { text: '"text"', below: [[]], message: /^the root of .* is a string/ },
    'the only place throws': {
      text: '{ a = throw "no place"; }',
      below: [['a']],
      message: /^a cannot be evaluated: error: no place$/,
    },
  };
  for (const [title, { text, below, message }] of Object.entries(ends)) {
    test(`incomplete: ${title}`, async () => {
      const { items, end } = await evaluateExpression(text, { environment, below });
      assert.deepEqual(items, []);
      assert.equal(end.complete, false);
      assert.match(end.message ?? '', message);
    });
  }

  test('2,000 attributes are all found', async () => {
    const { jobs, errors, end } = await evaluateExpression(
      `builtins.listToAttrs (builtins.genList (n: { name = "job\${toString n}"; value = drv "d\${toString n}"; }) 2000)`,
      { environment },
    );
    assert.deepEqual(errors, {});
    assert.equal(Object.keys(jobs).length, 2_000);
    assert.equal(jobs['job1999'], 'd1999');
    assert.deepEqual(end, COMPLETE);
  });
});
