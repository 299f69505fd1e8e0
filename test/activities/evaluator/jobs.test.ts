/** What is reported of a derivation: its path as Nix computes it, its meta, and what an aggregate consists of. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  describeWithEachNix,
  evaluateExpression,
  evaluateRoot,
  findJob,
  writeFolder,
} from '../../support/evaluate.ts';

describeWithEachNix('jobs', ({ environment }) => {
  test('derivation, name and system are those that nix-instantiate finds, and the derivation is in the store', async () => {
    const path = writeFolder({
      'default.nix':
        '{ system }: { a = derivation { name = "a-1.0"; inherit system; builder = "/bin/sh"; outputs = [ "out" "dev" ]; }; }',
    });
    const root = { kind: 'file', path, args: {}, argStrings: {} } as const;
    const evaluated = await evaluateRoot(root, { environment, system: 'riscv64-linux' });
    const argv = [path, '-A', 'a', '--argstr', 'system', 'riscv64-linux'];
    const expected = execFileSync('nix-instantiate', argv, { env: environment, stdio: 'pipe' });
    assert.deepEqual(findJob(evaluated, 'a'), {
      kind: 'job',
      attrPath: ['a'],
      drvPath: expected.toString().trim(),
      nixName: 'a-1.0',
      system: 'riscv64-linux',
      meta: {},
    });
  });

  test('meta is kept in one shape', async () => {
    const evaluated = await evaluateExpression(
      `{ p = drv "p" // { meta = {
        description = "What it does";
        homepage = [ "https://example.org" "https://example.com" ];
        license = [
          { shortName = "mit"; spdxId = "MIT"; fullName = "MIT License"; free = true; redistributable = true; url = "u"; deprecated = false; }
          { shortName = "CUDA EULA"; fullName = "CUDA"; free = false; redistributable = false; }
          "text"
        ];
        maintainers = [ { name = "A B"; github = "ab"; email = "a@b"; githubId = 1; } "old@style" ];
        broken = false; unfree = true; insecure = false;
        position = "x.nix:1"; timeout = 7200; maxSilent = 600; schedulingPriority = 50;
        platforms = [ "x86_64-linux" ]; mainProgram = "p"; function = x: x;
      }; };
      one = drv "one" // { meta = { license = { shortName = "bsd3"; }; homepage = "https://example.org"; }; };
      odd = drv "odd" // { meta = { license = 1; maintainers = { }; timeout = "soon"; description = x: x; broken = "no"; }; };
      none = drv "none" // { meta = null; }; }`,
      { environment },
    );
    assert.deepEqual(findJob(evaluated, 'p').meta, {
      description: 'What it does',
      homepage: 'https://example.org',
      license: [
        { shortName: 'mit', spdxId: 'MIT', fullName: 'MIT License', free: true, redistributable: true },
        { shortName: 'CUDA EULA', fullName: 'CUDA', free: false, redistributable: false },
        { shortName: 'text' },
      ],
      maintainers: [{ name: 'A B', github: 'ab', email: 'a@b' }, { email: 'old@style' }],
      broken: false,
      unfree: true,
      insecure: false,
      position: 'x.nix:1',
      timeout: 7200,
      maxSilent: 600,
      schedulingPriority: 50,
    });
    assert.deepEqual(findJob(evaluated, 'one').meta, {
      license: [{ shortName: 'bsd3' }],
      homepage: 'https://example.org',
    });
    assert.deepEqual(findJob(evaluated, 'odd').meta, {});
    assert.deepEqual(findJob(evaluated, 'none').meta, {});
    assert.deepEqual(evaluated.errors, {});
  });

  test('a meta that throws costs the field, one that dies costs the rest of it, and never the job', async () => {
    const evaluated = await evaluateExpression(
      `{
        field = drv "field" // { meta = { description = "kept"; license = throw "licence"; broken = assert false; true; }; };
        inner = drv "inner" // { meta.maintainers = [ { github = "kept"; email = throw "no"; } ]; };
        whole = drv "whole" // { meta = throw "meta"; };
        dies = drv "dies" // { meta = { description = "lost"; license = { }.missing; }; };
      }`,
      { environment },
    );
    assert.deepEqual(evaluated.errors, {});
    assert.deepEqual(findJob(evaluated, 'field').meta, { description: 'kept' });
    assert.deepEqual(findJob(evaluated, 'inner').meta, { maintainers: [{ github: 'kept' }] });
    assert.deepEqual(findJob(evaluated, 'whole').meta, {});
    assert.deepEqual(findJob(evaluated, 'dies').meta, {});
    assert.match(evaluated.warnings.join('\n'), /^meta of dies cannot be read: error: attribute 'missing'/m);
  });

  test('aggregates give their constituents as written, and derivations as their paths', async () => {
    const evaluated = await evaluateExpression(
      `let
        a = drv "a";
        aggregate = attrs: derivation ({ name = "all"; system = "x86_64-linux"; builder = "/bin/sh"; _hydraAggregate = true; } // attrs);
      in {
        inherit a;
        named = aggregate { constituents = [ "a" "sets.b" "missing" ]; };
        globs = aggregate { constituents = [ "sets.*" ]; _hydraGlobConstituents = true; };
        direct = aggregate { constituents = [ a "a" "\${a}" ]; };
        self = aggregate { constituents = [ "self" ]; };
        empty = aggregate { constituents = [ ]; };
        none = aggregate { };
        dead = aggregate { constituents = [ (throw "broken constituent") ]; };
        plain = derivation { name = "plain"; system = "x86_64-linux"; builder = "/bin/sh"; constituents = [ "a" ]; };
        sets.b = drv "b";
      }`,
      { environment },
    );
    const { drvPath } = findJob(evaluated, 'a');
    const expected: Record<string, readonly string[] | undefined> = {
      named: ['a', 'sets.b', 'missing'],
      globs: ['sets.*'],
      direct: [drvPath, 'a', drvPath],
      self: ['self'],
      empty: [],
      none: [],
      plain: undefined,
      a: undefined,
    };
    for (const [name, constituents] of Object.entries(expected))
      assert.deepEqual(findJob(evaluated, name).constituents, constituents, name);
    assert.equal(evaluated.errors['dead']?.message, 'error: broken constituent');
  });
});
