/** `nixwarp run` as a person types it: on a plain file, a flake, a folder; with nothing running, and with a server there. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Value } from 'typebox/value';
import { findFreePort } from '../../cli/up/ports.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { type RunDocument, RunDocumentSchema } from '../../domain/api/runs.ts';
import { uniqueSalt, writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let folder: string;
let environment: Record<string, string>;
/** Runs from the second test on: commands find it by the same settings. */
let stack: TestStack | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-run-'));
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...inherited } = process.env;
  environment = {
    ...(inherited as Record<string, string>),
    NIXWARP_STATE_DIR: join(folder, 'state'),
    NIXWARP_LISTEN: `127.0.0.1:${await findFreePort()}`,
    NIXWARP_UPSTREAMS: ' ',
  };
});
after(async () => {
  await stack?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function nixwarp(args: readonly string[], cwd = folder): Promise<Ended> {
  const command = join(PROJECT_FOLDER, 'cli', 'nixwarp.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [command, ...args],
      { cwd, env: environment, maxBuffer: 1e9 },
      (error, stdout, stderr) =>
        resolve({
          status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        }),
    );
  });
}

function documentOf({ stdout, stderr }: Ended): RunDocument {
  const document: unknown = JSON.parse(stdout);
  assert.deepEqual([...Value.Errors(RunDocumentSchema, document)], [], stderr);
  return document as RunDocument;
}

function processesOfState(): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines.filter(
    (line) => line.includes(environment['NIXWARP_STATE_DIR'] ?? '') && !line.includes('ps -eo'),
  );
}

test('on a plain file, with nothing running: one document on standard output, exit 0, and no process left', async () => {
  const file = await writeSet({
    attributes: `rec {
      base = sh "base" "echo base > $out";
      top = sh "top" "read x < \${base}; echo $x > $out";
      nested = { recurseForDerivations = true; "a.b" = sh "dotted" "echo dotted > $out"; };
      skipped = { hidden = sh "hidden" "echo > $out"; };
    }`,
  });
  const ended = await nixwarp(['run', file, '--json']);
  assert.equal(ended.status, 0, ended.stderr);
  const document = documentOf(ended);
  assert.deepEqual(
    document.jobs.map((job) => [job.name, job.outcome, job.attempts]),
    [
      ['base', 'built', 1],
      ['nested."a.b"', 'built', 1],
      ['top', 'built', 1],
    ],
  );
  assert.equal(document.evaluation.state, 'finished');
  assert.deepEqual(document.summary, { built: 3 });
  assert.deepEqual(processesOfState(), []);
});

test('with a server there, a run uses it and leaves it running', async () => {
  stack = await startTestStack({ stateDir: environment['NIXWARP_STATE_DIR'] ?? '', environment });
  const ended = await nixwarp([
    'run',
    await writeSet({ attributes: '{ one = sh "one" "echo > $out"; }' }),
    '--json',
  ]);
  assert.deepEqual([ended.status, documentOf(ended).evaluation.id], [0, 2]);
  assert.doesNotMatch(ended.stderr, /starting one/);
  assert.equal((await fetch(`${stack.url}/api/v1/status`)).status, 200);
});

test('a failure is exit 1, and so is an attribute that does not evaluate; not run is neither', async () => {
  const failing = await nixwarp([
    'run',
    await writeSet({ attributes: '{ bad = sh "bad" "echo no; exit 3"; }' }),
    '--json',
  ]);
  assert.equal(failing.status, 1);
  assert.equal(documentOf(failing).jobs[0]?.verdict?.retry, 'no');
  const broken = await nixwarp(['run', await writeSet({ attributes: '{ bad = throw "no"; }' }), '--json']);
  assert.equal(broken.status, 1);
  assert.deepEqual(
    documentOf(broken).errors.map((error) => error.name),
    ['bad'],
  );
  const waiting = await nixwarp([
    ...['run', '--json'],
    await writeSet({
      attributes: '{ gpu = shWith { requiredSystemFeatures = [ "cuda" ]; } "gpu" "echo > $out"; }',
    }),
  ]);
  assert.equal(waiting.status, 0, waiting.stderr);
  const [job] = documentOf(waiting).jobs;
  assert.deepEqual(
    [job?.outcome, job?.hydraStatus, job?.gpu],
    ['not-run', null, [{ arch: 'any', driver: null, outcome: 'not-run', standIn: false }]],
  );
  assert.match(job?.reason ?? '', /needs cuda on any GPU; no such builder has ever been seen/);
});

