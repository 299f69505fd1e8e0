/** A cache whose files are in a bucket, before stock clients: pulled from an upstream into it, and served out of it. */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../../domain/nix/signature.ts';
import { parseNarInfo } from '../../../../domain/nix/narinfo.ts';
import type { BlobStore } from '../../../../server/cache/storage/blob-store.ts';
import { openS3Store } from '../../../../server/cache/storage/s3.ts';
import { ask } from '../../../support/cache-server.ts';
import { nixClients } from '../../../support/nix-clients.ts';
import { type PullingCache, startPullingCache } from '../../../support/pulling-cache.ts';
import { noS3Server, type S3Server, startS3Server } from '../../../support/s3-server.ts';
import { samplePath } from '../../../support/sample-paths.ts';
import { startOddUpstream, upstreamPath } from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const library = samplePath('library-1.0', { lib: { content: 'code '.repeat(50_000) } });
const program = samplePath('program-1.0', { bin: { content: 'run' } }, { references: [library] });

for (const serve of ['redirect', 'stream'] as const)
  describe(`NARs by ${serve}`, { skip: noS3Server }, () => {
    let server: S3Server;
    let blobs: BlobStore;
    let cache: PullingCache;
    before(async () => {
      await using upstream = await startOddUpstream();
      server = await startS3Server(serve, 'some/folder/');
      const logger = { warn: () => {} };
      blobs = await openS3Store({ settings: server.settings, storeDir: '/nix/store', logger });
      const upstreams = [upstream.url];
      cache = await startPullingCache({ policy: 'store', upstreams, trusted: [key], blobs });
      for (const sample of [library, program]) {
        const path = upstreamPath(sample, key);
        upstream.serve(path);
        await ask(cache.url, `/${sample.pathHash}.narinfo`);
        assert.deepEqual((await ask(cache.url, `/${path.info.url}`)).body, path.file);
      }
      await cache.restart();
    });
    after(async () => {
      await cache?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    test('all that is published is in the bucket, as a cache of its own, and nothing on the disk', async () => {
      const keys = (await Array.fromAsync(blobs.list(''))).map((one) => one.key);
      for (const { pathHash } of [library, program]) {
        const text = (await blobs.read(`${pathHash}.narinfo`))?.toString() ?? '';
        assert.equal(text, (await ask(cache.url, `/${pathHash}.narinfo`)).body.toString());
        for (const part of [parseNarInfo(text).url, `${pathHash}.ls`]) assert.ok(keys.includes(part), part);
      }
      assert.ok(keys.includes('nix-cache-info'));
      const files = await readdir(cache.folder, { recursive: true, withFileTypes: true });
      assert.deepEqual(
        files.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)),
        [],
      );
    });

    for (const [name, make] of Object.entries(nixClients))
      test(`${name} copies the closure`, { skip: typeof make === 'string' ? make : false }, async () => {
        if (typeof make === 'string') return;
        const client = await make();
        try {
          const trust = ['--option', 'trusted-public-keys', formatPublicKey(publicKeyOf(cache.key))];
          const copied = await client.run(['copy', '--from', cache.url, program.path, ...trust]);
          assert.ok(copied.ok, copied.output);
        } finally {
          await client.close();
        }
      });

    test('while the bucket is away narinfos are served, and NARs are to be asked for later', async () => {
      const narinfo = `/${program.pathHash}.narinfo`;
      const { url } = parseNarInfo((await ask(cache.url, narinfo)).body.toString());
      assert.ok([200, 307].includes((await ask(cache.url, `/${url}`)).status));
      await server.stop();
      assert.equal((await ask(cache.url, narinfo)).status, 200);
      assert.equal((await ask(cache.url, '/nix-cache-info')).status, 200);
      const answer = await ask(cache.url, `/${url}`);
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '10');
      assert.doesNotMatch(answer.body.toString(), /ECONNREFUSED|bucket/);
    });
  });
