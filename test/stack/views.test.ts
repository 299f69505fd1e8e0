/** A cache that strangers reach: they get what is free, builders and token holders the rest. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import type { RunDocument } from '../../domain/api/runs.ts';
import { parseNarInfo } from '../../domain/nix/narinfo.ts';
import { type NixClient, nixClients } from '../support/nix-clients.ts';
import { clientOf, outcomesOf, startRun, until, untilFinished } from '../support/runs.ts';
import { noSecondMachine, startSecondMachine } from '../support/second-machine.ts';
import { uniqueSalt, writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const OTHER_ROOT = '/var/cache/nix-current';

let stack: TestStack;
let second: AsyncDisposable | undefined;
let document: RunDocument;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-views-'));
  stack = await startTestStack({ environment: { NIXWARP_PUBLIC_VIEW: 'policy' } });
  if (noSecondMachine === false) second = await startSecondMachine(stack);
  const elsewhere = noSecondMachine === false ? '[ "second" ]' : '[ ]';
  // `wrapper` is free itself and refers to what is not; it is built on the other machine.
  const attributes = `let
      free = { meta.license = { spdxId = "MIT"; free = true; redistributable = true; }; };
      unfree = { meta.license = { shortName = "unfree"; free = false; redistributable = false; }; };
    in rec {
    tool = sh "tool" "echo tool ${uniqueSalt()} > $out" // free;
    program = sh "program" "echo \${tool} > $out" // free;
    secret = sh "secret" "echo a secret; echo secret ${uniqueSalt()} > $out" // unfree;
    wrapper = shWith { requiredSystemFeatures = ${elsewhere}; } "wrapper" "read line < \${secret}; echo $line \${secret} > $out" // free;
    user = sh "user" "read line < \${wrapper}; echo $line and home > $out" // free;
    silent = sh "silent" "echo no licence > $out";
  }`;
  document = await untilFinished(stack, await startRun(stack, await writeSet({ attributes })));
});

after(async () => {
  await second?.[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  for (const one of [folder, join(OTHER_ROOT, folder)]) await rm(one, { recursive: true, force: true });
});

/** One path, in our root and in that of the other Nix. */
async function writeForBoth(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  for (const one of noSecondMachine === false ? [file, join(OTHER_ROOT, file)] : [file]) {
    await mkdir(dirname(one), { recursive: true });
    await writeFile(one, text, { mode: 0o600 });
  }
  return file;
}

const outputOf = (name: string): string =>
  document.jobs.find((job) => job.name === name)?.outputs['out'] ?? `no output of ${name}`;
const trusted = (): string[] => ['--option', 'trusted-public-keys', document.cache.publicKey];

interface Made {
  readonly id: number;
  readonly token: string;
}

