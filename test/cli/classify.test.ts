/** `nixwarp classify` and `nixwarp rules` as processes of their own; needs no services. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Verdict } from '../../domain/ci/classification/verdict.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function nixwarp(args: readonly string[], input = '', nodeArgs: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [...nodeArgs, join(PROJECT_FOLDER, 'cli', 'main.ts'), ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const LOG =
  'In file included from a.cu\nsrc/a.cu:3:10: fatal error: nccl.h: No such file or directory\nend\n';

describe('nixwarp classify', () => {
  test('answers one log on standard input with one verdict in JSON, evidence and its neighbours in it', async () => {
    const { status, stdout, stderr } = await nixwarp(['classify', '--stage', 'build', '-'], LOG);
    assert.deepEqual([status, stderr], [0, '']);
    const verdict = JSON.parse(stdout) as Verdict;
    assert.equal(`${verdict.class}/${verdict.subclass}`, 'build-compile/missing-header');
    assert.deepEqual(verdict.evidence, {
      source: 'log',
      line: 2,
      text: 'src/a.cu:3:10: fatal error: nccl.h: No such file or directory',
      before: 'In file included from a.cu',
      after: 'end',
    });
  });

  test('weighs what a file of evidence says above the log', async () => {
    const folder = await temporaryFolder('classify');
    const [log, evidence] = [join(folder, 'log'), join(folder, 'evidence.json')];
    await writeFile(log, LOG);
    await writeFile(evidence, JSON.stringify({ outcome: 'failed', host: { xids: [{ code: 79 }] } }));
    const { stdout } = await nixwarp(['classify', '--evidence', evidence, log]);
    assert.equal((JSON.parse(stdout) as Verdict).rule, 'host-xid:xid-79');
  });

  test('tells every problem of a file of evidence at once', async () => {
    const evidence = join(await temporaryFolder('classify'), 'evidence.json');
    await writeFile(evidence, '{"stage":"bild","nixExit":300,"host":{"xids":[{"code":"79"}]},"colour":1}');
    const { status, stdout, stderr } = await nixwarp(['classify', '--evidence', evidence, '-'], LOG);
    assert.deepEqual([status, stdout], [2, '']);
    for (const problem of ['"bild" is none of "evaluation"', '/nixExit: 300', '"79"', 'colour'])
      assert.ok(stderr.includes(problem), `${problem} in ${stderr}`);
  });

  test('answers a line for each record, keeps ids, and goes on after a broken line', async () => {
    const records = [
      JSON.stringify({ id: 'a', log: LOG, class: 'a label is left alone' }),
      '{"log": ',
      JSON.stringify({ id: 7, log: 'x\u2028No space left on device', stage: 'build', evidence: null }),
      JSON.stringify({ id: 'no log', stage: 'biuld' }),
      '',
      JSON.stringify({ log: '', evidence: { outcome: 'hash-mismatch' } }),
    ];
    const { status, stdout, stderr } = await nixwarp(['classify', '--jsonl', '-'], records.join('\n'));
    const verdicts = linesOf(stdout).map((line) => JSON.parse(line) as Verdict & { id?: unknown });
    assert.deepEqual(
      verdicts.map(({ id, subclass }) => [id, subclass]),
      [
        ['a', 'missing-header'],
        [7, 'disk-full'],
        [undefined, 'hash-mismatch'],
      ],
    );
    assert.equal(status, 2);
    assert.match(stderr, /line 2: the line is no JSON/);
    assert.match(stderr, /line 4: .*\n.*lacks log\n.*"biuld" is none of/);
  });

  test('says what it could not read', async () => {
    const { status, stderr } = await nixwarp(['classify', '/nowhere/log']);
    assert.equal(status, 2);
    assert.match(stderr, /cannot read \/nowhere\/log: ENOENT/);
    const folder = await nixwarp(['classify', PROJECT_FOLDER]);
    assert.equal(folder.status, 2);
    assert.match(folder.stderr, /is a folder/);
  });

  test('refuses a stage that there is not, and names those that there are', async () => {
    const { status, stderr } = await nixwarp(['classify', '--stage', 'bild', '-']);
    assert.equal(status, 2);
    assert.match(stderr, /evaluation, fetch, build, gpu-test, measure/);
  });

  test('survives bytes that are no text', async () => {
    const input = Buffer.concat([Buffer.from([0, 255, 254, 10, 128]), Buffer.alloc(1_100_000, 200)]);
    const { status, stdout } = await nixwarp(['classify', '-'], input.toString('latin1') + `\n${LOG}`);
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as Verdict).subclass, 'missing-header');
  });

  test('loads neither server nor database nor Temporal', async () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });`;
    const { stderr } = await nixwarp(['classify', '-'], LOG, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
    ]);
    assert.match(stderr, /classification\/classify\.ts/);
    assert.doesNotMatch(
      stderr,
      /\/(?:server|db|workflows|activities|workers|runtime)\/|temporalio|fastify|drizzle/,
    );
  });
});

describe('nixwarp rules', () => {
  test('lists every rule, those that read facts among them', async () => {
    const { status, stdout } = await nixwarp(['rules', '--json']);
    const cards = JSON.parse(stdout) as { id: string; examples: string[] }[];
    assert.equal(status, 0);
    assert.ok(cards.length > 300);
    for (const id of ['undefined-reference', 'outcome-hash-mismatch', 'host-xid', 'no-rule'])
      assert.ok(
        cards.some((card) => card.id === id && card.examples.length > 0),
        id,
      );
    const text = await nixwarp(['rules']);
    assert.equal(linesOf(text.stdout).length > cards.length, true);
  });

  test('explains one with examples and counter-examples, by the id that a verdict names', async () => {
    const { stdout } = await nixwarp(['rules', 'explain', 'disk-full']);
    assert.match(stdout, /^disk-full: infra\/disk-full\n/);
    assert.match(stdout, /\nexamples\n {2}- \S/);
    assert.match(stdout, /\ncounter-examples\n {2}- \S/);
    const xid = await nixwarp(['rules', 'explain', 'host-xid:xid-79']);
    assert.match(xid.stdout, /79: gpu-hardware\/xid-79/);
  });

  test('names similar rules where there is none of that id', async () => {
    const { status, stderr } = await nixwarp(['rules', 'explain', 'disk-ful']);
    assert.equal(status, 2);
    assert.match(stderr, /no rule is called "disk-ful": similar are .*disk-full/);
  });
});
