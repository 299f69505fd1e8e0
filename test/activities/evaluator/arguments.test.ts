/** Arguments of root functions: what is given, what is passed by itself, what nobody takes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvaluationRequest } from '../../../activities/evaluator/index.ts';
import { describeWithEachNix, evaluateRoot, writeFolder } from '../../support/evaluate.ts';

type Variant = EvaluationRequest['variant'];

interface Case {
  readonly text: string;
  readonly args?: Record<string, string>;
  readonly argStrings?: Record<string, string>;
  readonly variant?: Variant;
  /** What the job `seen` has as its name, or the message of an evaluation that is refused. */
  readonly seen?: string;
  readonly message?: RegExp;
}

function variantOf(changes: Partial<NonNullable<Variant>>): Variant {
  return {
    name: 'sm_90',
    cudaCapabilities: undefined,
    cudaForwardCompat: true,
    args: {},
    argStrings: {},
    ...changes,
  };
}

/** A function whose job is named by what it got. */
const show = (formals: string, value: string): string =>
  `${formals}: { seen = derivation { name = ${value}; system = "x86_64-linux"; builder = "/bin/sh"; }; }`;

const CASES: Record<string, Case> = {
  'a set needs none': {
    text: `{ seen = derivation { name = "set"; system = "s"; builder = "b"; }; }`,
    seen: 'set',
  },
  'a function without arguments is called': { text: show('{ }', '"empty"'), seen: 'empty' },
  'system is passed where it is named': {
    text: show('{ system }', 'system'),
    seen: 'x86_64-linux',
  },
  'system is not passed where it is not named': {
    text: show('{ ... }@given', 'builtins.concatStringsSep "-" ([ "got" ] ++ builtins.attrNames given)'),
    seen: 'got',
  },
  'a system that is given counts': {
    text: show('{ system }', 'system'),
    argStrings: { system: 'aarch64-linux' },
    seen: 'aarch64-linux',
  },
  'a function without a pattern is called with what is given': {
    text: show('given', 'builtins.concatStringsSep "-" (builtins.attrNames given ++ [ "x" ])'),
    args: { b: '1' },
    argStrings: { a: '2' },
    seen: 'a-b-x',
  },
  'a set that is a function by __functor': {
    text: `{ __functor = self: ${show('{ name }', 'name')}; }`,
    argStrings: { name: 'functor' },
    seen: 'functor',
  },
  'expressions are evaluated, strings are not': {
    text: show('{ sum, text }', '"${toString sum}-${text}"'),
    args: { sum: '1 + 2' },
    argStrings: { text: '1+2' },
    seen: '3-1+2',
  },
  'relative paths in expressions are seen from the folder': {
    text: show('{ file }', 'import file'),
    args: { file: './name.nix' },
    seen: 'from-file',
  },
  'odd names and values arrive as they are': {
    text: show('given', 'if given."a \\"b\\${" == "x\\n\\"\\${y}" then "same" else "different"'),
    argStrings: { 'a "b${': 'x\n"${y}' },
    seen: 'same',
  },
  "an argument called as ours is the function's": {
    text: show('{ request }', 'request'),
    args: { request: '"own"' },
    seen: 'own',
  },
  'a default stays where nothing is given': { text: show('{ a ? "default" }', 'a'), seen: 'default' },
  'the variant overrides the root, be it by string or expression': {
    text: show('{ a, b }', '"${a}-${b}"'),
    args: { a: '"root"', b: '"root"' },
    variant: variantOf({ args: { a: '"variant"' }, argStrings: { b: 'string' } }),
    seen: 'variant-string',
  },
  'capabilities of a variant are a list, forward compatibility a boolean': {
    text: show(
      '{ cudaCapabilities, cudaForwardCompat }',
      '"${toString (builtins.length cudaCapabilities)}-${builtins.concatStringsSep "-" cudaCapabilities}-${if cudaForwardCompat then "ptx" else "no-ptx"}"',
    ),
    variant: variantOf({ cudaCapabilities: ['8.9', '9.0a'], cudaForwardCompat: false }),
    seen: '2-8.9-9.0a-no-ptx',
  },
  'a variant without capabilities leaves the default': {
    text: show('{ cudaCapabilities ? [ "default" ] }', 'builtins.head cudaCapabilities'),
    variant: variantOf({}),
    seen: 'default',
  },
  'capabilities go to whoever takes anything': {
    text: show('{ ... }@given', 'builtins.concatStringsSep "-" (builtins.attrNames given)'),
    variant: variantOf({ cudaCapabilities: ['8.9'] }),
    seen: 'cudaCapabilities',
  },
  'an argument that is not taken': {
    text: show('{ a ? 1 }', '"x"'),
    args: { b: '1' },
    message: /^the function in .* does not take "b", which is given$/,
  },
  'an argument that is not taken goes where there is an ellipsis': {
    text: show('{ a ? 1, ... }', '"x"'),
    args: { b: '1' },
    seen: 'x',
  },
  'capabilities that are not taken': {
    text: show('{ system }', '"x"'),
    variant: variantOf({ cudaCapabilities: ['8.9'] }),
    message: /does not take "cudaCapabilities", which is given \(variant "sm_90"\)$/,
  },
  'no forward compatibility, and nobody takes it': {
    text: show('{ cudaCapabilities ? [ ] }', '"x"'),
    variant: variantOf({ cudaForwardCompat: false }),
    message: /does not take "cudaForwardCompat"/,
  },
  'arguments for what is no function': {
    text: '{ }',
    args: { a: '1' },
    argStrings: { b: '2' },
    message: /is no function and takes no arguments, but "a", "b" are given$/,
  },
  'a missing argument is named': {
    text: show('{ pkgs, lib, system }', '"x"'),
    message: /^the function in .* needs arguments "lib", "pkgs", which nobody gives/,
  },
  'an argument that is no expression': {
    text: show('{ a }', 'a'),
    args: { a: '1 +' },
    message: /cannot be evaluated: error: syntax error/,
  },
};

describeWithEachNix('arguments', ({ environment }) => {
  for (const [title, { text, args = {}, argStrings = {}, variant = null, seen, message }] of Object.entries(
    CASES,
  )) {
    test(title, async () => {
      const path = writeFolder({ 'default.nix': text, 'name.nix': '"from-file"' });
      // The current Nix has a root of its own, so the working folder is lost there.
      const absolute = Object.fromEntries(
        Object.entries(args).map(([name, value]) => [
          name,
          environment['NIX_CURRENT_BIND'] === undefined ? value : value.replace('./', `${path}/`),
        ]),
      );
      const root = { kind: 'file', path, args: absolute, argStrings } as const;
      const { end, jobs, errors } = await evaluateRoot(root, { environment, variant });
      assert.deepEqual(errors, {});
      if (message === undefined) {
        assert.deepEqual(end, { complete: true, message: null });
        assert.deepEqual(jobs, { seen });
      } else {
        assert.equal(end.complete, false);
        assert.match(end.message ?? '', message);
      }
    });
  }

  test('a flake takes no arguments', async () => {
    const { end } = await evaluateRoot(
      { kind: 'flake', url: 'path:/nowhere' },
      { environment, variant: variantOf({ argStrings: { a: '1' } }) },
    );
    assert.equal(end.complete, false);
    assert.match(end.message ?? '', /^flake path:\/nowhere takes no arguments, but "a" is given/);
  });
});