async function makeToken(view: string, can = ['read'], extra: object = {}): Promise<Made> {
  return (await ask('POST', '/tokens', { view, can, ...extra })) as Made;
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${stack.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.adminToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const withPassword = (token: string): string => stack.url.replace('http://', `http://any:${token}@`);

test('what may not be given away flows between builders all the same', () => {
  assert.deepEqual(outcomesOf(document), {
    program: 'built',
    secret: 'built',
    silent: 'built',
    tool: 'built',
    user: 'built',
    wrapper: 'built',
  });
});

test(
  'the wrapper was built on the other machine, from an input that strangers do not get',
  { skip: noSecondMachine },
  async () => {
    const id = document.jobs.find((job) => job.name === 'wrapper')?.id ?? 0;
    const { steps } = await clientOf(stack).job(id);
    assert.equal(steps[0]?.attempts[0]?.builder, 'second');
    const hash = outputOf('secret').slice('/nix/store/'.length).slice(0, 32);
    assert.equal((await fetch(`${stack.url}/${hash}.narinfo`)).status, 404);
  },
);

for (const [name, make] of Object.entries(nixClients))
  describe(name, { skip: typeof make === 'string' ? make : false }, () => {
    const open = make as Exclude<typeof make, string>;

    async function using(work: (client: NixClient) => Promise<void>): Promise<void> {
      const client = await open();
      try {
        await work(client);
      } finally {
        await client.close();
      }
    }
    const copies = async (from: string, path: string, ...options: string[]): Promise<string> => {
      let text = '';
      await using(async (client) => {
        const { ok, output } = await client.run(['copy', '--from', from, path, ...trusted(), ...options]);
        text = ok ? 'copied' : output;
      });
      return text;
    };

    test('strangers get what is free, and neither what is not, nor what refers to it, nor what says nothing', async () => {
      assert.equal(await copies(stack.url, outputOf('program')), 'copied');
      for (const held of ['secret', 'wrapper', 'user', 'silent'])
        assert.match(
          await copies(stack.url, outputOf(held)),
          /is not valid|does not exist|don't know|no substituter/,
          held,
        );
    });

    test('a token in netrc opens the internal view, until it is revoked', async () => {
      const { id, token } = await makeToken('internal');
      const netrc = await writeForBoth(
        `netrc-${name.split(' ')[0]}`,
        `machine 127.0.0.1 login any password ${token}\n`,
      );
      const options = ['--option', 'netrc-file', netrc];
      assert.equal(await copies(`${stack.url}/internal`, outputOf('user'), ...options), 'copied');
      // The same file is sent along to the public view, and does no harm there.
      assert.equal(await copies(stack.url, outputOf('program'), ...options), 'copied');
      await ask('POST', `/tokens/${id}/revoke`);
      assert.notEqual(await copies(`${stack.url}/internal`, outputOf('user'), ...options), 'copied');
    });

    test('a token in the URL does too, but not one that has expired, one of another view, or none', async () => {
      const { token } = await makeToken('internal');
      assert.equal(await copies(`${withPassword(token)}/internal`, outputOf('wrapper')), 'copied');
      const other = await makeToken('staging/elsewhere');
      const expired = await makeToken('internal', ['read'], { expiresInSeconds: 1 });
      const headers = { authorization: `Bearer ${expired.token}` };
      await until(
        'the token has expired',
        async () =>
          (await fetch(`${stack.url}/internal/${'0'.repeat(32)}.narinfo`, { headers })).status === 401,
        10,
      );
      for (const url of [withPassword(other.token), withPassword(expired.token), stack.url])
        assert.notEqual(await copies(`${url}/internal`, outputOf('wrapper')), 'copied');
    });

    test('a token that may push lets stock Nix copy into the view, and leaves a trace', async () => {
      const pusher = await makeToken('internal', ['read', 'push'], { name: `push by ${name}` });
      const reader = await makeToken('internal', ['read']);
      await using(async (client) => {
        const file = await writeForBoth(
          `pushed-${name.split(' ')[0]}`,
          `pushed by ${name} ${uniqueSalt()}\n`,
        );
        const added = await client.run(['store', 'add-file', '--name', `pushed-${uniqueSalt()}`, file]);
        const path = /\/nix\/store\/\S+/.exec(added.output)?.[0] ?? added.output;
        const push = (token: string, view: string) =>
          client.run(['copy', '--to', `${withPassword(token)}${view}`, path]);
        assert.equal((await push(reader.token, '/internal')).ok, false);
        const pushed = await push(pusher.token, '/internal');
        assert.ok(pushed.ok, pushed.output);
        assert.equal(await copies(`${withPassword(reader.token)}/internal`, path), 'copied');
        assert.notEqual(await copies(stack.url, path), 'copied');
      });
      const sql = postgres(stack.databaseUrl, { max: 1 });
      const rows = await sql<{ subject: string }[]>`
        select subject from audit_events where action = 'cache.push' and actor like ${`token ${pusher.id} %`}`;
      await sql.end();
      assert.match(rows[0]?.subject ?? '', /\/internal\/.*\.narinfo$/);
    });

    test('logs are where their outputs are', async () => {
      const { token } = await makeToken('internal');
      const drvPath = document.jobs.find((job) => job.name === 'secret')?.drvPath ?? '';
      await using(async (client) => {
        assert.doesNotMatch((await client.run(['log', drvPath], stack.url)).output, /a secret/);
        assert.match(
          (await client.run(['log', drvPath], `${withPassword(token)}/internal`)).output,
          /a secret/,
        );
      });
    });

    test('a staging view is for its token, and mixes with no other', async () => {
      const { token } = await makeToken('staging/pr-7');
      const staged = outputOf('silent');
      const distribution = nixClients['Nix on PATH'] as Exclude<(typeof nixClients)[string], string>;
      const publisher = await distribution();
      const to = `file://${join(stack.stateDir, 'staging', 'pr-7')}`;
      const internal = await makeToken('internal');
      const got = await publisher.run([
        ...['copy', '--from', `${withPassword(internal.token)}/internal`, staged],
        ...trusted(),
      ]);
      assert.ok(got.ok, got.output);
      const put = await publisher.run(['copy', '--to', to, staged]);
      await publisher.close();
      assert.ok(put.ok, put.output);
      const staging = (secret: string): string => `${withPassword(secret)}/staging/pr-7`;
      assert.equal(await copies(staging(token), staged, '--no-check-sigs'), 'copied');
      assert.equal(await copies(staging(token), outputOf('program'), '--no-check-sigs'), 'copied');
      assert.notEqual(await copies(staging(token), outputOf('secret'), '--no-check-sigs'), 'copied');
      assert.notEqual(await copies(stack.url, staged, '--no-check-sigs'), 'copied');
      const other = await makeToken('staging/pr-8');
      assert.notEqual(await copies(staging(other.token), staged, '--no-check-sigs'), 'copied');
    });
  });

describe('the command line', () => {
  async function nixwarp(...args: string[]): Promise<{ status: number; json: unknown; text: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(PROJECT_FOLDER, 'cli', 'main.ts'), ...args],
        { env: stack.environment, cwd: folder },
        (error, stdout, stderr) => {
          const status = error === null ? 0 : Number(error.code);
          resolve({
            status,
            text: stdout + stderr,
            json: stdout.startsWith('{') || stdout.startsWith('[') ? JSON.parse(stdout) : undefined,
          });
        },
      );
    });
  }

  test('makes, lists and revokes tokens', async () => {
    const made = await nixwarp(
      'token',
      'create',
      '--view',
      'internal',
      '--can',
      'read,push',
      '--name',
      'cli',
      '--expires',
      '2h',
      '--json',
    );
    assert.equal(made.status, 0, made.text);
    const { id, token, ...more } = made.json as Made;
    assert.deepEqual(more, {});
    const statusNow = async () =>
      (
        await fetch(`${stack.url}/internal/${outputOf('secret').slice(11, 43)}.narinfo`, {
          headers: { authorization: `Bearer ${token}` },
        })
      ).status;
    assert.equal(await statusNow(), 200);
    const listed = (await nixwarp('token', 'list', '--json')).json as {
      id: number;
      can: string[];
      expiresAt: string;
    }[];
    assert.deepEqual(listed.find((one) => one.id === id)?.can, ['read', 'push']);
    assert.equal((await nixwarp('token', 'revoke', String(id))).text, `token ${id} (cli) is revoked\n`);
    assert.equal(await statusNow(), 401);
    for (const args of [
      ['--view', 'private', '--can', 'read'],
      ['--view', 'public', '--can', 'all'],
      ['--view', 'public', '--can', 'read', '--expires', 'soon'],
      ['--can', 'read'],
    ])
      assert.equal((await nixwarp('token', 'create', ...args)).status, 2, args.join(' '));
    assert.equal((await nixwarp('token', 'revoke', '999')).status, 2);
  });

  test('explains a hold-back, counts, verifies, and would collect nothing that an evaluation holds', async () => {
    const why = await nixwarp('cache', 'why', outputOf('user'));
    assert.match(
      why.text,
      /Held back: its closure has .*-secret, which is unfree by the licence \(unfree\) of job secret/,
    );
    assert.match(why.text, new RegExp(`  ${outputOf('user')}\n  ${outputOf('secret')}\n`));
    const stats = (await nixwarp('cache', 'stats', '--json')).json as { paths: number; publicPaths: number };
    assert.equal(stats.publicPaths, 2);
    const gc = (await nixwarp('cache', 'gc', '--dry-run', '--json')).json as {
      live: number;
      removed: number;
    };
    assert.deepEqual([gc.live, gc.removed], [stats.paths, 0]);
    const verified = await nixwarp('cache', 'verify', '--json');
    assert.deepEqual([verified.status, (verified.json as { broken: unknown[] }).broken], [0, []]);
    const anew = await nixwarp('cache', 'recompress', '--level', '9', '--json');
    assert.equal(anew.status, 0, anew.text);
    assert.equal((anew.json as { paths: number }).paths, stats.paths);
    assert.equal((await nixwarp('cache', 'recompress', '--level', '20')).status, 2);
    const pinned = await nixwarp('cache', 'pin', 'stable', outputOf('program'), '--keep', '2', '--json');
    assert.equal((pinned.json as { revision: number }).revision, 1);
    assert.match((await nixwarp('cache', 'pins')).text, /^stable 1 {2}held/);
    assert.equal((await nixwarp('cache', 'unpin', 'stable')).status, 0);
  });

  test('verify ends with 1 where something was broken, and remove takes what depends on it', async () => {
    const hash = outputOf('silent').slice(11, 43);
    const info = parseNarInfo(await readFile(join(stack.stateDir, 'cache', `${hash}.narinfo`), 'utf8'));
    await writeFile(join(stack.stateDir, 'cache', info.url), 'rotten');
    const verified = await nixwarp('cache', 'verify');
    assert.equal(verified.status, 1, verified.text);
    assert.match(verified.text, /-silent: .*: withdrawn\n/);
    const removed = await nixwarp('cache', 'remove', outputOf('secret'), '--reason', 'a letter', '--json');
    assert.deepEqual(
      (removed.json as { removed: string[] }).removed.toSorted(),
      ['secret', 'user', 'wrapper'].map(outputOf).toSorted(),
    );
  });
});
