/**
 * nix-eval-jobs: what is made of its lines and of its ends. It cannot be had here, so a script prints lines in the formats
 * of reference/experience.md §2.2; the expressions that it is given are evaluated by Nix itself.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNixRequest, MAX_DEPTH, readExpression } from '../../../activities/evaluator/request.ts';
import {
  describeWithEachNix,
  evaluateExpression,
  evaluateRoot,
  writeFolder,
} from '../../support/evaluate.ts';

interface Recorded {
  readonly lines: readonly (object | string)[];
  readonly stderr?: string;
  readonly exit?: string;
}

/** A command that prints what was recorded, and keeps the arguments that it got. */
function createCommand({ lines, stderr = '', exit = 'exit 0' }: Recorded): {
  path: string;
  argv: () => string[];
} {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const folder = writeFolder({
    'nix-eval-jobs': `#!/bin/sh
      here=$(dirname "$0")
      printf '%s\\0' "$@" >"$here/argv"
      cat "$here/stdout"
      cat "$here/stderr" >&2
      ${exit}
    `,
    stdout: text === '' ? '' : `${text}\n`,
    stderr,
  });
  const path = join(folder, 'nix-eval-jobs');
  chmodSync(path, 0o755);
  return { path, argv: () => readFileSync(join(folder, 'argv'), 'utf8').split('\0').slice(0, -1) };
}

const HASH = '3pbqc12k40rccsc8pfg19hirl8wbd1na';
const drvPath = (name: string): string => `/nix/store/${HASH}-${name}.drv`;
const line = (attrPath: string[], name: string, more: object = {}): object => ({
  attr: attrPath.join('.'),
  attrPath,
  drvPath: drvPath(name),
  name,
  outputs: { out: `/nix/store/${HASH}-${name}` },
  system: 'x86_64-linux',
  ...more,
});

/** What the lines are about: they are recorded, but root, places and checks are looked at by our own walk. */
const ROOT_TEXT = `{
  plain = drv "plain";
  "python3.12".pkgs.torch = drv "torch" // { passthru.tests.cuda.gpuCheck = gpu "torch-check"; };
  cudnn = refused "cudnn" // { gpuCheck = gpu "cudnn-check" // { inherit (refused "cudnn") drvPath; }; };
  bad = throw "bad";
  all = drv "all";
}`;

