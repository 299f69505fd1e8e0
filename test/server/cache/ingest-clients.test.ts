/** Stock Nix clients upload into the server: `nix copy --to`, with every compression, logs, signatures, and into an own store again. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { formatPublicKey } from '../../../domain/nix/signature.ts';
import { createWarningLogger } from '../../../runtime/logger.ts';
import { openFolderSource } from '../../../server/cache/sources/folder.ts';
import { type Standalone, startStandalone } from '../../../server/cache/standalone.ts';
import { type NixClient, nixClients } from '../../support/nix-clients.ts';
import { type SamplePath, samplePath, writeSampleCache } from '../../support/sample-paths.ts';
import { ownKey, type SampleServer, startSampleServer } from '../../support/sample-server.ts';

let server: SampleServer;
/** Where the clients have their paths from: built nowhere, signed by nobody. */
let origin: Standalone;
let folder: string;
const COMPRESSIONS = ['none', 'xz', 'bzip2', 'gzip', 'zstd', 'br'] as const;

const CLIENTS = Object.keys(nixClients);
const closures = new Map<string, SamplePath[]>();
for (const name of CLIENTS)
  for (const compression of COMPRESSIONS) {
    const id = `${name.replaceAll(' ', '-')}-${compression}`;
    const leaf = samplePath(`${id}-leaf`, {
      file: { content: 'x'.repeat(200_000) },
      bin: { tool: { content: '#!', executable: true } },
    });
    const middle = samplePath(
      `${id}-middle`,
      { link: { target: leaf.path } },
      { references: [leaf], self: true },
    );
    closures.set(id, [leaf, middle, samplePath(`${id}-root`, {}, { references: [middle, leaf] })]);
  }

before(async () => {
  server = await startSampleServer();
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-clients-'));
  await writeSampleCache(folder, [...closures.values()].flat());
  origin = await startStandalone({
    source: await openFolderSource({ path: folder, storeDir: '/nix/store', priority: undefined }),
    listen: { host: '127.0.0.1', port: 0 },
    logger: createWarningLogger('test'),
  });
});
after(async () => {
  await origin.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const uploadUrl = (query = ''): string => `http://user:builder@127.0.0.1:${server.port}/${query}`;

for (const [name, open] of Object.entries(nixClients))
  describe(name, { skip: typeof open === 'string' ? open : false }, () => {
    const openClient = open as Exclude<typeof open, string>;
    const id = name.replaceAll(' ', '-');

    async function withClient(work: (client: NixClient) => Promise<void>): Promise<void> {
      const client = await openClient();
      try {
        await work(client);
      } finally {
        await client.close();
      }
    }

    async function fetchFromOrigin(client: NixClient, sample: SamplePath): Promise<void> {
      const got = await client.run(['copy', '--no-check-sigs', '--from', origin.url, sample.path]);
      assert.ok(got.ok, got.output);
    }

    for (const compression of COMPRESSIONS)
      test(`copies a closure compressed by ${compression}, and another client copies it back`, async () => {
        const closure = closures.get(`${id}-${compression}`) ?? [];
        const root = closure.at(-1) as SamplePath;
        await withClient(async (client) => {
          await fetchFromOrigin(client, root);
          const query = `?compression=${compression}&write-nar-listing=true&index-debug-info=true`;
          const put = await client.run(['copy', '--no-check-sigs', '--to', uploadUrl(query), root.path]);
          assert.ok(put.ok, put.output);
          const again = await client.run(['copy', '--no-check-sigs', '--to', uploadUrl(query), root.path]);
          assert.ok(again.ok, again.output);
        });
        await withClient(async (client) => {
          const trust = ['--option', 'trusted-public-keys', formatPublicKey(ownKey)];
          const got = await client.run(['copy', '--from', server.url, root.path, ...trust]);
          assert.ok(got.ok, got.output);
          const verified = await client.run(['store', 'verify', '--all', ...trust]);
          assert.ok(verified.ok, verified.output);
        });
      });

    test('is refused without a token, and with one that nobody has', async () => {
      await withClient(async (client) => {
        const [leaf] = closures.get(`${id}-none`) ?? [];
        await fetchFromOrigin(client, leaf as SamplePath);
        const unknown = `${id}-refused`;
        const expression = `builtins.toFile "${unknown}" "x"`;
        const made = await client.run(['eval', '--raw', '--impure', '--expr', expression]);
        assert.ok(made.ok, made.output);
        const path = /\/nix\/store\/[0-9a-z]{32}-\S+refused/.exec(made.output)?.[0] ?? '';
        for (const url of [`${server.url}/`, uploadUrl().replace('builder', 'nobody')]) {
          const put = await client.run(['copy', '--no-check-sigs', '--to', url, path]);
          assert.equal(put.ok, false);
          assert.match(put.output, /401/);
        }
        const put = await client.run(['copy', '--no-check-sigs', '--to', uploadUrl(), path]);
        assert.ok(put.ok, put.output);
        const [hash = ''] = path.slice('/nix/store/'.length).split('-');
        const info = parseNarInfo(await (await fetch(`${server.url}/${hash}.narinfo`)).text());
        assert.equal(info.ca?.method, 'text');
      });
    });
  });
