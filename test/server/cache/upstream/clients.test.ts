/** Stock clients before a cache that pulls from another one, which `nixwarp cache serve` serves. */

import assert from 'node:assert/strict';
import * as runner from 'node:test';
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../../domain/nix/signature.ts';
import { ask, makeFolder, serveCache } from '../../../support/cache-server.ts';
import { nixClients } from '../../../support/nix-clients.ts';
import { startPullingCache } from '../../../support/pulling-cache.ts';
import { samplePath } from '../../../support/sample-paths.ts';
import { describe } from '../../../support/test.ts';
import { upstreamPath, writeUpstream } from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const library = samplePath('library-1.0', { lib: { content: 'code '.repeat(50_000) } });
const program = samplePath('program-1.0', { bin: { content: 'run' } }, { references: [library], self: true });

for (const [name, make] of Object.entries(nixClients))
  describe(name, () => {
    const skip = typeof make === 'string' ? make : false;
    for (const policy of ['proxy', 'store'] as const)
      void runner.test(`copies a closure of an upstream (${policy})`, { skip }, async () => {
        if (typeof make === 'string') return;
        await using folder = await makeFolder();
        await writeUpstream(folder.path, [upstreamPath(library, key), upstreamPath(program, key)]);
        await using upstream = await serveCache(['--dir', folder.path]);
        await using cache = await startPullingCache({ policy, upstreams: [upstream.url], trusted: [key] });
        const client = await make();
        try {
          const trust = ['--option', 'trusted-public-keys', formatPublicKey(publicKeyOf(key))];
          const copied = await client.run(['copy', '--from', cache.url, program.path, ...trust]);
          assert.ok(copied.ok, copied.output);
          const known = await client.run(['path-info', '-r', program.path]);
          assert.deepEqual(
            known.output.trim().split('\n').toSorted(),
            [library.path, program.path].toSorted(),
          );
          if (policy === 'proxy') return;

          // All of it is ours now.
          await upstream.stop();
          await cache.restart();
          const other = await make();
          try {
            const own = ['--option', 'trusted-public-keys', formatPublicKey(publicKeyOf(cache.key))];
            const again = await other.run(['copy', '--from', cache.url, program.path, ...own]);
            assert.ok(again.ok, again.output);
          } finally {
            await other.close();
          }
        } finally {
          await client.close();
        }
      });

    void runner.test(
      'goes to another cache where an upstream went away between narinfo and NAR',
      { skip },
      async () => {
        if (typeof make === 'string') return;
        await using folder = await makeFolder();
        await writeUpstream(folder.path, [upstreamPath(library, key)]);
        await using upstream = await serveCache(['--dir', folder.path]);
        await using other = await serveCache(['--dir', folder.path]);
        await using cache = await startPullingCache({
          policy: 'proxy',
          upstreams: [upstream.url],
          trusted: [key],
        });
        assert.equal((await ask(cache.url, `/${library.pathHash}.narinfo`)).status, 200);
        await upstream.stop();
        const client = await make();
        try {
          const trust = ['--option', 'trusted-public-keys', formatPublicKey(publicKeyOf(key))];
          const substituters = [
            '--option',
            'substituters',
            `${cache.url}?priority=1 ${other.url}?priority=2`,
          ];
          const got = await client.run(['build', '--no-link', library.path, ...trust, ...substituters]);
          assert.ok(got.ok, got.output);
          assert.match(cache.messages.join('\n'), /does not give a NAR/);
        } finally {
          await client.close();
        }
      },
    );
  });