describeWithEachNix('nix-eval-jobs', ({ environment }) => {
  test('its lines become jobs and errors, aggregates keep their names, and our walk adds the GPU checks', async () => {
    const command = createCommand({
      lines: [
        line(['plain'], 'plain', {
          inputDrvs: {},
          requiredSystemFeatures: ['big-parallel'],
          meta: {
            description: 'Plain',
            license: { shortName: 'mit', free: true, url: 'u' },
            platforms: ['x'],
          },
          extraValue: { mayHaveChecks: false },
        }),
        line(['python3.12', 'pkgs', 'torch'], 'torch', {
          attr: '"python3.12".pkgs.torch',
          extraValue: { mayHaveChecks: true },
          stats: { wallMs: 12.5, allocBytes: 1024 },
          futureField: [1],
        }),
        line(['all'], 'all', {
          extraValue: { mayHaveChecks: false, constituents: ['plain', 'python3.12.*', drvPath('x')] },
        }),
        {
          attr: 'cudnn',
          attrPath: ['cudnn'],
          error:
            'error: Package ‘cudnn’ in x.nix:1 has an unfree license (‘CUDA EULA’), refusing to evaluate.\n',
        },
        { attr: 'bad', attrPath: ['bad'], error: 'error: bad', warnings: ['bad is old'] },
      ],
      stderr: 'evaluation warning: something is old\n',
    });
    const { jobs, errors, items, warnings, end } = await evaluateExpression(ROOT_TEXT, {
      environment,
      nixEvalJobs: command.path,
      workers: 3,
      memoryMiB: 2_000,
    });
    assert.deepEqual(jobs, {
      plain: 'plain',
      'python3.12 / pkgs / torch': 'torch',
      all: 'all',
      'python3.12 / pkgs / torch / tests / cuda / gpuCheck': 'torch-check',
    });
    assert.deepEqual(items[0], {
      kind: 'job',
      attrPath: ['plain'],
      drvPath: drvPath('plain'),
      nixName: 'plain',
      system: 'x86_64-linux',
      meta: { description: 'Plain', license: [{ shortName: 'mit', free: true }] },
    });
    const all = items.find((item) => item.attrPath[0] === 'all');
    assert.deepEqual(all?.kind === 'job' && all.constituents, ['plain', 'python3.12.*', drvPath('x')]);
    assert.deepEqual(
      Object.fromEntries(Object.entries(errors).map(([name, { refused }]) => [name, refused])),
      { cudnn: true, bad: false, 'cudnn / gpuCheck': true },
    );
    assert.deepEqual(warnings, ['bad: bad is old', 'evaluation warning: something is old']);
    assert.deepEqual(end, { complete: true, message: null });
    const argv = command.argv();
    for (const pair of [
      ['--workers', '3'],
      ['--max-memory-size', '2000'],
      ['--option', 'builders'],
      ['--option', 'substituters'],
      ['--argstr', 'request'],
    ])
      assert.ok(
        argv.some((word, index) => word === pair[0] && argv[index + 1] === pair[1]),
        pair.join(' '),
      );
    assert.ok(
      argv.includes('--force-recurse') && argv.includes('--meta') && !argv.includes('--constituents'),
    );
  });

  test('marked walks do not force it', async () => {
    const command = createCommand({ lines: [] });
    await evaluateExpression(ROOT_TEXT, { environment, nixEvalJobs: command.path, recurse: 'marked' });
    assert.ok(!command.argv().includes('--force-recurse'));
  });

  const broken: Record<string, Recorded & { readonly message: RegExp }> = {
    'a status other than 0': {
      lines: [line(['plain'], 'plain')],
      stderr: 'error: worker error: out of luck\n',
      exit: 'exit 1',
      message:
        /ended with status 1 after 1 attributes, so the evaluation is incomplete: error: worker error: out of luck/,
    },
    'a signal': {
      lines: [line(['plain'], 'plain')],
      exit: 'kill -9 $$',
      message: /was killed by SIGKILL after 1 attributes/,
    },
    'a fatal line': {
      lines: [
        line(['plain'], 'plain'),
        { attr: 'x', attrPath: ['x'], error: 'error: stack overflow', fatal: true },
      ],
      message: /incomplete: error: stack overflow$/,
    },
  };
  for (const [title, { message, ...recorded }] of Object.entries(broken)) {
    test(`${title} makes the evaluation incomplete and keeps what was found`, async () => {
      const { path } = createCommand(recorded);
      const { jobs, end } = await evaluateExpression(ROOT_TEXT, { environment, nixEvalJobs: path });
      assert.deepEqual(jobs, { plain: 'plain' });
      assert.equal(end.complete, false);
      assert.match(end.message ?? '', message);
    });
  }

  test('a line that is none is our error, not an evaluation with less in it', async () => {
    const { path } = createCommand({ lines: [line(['plain'], 'plain'), '{"attr": "cut o'] });
    await assert.rejects(evaluateExpression(ROOT_TEXT, { environment, nixEvalJobs: path }), {
      name: 'ParseError',
      message: /nix-eval-jobs line/,
    });
  });

  test('more lines than attributes are allowed end it', async () => {
    const lines = Array.from({ length: 30 }, (_, n) => line([`a${n}`], 'a'));
    const { path } = createCommand({ lines, exit: 'sleep 600' });
    const { end } = await evaluateExpression(ROOT_TEXT, {
      environment,
      nixEvalJobs: path,
      maxAttributes: 20,
    });
    assert.match(end.message ?? '', /^more than 20 attributes.*it was at a20$/);
  });

  test('the time limit ends it', async () => {
    const { path } = createCommand({ lines: [line(['plain'], 'plain')], exit: 'sleep 600' });
    const { jobs, end } = await evaluateExpression(ROOT_TEXT, { environment, nixEvalJobs: path, seconds: 1 });
    assert.deepEqual(jobs, { plain: 'plain' });
    assert.match(end.message ?? '', /longer than 1 s/);
  });

  test('one that does not know our options is passed over for our own walk, and that is said', async () => {
    const { path } = createCommand({
      lines: [],
      stderr: "error: unrecognised flag '--apply'\n",
      exit: 'exit 1',
    });
    const { jobs, warnings, end } = await evaluateExpression('{ a = drv "a"; }', {
      environment,
      nixEvalJobs: path,
    });
    assert.deepEqual(jobs, { a: 'a' });
    assert.match(warnings.join(), /is not used: error: unrecognised flag '--apply'/);
    assert.deepEqual(end, { complete: true, message: null });
  });

  test('a root that cannot be evaluated ends it before it starts', async () => {
    const root = {
      kind: 'file',
      path: writeFolder({ 'default.nix': '{ a }: { }' }),
      args: {},
      argStrings: {},
    } as const;
    const { end } = await evaluateRoot(root, { environment, nixEvalJobs: '/nowhere/nix-eval-jobs' });
    assert.match(end.message ?? '', /needs an argument "a", which nobody gives/);
  });
});

