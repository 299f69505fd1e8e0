/** What stock Nix clients have built, with its logs and realisations (`ca-derivations`), uploaded to the server and had from there. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  publicKeyOf,
} from '../../../domain/nix/signature.ts';
import { type NixClient, nixClients } from '../../support/nix-clients.ts';
import { ownKey, type SampleServer, startSampleServer } from '../../support/sample-server.ts';
import { uniqueSalt } from '../../support/sets.ts';

/** Where the current Nix has its root; its own store is at the same place there. */
const CURRENT_ROOT = '/var/cache/nix-current';
const builderKey = generateSecretKey('somebody-1');

let server: SampleServer;
before(async () => {
  server = await startSampleServer();
});
after(() => server[Symbol.asyncDispose]());

/** `base` is content-addressed, and `top` is built from what it became. */
const expression = (salt: string): string => `
  let ca = name: script: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" script ];
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  };
  base = ca "ca-base" "echo says the base ${salt}; echo ${salt} > $out";
  in ca "ca-top" "echo says the top ${salt}; echo \${base} > $out"
`;

const FEATURES = ['--option', 'experimental-features', 'nix-command ca-derivations'];
/** Both a shell for a sandbox, and none where Nix lives in a root of its own already. */
const SHELL = ['--option', 'sandbox-paths', '/bin=/usr/bin /lib=/usr/lib /lib64=/usr/lib64'];

for (const [name, open] of Object.entries(nixClients))
  describe(name, { skip: typeof open === 'string' ? open : false }, () => {
    const openClient = open as Exclude<typeof open, string>;
    const isCurrent = name === 'current Nix';
    const root = isCurrent ? CURRENT_ROOT : '';
    let folder: string;
    before(async () => {
      await mkdir(`${root}/tmp`, { recursive: true });
      folder = (await mkdtemp(`${root}/tmp/nixwarp-built-`)).slice(root.length);
      await writeFile(join(root + folder, 'key'), formatSecretKey(builderKey), { mode: 0o600 });
    });
    after(() => rm(root + folder, { recursive: true }));

    async function withClient(work: (client: NixClient) => Promise<void>): Promise<void> {
      const client = await openClient();
      try {
        await work(client);
      } finally {
        await client.close();
      }
    }
    const succeed = async (client: NixClient, args: readonly string[], store?: string): Promise<string> => {
      const { ok, output } = await client.run([...args, ...FEATURES], store);
      assert.ok(ok, `nix ${args.join(' ')}: ${output}`);
      return output;
    };

    test('copies realisations and logs there, and another client builds nothing', async () => {
      const salt = uniqueSalt();
      const file = join(folder, 'default.nix');
      await writeFile(root + file, expression(salt));
      const upload = `http://user:builder@127.0.0.1:${server.port}/`;
      let drvPath = '';
      await withClient(async (client) => {
        // In a root within a root there are no sandboxes: it builds in its own store.
        const store = isCurrent ? 'local' : undefined;
        const sandbox = ['--option', 'sandbox', isCurrent ? 'false' : 'true', ...SHELL];
        const key = ['--option', 'secret-key-files', join(folder, 'key')];
        const built = await succeed(
          client,
          ['build', '--no-link', '--json', '-f', file, ...sandbox, ...key],
          store,
        );
        // Its log is under its own name; Nix 2.8 keeps that of `top` under the name of what `top` was resolved to.
        drvPath = /\/nix\/store\/[0-9a-z]{32}-ca-base\.drv/.exec(built)?.[0] ?? built;
        await succeed(client, ['copy', '--to', upload, '-f', file], store);
        // Nix 2.8 shows the log of a derivation only where the derivation is, too.
        await succeed(client, ['copy', '--derivation', '--to', upload, '-f', file], store);
        await succeed(client, ['store', 'copy-log', '--to', upload, drvPath], store);
      });
      const logged = await withLog(drvPath);
      assert.equal(logged, `says the base ${salt}\n`);
      await withClient(async (client) => {
        assert.match(
          await succeed(client, ['log', drvPath], server.url),
          new RegExp(`says the base ${salt}`),
        );
        const keys = `${formatPublicKey(ownKey)} ${formatPublicKey(publicKeyOf(builderKey))}`;
        const noBuilds = ['--max-jobs', '0', '--option', 'builders', ''];
        const build = (...options: string[]) =>
          client.run([
            ...['build', '--no-link', '--json', '-f', file, ...noBuilds, ...FEATURES, ...options],
            ...['--option', 'trusted-public-keys', keys],
          ]);
        assert.equal((await build()).ok, false, 'without the cache it would have to be built');
        const substituted = await build('--option', 'substituters', server.url);
        assert.ok(substituted.ok, substituted.output);
        assert.match(substituted.output, /\/nix\/store\/[0-9a-z]{32}-ca-top"/);
        await succeed(client, ['store', 'verify', '--all', '--option', 'trusted-public-keys', keys]);
      });
    });
  });

async function withLog(drvPath: string): Promise<string> {
  const response = await fetch(`${server.url}/log/${drvPath.slice('/nix/store/'.length)}`);
  assert.equal(response.status, 200);
  return response.text();
}
