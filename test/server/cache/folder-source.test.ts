/** A folder that others change while it is served. */

import assert from 'node:assert/strict';
import { appendFile, mkdir, open, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createFolderSource, openFolderSource } from '../../../server/cache/sources/folder.ts';
import { ask, makeFolder, startTestCache } from '../../support/cache-server.ts';
import { describe, test } from '../../support/test.ts';

const STORE = '/nix/store';
const HASH = 'yqi18hzk6wxzj2ksv7x9k8rnnzwirzz9';
const NAR = `nar/1c9ccwd7ak7hfq144sd362zs2041gwl1gcp3vgcxv7gjq5p3l137.nar.xz`;
/** More than the buffers of a connection take, so that a transfer stands still in the middle. */
const LARGE_BYTES = 16 * 2 ** 20;

async function makeCache(folder: string): Promise<void> {
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n');
}

const sourceOf = (path: string, priority?: number) => createFolderSource({ path, storeDir: STORE, priority });

/** The head of a large answer, whose body is not read yet. */
async function beginReading(url: string): Promise<IncomingMessage> {
  const [answer] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  return answer.pause();
}

describe('what others put there appears, what they take away vanishes', () => {
  test('a narinfo, again and again', async () => {
    await using folder = await makeFolder();
    await makeCache(folder.path);
    await using server = await startTestCache({ source: sourceOf(folder.path) });
    const file = join(folder.path, `${HASH}.narinfo`);
    for (const content of ['first', 'second, and longer']) {
      assert.equal((await ask(server.url, `/${HASH}.narinfo`)).status, 404);
      await writeFile(file, content);
      const answer = await ask(server.url, `/${HASH}.narinfo`);
      assert.equal(answer.body.toString(), content);
      const head = await ask(server.url, `/${HASH}.narinfo`, { method: 'HEAD' });
      const { date: _date, ...headers } = answer.headers;
      const { date: _other, ...headHeaders } = head.headers;
      assert.deepEqual(headHeaders, headers, 'HEAD says what GET says');
      await rm(file);
    }
  });

  test('the whole folder', async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, 'cache');
    await makeCache(path);
    await using server = await startTestCache({ source: sourceOf(path) });
    await rename(path, `${path}-away`);
    for (const key of ['nix-cache-info', `${HASH}.narinfo`, NAR, `log/${HASH}-a.drv`])
      assert.equal((await ask(server.url, `/${key}`)).status, 404, key);
    await rename(`${path}-away`, path);
    assert.equal((await ask(server.url, '/nix-cache-info')).status, 200);
  });

  test('nix-cache-info is sent as it stands, but for a priority of our own', async () => {
    await using folder = await makeFolder();
    await makeCache(folder.path);
    await using plain = await startTestCache({ source: sourceOf(folder.path) });
    assert.equal((await ask(plain.url, '/nix-cache-info')).body.toString(), 'StoreDir: /nix/store\n');
    await using preferred = await startTestCache({ source: sourceOf(folder.path, 7) });
    assert.match((await ask(preferred.url, '/nix-cache-info')).body.toString(), /^Priority: 7$/m);
  });

  test('a debug file is found with and without its suffix', async () => {
    await using folder = await makeFolder();
    await makeCache(folder.path);
    await mkdir(join(folder.path, 'debuginfo'));
    const id = '02623eda209c26a59b1a8638ff7752f6b945c26b';
    await writeFile(join(folder.path, 'debuginfo', `${id}.debug`), '{}');
    await using server = await startTestCache({ source: sourceOf(folder.path) });
    for (const name of [id, `${id}.debug`])
      assert.equal((await ask(server.url, `/debuginfo/${name}`)).status, 200, name);
  });
});

describe('a NAR that changes while it is sent', () => {
  const cases: readonly [title: string, change: (file: string) => Promise<void>, isWhole: boolean][] = [
    ['removed: what was opened is sent to its end', (file) => rm(file), true],
    [
      'replaced by a rename: what was opened is sent to its end',
      async (file) => {
        await writeFile(`${file}.new`, 'other');
        await rename(`${file}.new`, file);
      },
      true,
    ],
    ['cut short: the transfer is cut', (file) => truncate(file, 1000), false],
    ['written to in place: the transfer is cut', overwriteEnd, false],
    ['appended to: the transfer is cut', (file) => appendFile(file, 'more'), false],
  ];
  for (const [title, change, isWhole] of cases)
    test(title, async () => {
      await using folder = await makeFolder();
      await makeCache(folder.path);
      const file = join(folder.path, NAR);
      await writeFile(file, Buffer.alloc(LARGE_BYTES, 'a'));
      await using server = await startTestCache({ source: sourceOf(folder.path) });
      const answer = await beginReading(`${server.url}/${NAR}`);
      assert.equal(answer.headers['content-length'], String(LARGE_BYTES));
      await change(file);
      const body = buffer(answer);
      if (isWhole) assert.ok((await body).equals(Buffer.alloc(LARGE_BYTES, 'a')));
      else await assert.rejects(body, /aborted/);
    });
});

/** As many bytes as before, others at the end. */
async function overwriteEnd(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write('b', LARGE_BYTES - 1);
  await handle.close();
  // Within the clock's grain the time of change may be the same: an editor's would not.
  await utimes(file, new Date(), new Date(Date.now() + 5_000));
}

describe('a folder that is no cache of this store is refused at the start', () => {
  const cases: readonly [title: string, prepare: (path: string) => Promise<unknown>, expected: RegExp][] = [
    ['no folder', async () => {}, /cache".* is not a folder that exists/],
    ['a file', (path) => writeFile(path, ''), /is not a folder that exists/],
    [
      'no nix-cache-info',
      (path) => mkdir(path),
      /is not a binary cache: a folder with a file nix-cache-info/,
    ],
    [
      'another store folder',
      async (path) => {
        await mkdir(path);
        await writeFile(join(path, 'nix-cache-info'), 'StoreDir: /gnu/store\n');
      },
      /"\/gnu\/store" is not a cache of the store folder \/nix\/store/,
    ],
    [
      'a nix-cache-info that is none',
      async (path) => {
        await mkdir(path);
        await writeFile(join(path, 'nix-cache-info'), '\x7fELF\0');
      },
      /nix-cache-info/,
    ],
  ];
  for (const [title, prepare, expected] of cases)
    test(title, async () => {
      await using folder = await makeFolder();
      const path = join(folder.path, 'cache');
      await prepare(path);
      await assert.rejects(openFolderSource({ path, storeDir: STORE, priority: undefined }), expected);
    });
});
