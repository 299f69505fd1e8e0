/** `nixwarp cache serve` by itself, with two versions of Nix as its clients. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { serveCache as serveCacheCommand, type ServeCacheOptions } from '../../cli/commands/cache.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { CommandFailure, EXIT } from '../../cli/exit.ts';
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  publicKeyOf,
} from '../../domain/nix/signature.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { type Folder, makeFolder, type ServedCache, serveCache } from '../support/cache-server.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { type NixClient, nixClients } from '../support/nix-clients.ts';
import { uniqueSalt } from '../support/sets.ts';

const runFile = promisify(execFile);
const EXPERIMENTAL = ['--extra-experimental-features', 'nix-command ca-derivations'];

const EXPRESSION = `rec {
  build = name: text: extra: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" text ];
    PATH = "/bin:/usr/bin";
  } // extra);
  ca = { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  library = build "library" "echo ${uniqueSalt()} > $out" { };
  program = build "program" "mkdir $out; echo \${library} > $out/bin; head -c 3000000 /dev/urandom > $out/large; echo a line of the log" { };
  first = build "first" "echo first ${uniqueSalt()} > $out" ca;
  second = build "second" "echo \${first} > $out" ca;
}`;

const oldKey = generateSecretKey('old-1');
const newKey = generateSecretKey('new-2');
const trusting = (
  ...keys: { name: string; key: ReturnType<typeof generateSecretKey>['key'] }[]
): string[] => [
  '--option',
  'trusted-public-keys',
  keys.map((key) => formatPublicKey(publicKeyOf(key))).join(' '),
];

let files: Folder;
let store: ServedCache;
let library: string;
let program: string;
let programDrv: string;

before(async () => {
  files = await makeFolder();
  await writeFile(join(files.path, 'default.nix'), EXPRESSION);
  for (const key of [oldKey, newKey]) await writeFile(join(files.path, key.name), formatSecretKey(key));
  const build = (attribute: string) =>
    runFile('nix-build', [
      files.path,
      '--no-out-link',
      '-A',
      attribute,
      '--option',
      'experimental-features',
      'nix-command ca-derivations',
    ]);
  library = (await build('library')).stdout.trim();
  program = (await build('program')).stdout.trim();
  programDrv = (await runFile('nix-instantiate', [files.path, '-A', 'program'])).stdout.trim();
  await build('second');
  store = await serveCache([
    '--store',
    '--secret-key-file',
    join(files.path, oldKey.name),
    '--secret-key-file',
    join(files.path, newKey.name),
  ]);
});
after(async () => {
  await store[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

async function succeed(client: NixClient, args: readonly string[], other?: string): Promise<string> {
  const { ok, output } = await client.run(args, other);
  assert.ok(ok, `nix ${args.join(' ')}: ${output}`);
  return output;
}

/** A client whose store is empty and goes away. */
async function withClient(
  open: () => Promise<NixClient>,
  use: (client: NixClient) => Promise<void>,
): Promise<void> {
  const client = await open();
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

for (const [name, make] of Object.entries(nixClients))
  describe(name, { skip: typeof make === 'string' ? make : false }, () => {
    const open = make as Exclude<typeof make, string>;

    test('takes a closure from a local store by either of two keys, and not without', () =>
      withClient(open, async (client) => {
        const refused = await client.run([
          'copy',
          '--from',
          store.url,
          program,
          ...trusting(generateSecretKey('old-1')),
        ]);
        assert.equal(refused.ok, false);
        await succeed(client, ['copy', '--from', store.url, program, ...trusting(newKey)]);
        await succeed(client, ['store', 'verify', '--recursive', program, ...trusting(newKey)]);
        await withClient(open, async (other) => {
          await succeed(other, ['copy', '--from', store.url, program, ...trusting(oldKey)]);
        });
      }));

    test('asks a local store for facts, a check and a log', () =>
      withClient(open, async (client) => {
        const info = await succeed(client, ['path-info', '--recursive', '--sigs', program], store.url);
        assert.match(info, /-library.*old-1:/);
        await succeed(client, ['store', 'verify', '--recursive', program, ...trusting(oldKey)], store.url);
        assert.match(await succeed(client, ['log', program], store.url), /a line of the log/);
      }));

    test('fills a folder that verifies, and takes it from there', async () => {
      await using folder = await makeFolder();
      await using cache = await serveCache(['--dir', folder.path, '--writable']);
      await withClient(open, async (client) => {
        await succeed(client, ['copy', '--from', store.url, program, ...trusting(newKey)]);
        for (const [compression, path] of [
          ['xz', library],
          ['zstd', program],
        ] as const)
          await succeed(client, [
            'copy',
            '--to',
            `${cache.url}?compression=${compression}&write-nar-listing=1`,
            path,
          ]);
      });
      const listings = (await readdir(folder.path)).filter((file) => file.endsWith('.ls'));
      assert.equal(listings.length, 2);
      assert.equal(cache.output().includes('"level":50'), false, cache.output());
      await withClient(open, async (client) => {
        // Signatures of the store that it came from travelled with it.
        await succeed(client, ['copy', '--from', cache.url, program, ...trusting(oldKey)]);
        await succeed(client, ['store', 'verify', '--recursive', program, ...trusting(newKey)], cache.url);
      });
      await using readOnly = await serveCache(['--dir', folder.path, '--priority', '7']);
      await withClient(open, async (client) => {
        await succeed(client, ['copy', '--from', readOnly.url, program, ...trusting(oldKey)]);
        const refused = await client.run(['copy', '--to', readOnly.url, program]);
        assert.ok(refused.ok, 'all is there: nothing is uploaded');
      });
    });

    test('puts a log and signatures into a folder', async () => {
      await using folder = await makeFolder();
      await using cache = await serveCache(['--dir', folder.path, '--writable']);
      await withClient(open, async (client) => {
        await succeed(client, ['copy', '--from', store.url, program, ...trusting(newKey)]);
        await succeed(client, ['copy', '--to', `${cache.url}?compression=zstd`, program]);
        await succeed(client, ['store', 'copy-log', '--to', cache.url, programDrv], store.url);
        assert.match(await succeed(client, ['log', program], cache.url), /a line of the log/);
        await succeed(client, ['store', 'copy-sigs', '--substituter', store.url, '--recursive', program]);
      });
    });

    test('takes a content-addressed build by its realisation, and puts it into a folder', async () => {
      await using folder = await makeFolder();
      await using cache = await serveCache(['--dir', folder.path, '--writable']);
      const expression = ['--impure', '--expr', `(${EXPRESSION}).second`];
      await withClient(open, async (client) => {
        const from = ['--substituters', store.url, ...trusting(newKey), '--max-jobs', '0'];
        await succeed(client, [...EXPERIMENTAL, 'build', '--no-link', ...expression, ...from]);
        await succeed(client, [...EXPERIMENTAL, 'copy', '--to', cache.url, ...expression]);
      });
      const realisations = await readdir(join(folder.path, 'realisations'));
      // A current Nix sends that of what was asked for, an older one those that it was built with, too.
      assert.ok(realisations.length >= 1, realisations.join(' '));
      await withClient(open, async (client) => {
        const from = ['--substituters', cache.url, ...trusting(newKey), '--max-jobs', '0'];
        await succeed(client, [...EXPERIMENTAL, 'build', '--no-link', ...expression, ...from]);
      });
    });

    test('goes on where a transfer was cut', async () => {
      await using folder = await makeFolder();
      await runFile('nix', [
        ...EXPERIMENTAL,
        'copy',
        '--to',
        `file://${folder.path}?compression=zstd`,
        program,
      ]);
      await using cache = await serveCache(['--dir', folder.path]);
      for (const source of [store, cache])
        await withClient(open, async (client) => {
          await using proxy = await startCuttingProxy(source.url, 1_500_000);
          const copied = await client.run(['copy', '--from', proxy.url, program, '--no-check-sigs']);
          assert.ok(copied.ok, copied.output);
          assert.equal(proxy.cuts, 1);
          const nars = proxy.requests.filter((request) => request.startsWith('GET /nar/'));
          const ranged = nars.filter((request) => /range: bytes=[1-9]/i.test(request));
          assert.equal(ranged.length, 1, proxy.requests.join('\n'));
          await succeed(client, ['store', 'verify', '--recursive', '--no-trust', program]);
        });
    });
  });

describe('the command', () => {
  const cases: readonly [title: string, options: Partial<ServeCacheOptions>, expected: RegExp][] = [
    ['nothing to serve', {}, /needs --dir DIR or --store/],
    ['both', { dir: '/tmp', store: true }, /exclude each other/],
    ['a folder that is not there', { dir: '/nowhere' }, /"\/nowhere" is not a folder that exists/],
    ['a folder that is no cache', { dir: '/' }, /is not a binary cache/],
    ['a writable store', { store: true, writable: true }, /read-only/],
    ['--unverified alone', { dir: '/', unverified: true }, /needs --writable/],
    ['a key for a folder', { dir: '/', secretKeyFile: ['/x'] }, /signs what --store serves/],
    ['a key that is not there', { store: true, secretKeyFile: ['/nowhere/key'] }, /\/nowhere\/key/],
    ['a key that is none', { store: true, secretKeyFile: ['/etc/hostname'] }, /secret key/],
    ['an address that is none', { store: true, listen: 'here' }, /"here" is not an address and port/],
    ['a port that is none', { store: true, listen: '127.0.0.1:65536' }, /is not an address and port/],
    ['a store folder that is none', { store: true, storeDir: 'store/' }, /is not an absolute path/],
    [
      'a store without a database',
      { store: true, storeDir: '/nowhere/store' },
      /\/nowhere\/var\/nix\/db\/db\.sqlite/,
    ],
  ];
  for (const [title, options, expected] of cases)
    test(`refuses ${title}`, async () => {
      await assert.rejects(serveCacheCommand({ listen: '127.0.0.1:0', ...options }), (error: Error) => {
        assert.match(error.message, expected);
        // What the command turns into status 2.
        return (
          error instanceof ParseError || (error instanceof CommandFailure && error.status === EXIT.usage)
        );
      });
    });

  const wrong: readonly [args: readonly string[], expected: RegExp][] = [
    [[], /needs --dir DIR or --store/],
    [['--dir', '/nowhere'], /is not a folder that exists/],
    [['--store', '--priority', 'high'], /"high" is no whole number/],
    [['--store', '--port', '1'], /unknown option/],
  ];
  const main = join(PROJECT_FOLDER, 'cli', 'main.ts');
  const run = async (args: readonly string[]): Promise<{ status: number | null; output: string }> => {
    // Settings of the server that are wrong do not matter to it.
    const env = { PATH: process.env['PATH'], NIXWARP_LISTEN: 'wrong', DATABASE_URL: 'wrong' };
    const child = spawn(process.execPath, [main, 'cache', 'serve', ...args], { env });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, output };
  };

  test('says what is wrong with its options, with status 2', async () => {
    const all = wrong.map(async ([args, expected]) => {
      const ended = await run(args);
      assert.equal(ended.status, 2, ended.output);
      assert.match(ended.output, expected);
    });
    await Promise.all(all);
  });

  test('names a port that is taken, with status 3', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const listen = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const ended = await run(['--store', '--listen', listen]);
    other.close();
    assert.equal(ended.status, 3);
    assert.ok(ended.output.includes(`${listen} is taken by another program`), ended.output);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`ends with status 0 on ${signal}, with a connection open`, async () => {
      const served = await serveCache(['--store']);
      const answer = await fetch(`${served.url}/nix-cache-info`);
      assert.match(await answer.text(), /^StoreDir: \/nix\/store$/m);
      const keepAlive = Number(/timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '')?.[1]);
      assert.ok(keepAlive >= 125, String(keepAlive));
      assert.equal(await served.stop(signal), 0);
    });

  test('loads neither Temporal nor the database', async () => {
    const served = await serveCache(['--store']);
    const maps = await readFile(`/proc/${served.process.pid}/maps`, 'utf8');
    assert.doesNotMatch(maps, /temporal|postgres/);
    assert.equal(await served.stop(), 0);
  });
});