test('arguments reach the file, and `all` walks what `marked` does not', async () => {
  const file = join(folder, 'args.nix');
  await writeFile(
    file,
    `{ name, count ? 1 }: { inner = { job = derivation { name = name + toString count; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo ${uniqueSalt()} > $out" ]; }; }; }`,
  );
  const ended = await nixwarp([
    'run',
    file,
    '--argstr',
    'name',
    'hello',
    '--arg',
    'count',
    '40 + 2',
    '--recurse',
    'all',
    '--json',
  ]);
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(
    documentOf(ended).jobs.map((job) => [job.name, job.drvPath.slice(-11)]),
    [['inner.job', 'hello42.drv']],
  );
  const missing = await nixwarp(['run', file, '--json']);
  assert.equal(missing.status, 1);
  assert.match(documentOf(missing).errors[0]?.message ?? '', /name/);
});

test('on a flake: tracked files, a dirty tree marked, no lock file written', async () => {
  const flake = join(folder, 'flake');
  await mkdir(flake);
  const job = (name: string): string =>
    `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \${./tracked} > $out" ]; salt = "${uniqueSalt()}"; }`;
  await writeFile(
    join(flake, 'flake.nix'),
    `{ outputs = { self }: { packages.x86_64-linux.hello = ${job('hello')}; checks.x86_64-linux.test = ${job('check')}; }; }`,
  );
  await writeFile(join(flake, 'tracked'), 'one');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', flake, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      stdio: 'ignore',
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  const clean = documentOf(await nixwarp(['run', '.', '--json'], flake));
  assert.deepEqual(
    clean.jobs.map((one) => [one.name, one.outcome]),
    [
      ['checks.x86_64-linux.test', 'built'],
      ['packages.x86_64-linux.hello', 'built'],
    ],
  );
  assert.deepEqual([clean.evaluation.dirty, clean.evaluation.revision?.length], [false, 40]);
  await writeFile(join(flake, 'tracked'), 'two');
  const dirty = documentOf(await nixwarp(['run', `${flake}#packages.x86_64-linux.hello`, '--json']));
  assert.deepEqual([dirty.evaluation.dirty, dirty.jobs.length, dirty.jobs[0]?.outcome], [true, 1, 'built']);
  assert.equal(
    execFileSync('git', ['-C', flake, 'status', '--porcelain'], { encoding: 'utf8' }),
    ' M tracked\n',
  );
});

test('hydraJobs of a flake are named as in Hydra', async () => {
  const flake = join(folder, 'hydra');
  await mkdir(flake);
  await writeFile(
    join(flake, 'flake.nix'),
    `{ outputs = { self }: { hydraJobs.group.one = derivation { name = "one"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo ${uniqueSalt()} > $out" ]; }; }; }`,
  );
  const document = documentOf(await nixwarp(['run', flake, '--json']));
  assert.deepEqual(
    document.jobs.map((one) => [one.name, one.outcome]),
    [['group.one', 'built']],
  );
});

test('what is no target is exit 2 with a reason, before anything is started', async () => {
  for (const [args, reason] of [
    [['run', './absent.nix'], /absent\.nix does not exist/],
    [['run', '.', '--arg', 'x'], /--arg takes a name and a value/],
    [['run', folder], /neither flake\.nix nor default\.nix/],
    [['nonsense'], /unknown command/],
  ] as const) {
    const ended = await nixwarp(args);
    assert.equal(ended.status, 2, `${args.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stderr, reason);
    assert.equal(ended.stdout, '');
  }
});
