/** `nixwarp` as a person types it wrongly, or where no server is: each ends with its documented status and says why. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { EXIT } from '../../cli/exit.ts';
import { findFreePort } from '../../cli/up/ports.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { openSampleSite, type SampleSite } from '../support/sample-site.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describe, test } from '../support/test.ts';

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let environment: Record<string, string>;
let nowhere: string;
let site: SampleSite;
before(async () => {
  folder = await temporaryFolder('cli');
  nowhere = `http://127.0.0.1:${await findFreePort()}`;
  environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    NIXWARP_STATE_DIR: join(folder, 'state'),
    NIXWARP_URL: nowhere,
  };
  await writeFile(join(folder, 'bad.json'), '{ "name": ');
  await writeFile(
    join(folder, 'wrong.json'),
    '{ "name": "Bad Name", "source": { "file": "x" }, "priority": 9 }',
  );
  await writeFile(join(folder, 'throws.nix'), 'throw "not today"');
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

function nixwarp(args: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(PROJECT_FOLDER, 'cli', 'main.ts'), ...args],
      { cwd: folder, env: { ...environment, ...more } },
      (error, stdout, stderr) =>
        resolve({
          status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        }),
    );
  });
}

const USAGE: [string, string[], RegExp][] = [
  ['no command', [], /Usage: nixwarp/],
  ['an unknown command', ['bulid'], /unknown command 'bulid'/],
  ['an unknown option', ['status', '--jsno'], /unknown option '--jsno'/],
  ['an argument that is missing', ['run'], /missing required argument 'target'/],
  ['a choice that there is not', ['run', 'x', '--recurse', 'some'], /Allowed choices are all, marked/],
  ['a number that is none', ['log', 'x', '--evaluation', '1.5'], /"1\.5" is no whole number from 1 on/],
  [
    'an argument without a value',
    ['run', 'x', '--arg', 'name'],
    /--arg takes a name and a value, but got name/,
  ],
  [
    'an argument of no name',
    ['run', 'x', '--argstr', '1x', 'y'],
    /--argstr takes a name and a value, but got 1x y/,
  ],
  ['neither a job nor --failed', ['retry'], /retry needs a job, or --failed/],
  ['a job and --failed', ['retry', 'x', '--failed'], /retry needs a job, or --failed/],
  ['a file that is not there', ['run', './none.nix'], /none\.nix does not exist/],
  ['a jobset file that is not there', ['jobset', 'none.json'], /none\.json does not exist/],
  ['a jobset file that is no JSON', ['jobset', 'bad.json'], /bad\.json is no JSON: /],
  [
    'a jobset that is not right, with every problem',
    ['jobset', 'wrong.json'],
    /\/name: "Bad Name"[^]*\/priority: 9/,
  ],
  ['a jobset that does not evaluate', ['jobset', 'throws.nix'], /throws\.nix does not evaluate: .*not today/],
  ['a folder without anything to evaluate', ['run', '.'], /has neither flake\.nix nor default\.nix/],
];

describe(`ends with ${EXIT.usage}:`, () => {
  for (const [title, args, message] of USAGE)
    test(title, async () => {
      const { status, stdout, stderr } = await nixwarp(args);
      assert.deepEqual([status, stdout], [EXIT.usage, ''], stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /at .*\.ts:\d+/, 'no stack is shown for a slip of the pen');
    });

  test('settings, each of which is told', async () => {
    const { status, stderr } = await nixwarp(['status'], {
      NIXWARP_LISTEN: 'x',
      NIXWARP_TEMPORAL_PORT: '0',
      NIXWARP_URL: 'y',
    });
    assert.equal(status, EXIT.usage);
    assert.match(stderr, /^nixwarp: configuration: 3 problems:\n {2}- NIXWARP_LISTEN: "x"/);
  });
});

describe(`without a server ends with ${EXIT.infrastructure}:`, () => {
  for (const args of [
    ['status'],
    ['watch'],
    ['log', 'x'],
    ['why', 'x'],
    ['cancel'],
    ['retry', '--failed'],
    ['drain', 'x'],
    ['trigger', 'a/b'],
  ])
    test(args.join(' '), async () => {
      const { status, stdout, stderr } = await nixwarp(args);
      assert.deepEqual([status, stdout], [EXIT.infrastructure, '']);
      assert.equal(
        stderr,
        `nixwarp: no nixwarp server answers at ${nowhere}: start one with "nixwarp up", or set NIXWARP_URL\n`,
      );
    });

  test('a stranger who answers there is none', async () => {
    const stranger = createServer((_request, response) => response.end('{"name":"other"}'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const { port } = stranger.address() as { port: number };
    const { status, stderr } = await nixwarp(['status'], { NIXWARP_URL: `http://127.0.0.1:${port}` });
    stranger.close();
    assert.deepEqual([status, /no nixwarp server answers/.test(stderr)], [EXIT.infrastructure, true]);
  });
});

describe('with a server', () => {
  let url: string;
  before(async () => {
    url = await site.listen();
  });
  const asked = (args: readonly string[], token = 'admin') =>
    nixwarp(args, { NIXWARP_URL: url, ...(token === '' ? {} : { NIXWARP_TOKEN: token }) });

  const WRONG: [string, string[], string, RegExp][] = [
    [
      'an unknown jobset',
      ['trigger', 'no/such'],
      'admin',
      /there is no jobset "no\/such": PROJECT\/JOBSET is expected/,
    ],
    ['an unknown evaluation', ['watch', '777'], 'admin', /there is no evaluation 777/],
    [
      'an evaluation that is no number',
      ['cancel', 'x'],
      'admin',
      /"x" is no evaluation: a number is expected/,
    ],
    ['an evaluation that has finished', ['cancel', '2'], 'admin', /evaluation 2 has finished already/],
    [
      'an unknown job',
      ['why', 'nothing-of-this-name'],
      'admin',
      /has no job with "nothing-of-this-name" in its name/,
    ],
    ['an unknown builder', ['drain', 'nobody'], 'admin', /there is no builder nobody/],
    ['no token', ['drain', 'atlas'], '', /needs a token of admin/],
    [
      "a builder's token",
      ['drain', 'atlas'],
      'builder',
      /needs a token of admin, and the one sent is of builder/,
    ],
    ['a token that nobody has', ['drain', 'atlas'], 'wrong', /nobody here has the one sent/],
  ];
  for (const [title, args, token, message] of WRONG)
    test(`${title} ends with ${EXIT.usage}`, async () => {
      const { status, stdout, stderr } = await asked(args, token);
      assert.deepEqual([status, stdout], [EXIT.usage, ''], stderr);
      assert.match(stderr, message);
    });

  test('what is asked for as JSON is JSON, and nothing else', async () => {
    const { status, stdout, stderr } = await asked(['status', '--json']);
    assert.deepEqual(
      [status, stderr, Object.keys(JSON.parse(stdout))],
      [0, '', ['status', 'builders', 'evaluations']],
    );
    const drained = await asked(['drain', 'atlas', '--reason', 'a new fan', '--json']);
    assert.deepEqual(JSON.parse(drained.stdout), { builder: 'atlas', wanted: 'drained' });
    assert.match((await asked(['status'])).stdout, /atlas: drained.*\(a new fan\)/);
    assert.equal((await asked(['drain', 'atlas', '--undo'])).stdout, 'atlas takes work again\n');
  });
});
