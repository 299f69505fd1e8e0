/** Files out of NARs, by the same views as everything else. */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { recordLicences } from '../../../db/licences.ts';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { narInfoText } from '../../support/cache-uploads.ts';
import { hashFor, storeGraph } from '../../support/graph.ts';
import { directoryNar, fileNar, nar } from '../../support/nar-trees.ts';
import { type OpenApp, openApp } from '../../support/open-app.ts';
import { enterPaths, narUrl, outHash, outPath } from '../../support/paths.ts';

const NAMES = ['free', 'secret', 'wrapper'] as const;
let site: OpenApp;

before(async () => {
  site = await openApp();
  const { connection } = site.database;
  await storeGraph(connection, { free: {}, wrapper: { inputs: ['secret'] }, secret: {} });
  const licences = NAMES.map((name) => {
    const free = name !== 'secret';
    const license = [{ shortName: name, free, redistributable: free }];
    return { name, drvHash: hashFor(name), meta: { license } };
  });
  await connection.transaction((tx) => recordLicences(tx, 1, licences));
  await enterPaths(connection, { free: [], secret: [], wrapper: ['secret'] });
  await mkdir(join(site.folder, 'cache', 'nar'), { recursive: true });
  for (const name of NAMES) await putPath(join(site.folder, 'cache'), name);
});
after(() => site[Symbol.asyncDispose]());

/** One with a file in it, and without a listing. */
async function putPath(folder: string, name: string): Promise<void> {
  const bytes = nar(directoryNar([['inside', fileNar(`of ${name}`)]]));
  await writeFile(join(folder, narUrl(name)), zstdCompressSync(bytes));
  const fields = {
    StorePath: outPath(name),
    URL: narUrl(name),
    Compression: 'zstd',
    NarHash: formatHash(hashOf('sha256', bytes)),
    NarSize: String(bytes.length),
    References: '',
  };
  await writeFile(join(folder, `${outHash(name)}.narinfo`), narInfoText(fields));
}

async function statusOf(prefix: string, name: string, headers = {}): Promise<number[]> {
  const paths = [`/serve/${outHash(name)}/inside`, `/serve/${outHash(name)}/`, `/${outHash(name)}.ls`];
  const answers = await Promise.all(
    paths.flatMap((path) =>
      (['GET', 'HEAD'] as const).map((method) =>
        site.app.inject({ method, url: `${prefix}${path}`, headers }),
      ),
    ),
  );
  return [...new Set(answers.map((answer) => answer.statusCode))];
}

test('the public view serves files of what it shows, and no others', async () => {
  assert.deepEqual(await statusOf('', 'free'), [200]);
  assert.deepEqual(await statusOf('', 'secret'), [404]);
  assert.deepEqual(await statusOf('', 'wrapper'), [404]);
  const { body } = await site.app.inject(`/serve/${outHash('free')}/inside`);
  assert.equal(body, 'of free');
});

test('the internal view serves all to its token, and nobody else', async () => {
  for (const name of NAMES) {
    assert.deepEqual(await statusOf('/internal', name), [401]);
    assert.deepEqual(await statusOf('/internal', name, { authorization: 'Bearer wrong' }), [401]);
    assert.deepEqual(await statusOf('/internal', name, { authorization: 'Bearer builder' }), [200]);
  }
  for (const path of ['', '/', '/inside']) {
    const url = `/internal/serve/${outHash('secret')}${path}`;
    const { headers } = await site.app.inject({ url, headers: { authorization: 'Bearer builder' } });
    assert.match(String(headers['cache-control']), /^private, /);
    assert.equal(headers['vary'], 'authorization');
  }
});

test('a staging view serves what is public to its token', async () => {
  assert.deepEqual(await statusOf('/staging/pr-1', 'free', { authorization: 'Bearer wrong' }), [401]);
  assert.deepEqual(await statusOf('/staging/pr-1', 'secret', { authorization: 'Bearer builder' }), [404]);
});