/** Prints a set with names for derivations, as deep as it goes. */
const SHOW = `let show = value:
  if !builtins.isAttrs value then builtins.typeOf value
  else if value.type or null == "derivation" then value.name
  else builtins.mapAttrs (_: show) value;
in show`;

describeWithEachNix('expressions for nix-eval-jobs', ({ environment }) => {
  const evaluate = (expression: string, argv: string[] = []): unknown =>
    JSON.parse(
      execFileSync('nix-instantiate', ['--eval', '--strict', '--json', '-E', expression, ...argv], {
        env: environment,
        stdio: 'pipe',
      }).toString(),
    );

  test('the root holds the places to begin, marked, without functions and loops', () => {
    const folder = writeFolder({
      'default.nix': `{ system, name }:
        let d = derivation { inherit name system; builder = "/bin/sh"; };
        in rec {
          packages.\${system} = { a = d; self = packages.\${system}; f = x: x; recurseForDerivations = false; };
          checks.\${system} = { c = d; sets.e = d; };
          other = throw "not asked for";
        }`,
    });
    const request = {
      root: { kind: 'file', path: folder, args: { name: '"n"' }, argStrings: {} } as const,
      below: [['packages', 's'], ['checks', 's'], ['absent']],
      stripPrefix: [],
      recurse: 'marked' as const,
      system: 's',
      variant: null,
      workers: 1,
      memoryMiB: 100,
      seconds: 1,
      maxAttributes: 10,
      allowImportFromDerivation: false,
    };
    const { fields, argOptions } = createNixRequest(request);
    const json = JSON.stringify({
      ...fields,
      below: request.below,
      maxDepth: MAX_DEPTH,
      tooDeep: 'too deep',
    });
    // Called as nix-eval-jobs does, with the arguments that the function's pattern has room for.
    const root = `{ request, ... }@given: ${SHOW} (${readExpression('nix-eval-jobs/jobs.nix')} given)`;
    assert.deepEqual(evaluate(root, ['--argstr', 'request', json, ...argOptions]), {
      recurseForDerivations: 'bool',
      packages: {
        recurseForDerivations: 'bool',
        s: { a: 'n', f: 'null', recurseForDerivations: 'bool', self: 'null' },
      },
      checks: {
        recurseForDerivations: 'bool',
        s: { c: 'n', sets: { e: 'n' }, recurseForDerivations: 'bool' },
      },
    });
  });

  test('a derivation says whether it may have checks, and of what it is an aggregate', () => {
    const apply = readExpression('nix-eval-jobs/apply.nix');
    const about = (attrs: string): unknown =>
      evaluate(`${apply} (derivation { name = "d"; system = "s"; builder = "b"; } // ${attrs})`);
    assert.deepEqual(about('{ }'), { mayHaveChecks: false });
    assert.deepEqual(about('{ passthru.tests = throw "unread"; }'), { mayHaveChecks: true });
    assert.deepEqual(about('{ gpuCheck = 1; }'), { mayHaveChecks: true });
    assert.deepEqual(about('{ passthru = throw "p"; }'), { mayHaveChecks: false });
    assert.deepEqual(about('{ _hydraAggregate = true; constituents = [ "a" "b.*" ]; }'), {
      mayHaveChecks: false,
      constituents: ['a', 'b.*'],
    });
  });
});
