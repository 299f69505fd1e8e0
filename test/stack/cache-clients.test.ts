/** Stock Nix clients take from the cache what was built, and refuse what was tampered with. */

import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunDocument } from '../../domain/api/runs.ts';
import { parseNarInfo } from '../../domain/nix/narinfo.ts';
import { nixClients } from '../support/nix-clients.ts';
import { startRun, untilFinished } from '../support/runs.ts';
import { uniqueSalt, writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let document: RunDocument;

before(async () => {
  stack = await startTestStack();
  const attributes = `rec {
    library = shWith { outputs = [ "out" "dev" ]; } "library-1.0+a" "mkdir -p $out/lib $dev; echo lib ${uniqueSalt()} > $out/lib/x; ln -s $out/lib/x $dev/link; chmod +x $out/lib/x";
    program = sh "program" "mkdir $out; echo \${library}/lib/x > $out/bin; echo 'a line of the log'";
    victim = sh "victim" "head -c 300000 /dev/urandom > $out";
  }`;
  document = await untilFinished(stack, await startRun(stack, await writeSet({ attributes })));
  assert.equal(document.summary['built'], 3);
});
after(() => stack[Symbol.asyncDispose]());

function outputOf(name: string): string {
  return document.jobs.find((job) => job.name === name)?.outputs['out'] ?? '';
}

for (const [name, make] of Object.entries(nixClients))
  describe(name, { skip: typeof make === 'string' ? make : false }, () => {
    const open = make as Exclude<typeof make, string>;
    const trusted = (): string[] => ['--option', 'trusted-public-keys', document.cache.publicKey];

    test('copies a closure into an empty store, with every signature checked', async () => {
      const client = await open();
      const copied = await client.run(['copy', '--from', stack.url, outputOf('program'), ...trusted()]);
      assert.ok(copied.ok, copied.output);
      const verified = await client.run([
        'store',
        'verify',
        '--recursive',
        outputOf('program'),
        ...trusted(),
      ]);
      assert.ok(verified.ok, verified.output);
      const info = await client.run(['path-info', '--recursive', outputOf('program')]);
      assert.ok(info.output.includes(outputOf('library')), info.output);
      await client.close();
    });

    test('builds nothing that it can substitute', async () => {
      const client = await open();
      const built = await client.run([
        'build',
        '--no-link',
        outputOf('program'),
        '--substituters',
        stack.url,
        '--trusted-public-keys',
        document.cache.publicKey,
      ]);
      assert.ok(built.ok, built.output);
      await client.close();
    });

    test('refuses a path that no trusted key has signed', async () => {
      const client = await open();
      const copied = await client.run([
        'copy',
        '--from',
        stack.url,
        outputOf('program'),
        '--option',
        'trusted-public-keys',
        '',
      ]);
      assert.equal(copied.ok, false);
      assert.match(copied.output, /signature|key/);
      await client.close();
    });

    test('shows the log of a build by its derivation', async () => {
      const client = await open();
      const drvPath = document.jobs.find((job) => job.name === 'program')?.drvPath ?? '';
      const log = await client.run(['log', drvPath], stack.url);
      assert.match(log.output, /a line of the log/);
      await client.close();
    });

    test('refuses a NAR that was tampered with', async () => {
      const hash = outputOf('victim').slice('/nix/store/'.length, '/nix/store/'.length + 32);
      const info = parseNarInfo(await readFile(join(stack.stateDir, 'cache', `${hash}.narinfo`), 'utf8'));
      const file = join(stack.stateDir, 'cache', info.url);
      await copyFile(file, `${file}.kept`);
      const bytes = await readFile(file);
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      await writeFile(file, bytes);
      const client = await open();
      const copied = await client.run(['copy', '--from', stack.url, outputOf('victim'), ...trusted()]);
      assert.equal(copied.ok, false, copied.output);
      await copyFile(`${file}.kept`, file);
      const again = await client.run(['copy', '--from', stack.url, outputOf('victim'), ...trusted()]);
      assert.ok(again.ok, again.output);
      await client.close();
    });
  });

test('the cache folder is an ordinary cache: Nix copies from it without our server', async () => {
  const open = nixClients['Nix on PATH'] as Exclude<(typeof nixClients)[string], string>;
  const client = await open();
  const from = `file://${join(stack.stateDir, 'cache')}`;
  const copied = await client.run([
    'copy',
    '--from',
    from,
    outputOf('program'),
    '--option',
    'trusted-public-keys',
    document.cache.publicKey,
  ]);
  assert.ok(copied.ok, copied.output);
  await client.close();
});
