/** Nix's error texts, as Nix 2.8 and 2.34 print them, without the frames of our own expression. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findNixError,
  findWarnings,
  isOutOfMemory,
  isRefused,
} from '../../../activities/evaluator/nix-error.ts';

/** Made by `nix-instantiate --eval --strict -E 'builtins.seq ({ }).x 1'` of each version, and by `throw "boo\nline2"`. */
const CASES: Record<string, { stderr: string; message: string | undefined }> = {
  'Nix 2.8': {
    stderr: `trace: noise
warning: Git tree is dirty
error: attribute 'x' missing

       at /tmp/e.nix:2:76:

            1| rec {
            2|  miss = ({}).x;
             |         ^
            3|  }
(use '--show-trace' to show detailed location information)
`,
    message: `error: attribute 'x' missing

at /tmp/e.nix:2:76:

     1| rec {
     2|  miss = ({}).x;
      |         ^
     3|  }`,
  },
  'Nix 2.34, with frames': {
    stderr: `error:
       … while calling the 'foldl'' builtin
         at «string»:1:34:
            1| builtins.foldl' (a: b: b) null
             | ^

       (stack trace truncated; use '--show-trace' to show the full, detailed trace)

       error: boo
       line2
       error: of the same message
`,
    message: 'error: boo\nline2\nerror: of the same message',
  },
  'Nix 2.34, without frames': {
    stderr: "error: path '/nowhere.nix' does not exist\n",
    message: "error: path '/nowhere.nix' does not exist",
  },
  colours: {
    stderr: '\u001b[31;1merror:\u001b[0m boo\n',
    message: 'error: boo',
  },
  'a trace that looks like an error comes before it': {
    stderr: 'trace: a\nerror: traced\nerror: real\n',
    message: 'error: real',
  },
  'no error at all': { stderr: 'warning: x\nSegmentation fault\n', message: undefined },
};

for (const [title, { stderr, message }] of Object.entries(CASES)) {
  test(`findNixError: ${title}`, () => assert.equal(findNixError(stderr), message));
}

test('messages have an end', () => {
  const message = findNixError(`error: ${'x'.repeat(100_000)}`) ?? '';
  assert.ok(message.length < 33_000);
  assert.match(message, /… \(\d+ more characters\)$/);
});

test("refusals are those of Nixpkgs' check-meta", () => {
  const refused = [
    'error: Package ‘a’ in x.nix:1 has an unfree license (‘b’), refusing to evaluate.',
    "error: Refusing to evaluate package 'a' in x.nix:1 because it is unfree",
    'error: Package ‘a’ in x.nix:1 is marked as insecure, refusing to evaluate.',
    'error: a-1.0 is «broken»',
    'error: Package ‘a’ in x.nix:1 is not available on the requested hostPlatform:',
  ];
  for (const message of refused) assert.equal(isRefused(message), true, message);
  for (const message of [
    'error: a was removed',
    "error: attribute 'broken' missing",
    'error: infinite recursion',
  ])
    assert.equal(isRefused(message), false, message);
});

test('the end of memory is told by Nix, by its collector or by the loader, and not by a heap that could not grow at once', () => {
  for (const text of [
    'error: out of memory',
    'GC Warning: Out of Memory! Heap size: 415 MiB. Returning NULL!\nInsufficient space for initial table allocation\nAborted',
    "Can't start up: not enough memory",
    'nix-instantiate: error while loading shared libraries: libicudata.so.72: failed to map segment from shared object',
  ])
    assert.equal(isOutOfMemory(text), true, text);
  assert.equal(isOutOfMemory('GC Warning: Failed to expand heap by 402653184 bytes\nerror: boo'), false);
});

test("warnings are the code's and Nix's, not that Nix waits for its database", () => {
  const stderr = `warning: Git tree is dirty
trace: evaluation warning: a is old
trace: \u001b[1;31mwarning: b is old\u001b[0m
trace: nothing
warning: error: SQLite database '/nix/var/nix/db/db.sqlite' is busy`;
  assert.deepEqual(findWarnings(stderr), [
    'warning: Git tree is dirty',
    'evaluation warning: a is old',
    'warning: b is old',
  ]);
});
