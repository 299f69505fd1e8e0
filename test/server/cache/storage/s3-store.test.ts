/** Files in a bucket, against a real S3-compatible server. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { UnavailableError } from '../../../../server/errors.ts';
import { parseResource, type Resource } from '../../../../server/cache/resource.ts';
import type { BlobStore } from '../../../../server/cache/storage/blob-store.ts';
import { createFolderStore } from '../../../../server/cache/storage/folder.ts';
import { openS3Store } from '../../../../server/cache/storage/s3.ts';
import { noS3Server, type S3Server, startS3Server } from '../../../support/s3-server.ts';

const NAR = `nar/${'1'.repeat(52)}.nar.zst`;
const storeDir = '/nix/store';
const resourceOf = (key: string): Resource => {
  const resource = parseResource(key);
  assert.ok(resource);
  return resource;
};

let folder: string;
let server: S3Server | undefined;
const messages: string[] = [];
const logger = { warn: (...words: unknown[]) => void messages.push(String(words.at(-1))) };
const stores: Record<string, () => Promise<BlobStore>> = {
  'a folder': async () => {
    const path = await mkdtemp(join(folder, 'store-'));
    return createFolderStore({
      path,
      storeDir,
      temporaryFile: () => join(folder, randomBytes(8).toString('hex')),
    });
  },
  'a bucket': async () => {
    assert.ok(server);
    return openS3Store({
      settings: { ...server.settings, prefix: `${randomBytes(8).toString('hex')}/` },
      storeDir,
      logger,
    });
  },
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-store-'));
  if (noS3Server === false) server = await startS3Server();
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function localFile(bytes: Buffer): Promise<string> {
  const file = join(folder, randomBytes(8).toString('hex'));
  await writeFile(file, bytes);
  return file;
}

for (const [name, open] of Object.entries(stores))
  describe(`in ${name}`, { skip: name === 'a bucket' ? noS3Server : false }, () => {
    // More than one part of an upload.
    for (const size of [0, 1000, 40 * 1024 * 1024])
      test(`a file of ${size} bytes is taken over and read whole, in part, and out`, async () => {
        const store = await open();
        const bytes = randomBytes(size);
        const file = await localFile(bytes);
        await store.prepare(file, NAR);
        await store.put(file, NAR);
        assert.equal(existsSync(file), false);
        assert.ok((await buffer(store.stream(NAR))).equals(bytes));
        const found = await store.files.find(resourceOf(NAR));
        assert.equal(found?.size, size);
        if (size > 0 && found?.body.kind === 'stream') {
          const part = await buffer(found.body.read(10, size - 10));
          assert.ok(part.equals(bytes.subarray(10, size - 10)));
        }
        const out = join(folder, randomBytes(8).toString('hex'));
        await store.takeOut(NAR, out);
        assert.ok((await readFile(out)).equals(bytes));
        assert.equal(await store.exists(NAR), false);
      });

    test('what is not there is a miss in every way', async () => {
      const store = await open();
      assert.equal(await store.exists(NAR), false);
      assert.equal(await store.read(NAR), undefined);
      assert.equal(await store.files.find(resourceOf(NAR)), undefined);
      await assert.rejects(buffer(store.stream(NAR)), { code: 'ENOENT' });
      await store.remove(NAR);
      await store.takeOut(NAR, join(folder, 'nothing'));
      assert.equal(existsSync(join(folder, 'nothing')), false);
    });

    test('small files are written over, listed and removed', async () => {
      const store = await open();
      await store.write('realisations/a', 'one', true);
      await store.write('realisations/a', 'two', false);
      await store.write('realisations/b', Buffer.from('three'), false);
      await store.write(NAR, 'nar', false);
      assert.equal((await store.read('realisations/a'))?.toString(), 'two');
      const listed = await Array.fromAsync(store.list('realisations/'));
      assert.deepEqual(
        new Set(listed.map(({ key, size }) => `${key} ${size}`)),
        new Set(['realisations/a 3', 'realisations/b 5']),
      );
      await store.remove('realisations/a');
      assert.equal(await store.exists('realisations/a'), false);
      assert.equal((await Array.fromAsync(store.list(''))).length, 2);
    });
  });

describe('a bucket', { skip: noS3Server }, () => {
  test('lists more than one page of 1,000', { timeout: 60_000 }, async () => {
    const store = await stores['a bucket']?.();
    assert.ok(store);
    const keys = Array.from({ length: 1001 }, (_, index) => `log/${index}`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.write(key, '', false)));
    assert.equal((await Array.fromAsync(store.list('log/'))).length, keys.length);
  });

  test('that does not exist, or refuses us, stops the server before it starts', async () => {
    assert.ok(server);
    const settings = { ...server.settings, bucket: 'no-such-bucket' };
    await assert.rejects(
      openS3Store({ settings, storeDir, logger }),
      /the bucket no-such-bucket at http:\/\/127\.0\.0\.1:\d+ cannot be used/,
    );
  });

  test('by redirect: an URL that holds for anybody who has it, with ranges', async () => {
    assert.ok(server);
    const store = await openS3Store({
      settings: { ...server.settings, serve: 'redirect' },
      storeDir,
      logger,
    });
    await store.write(NAR, 'the bytes', false);
    const found = await store.files.find(resourceOf(NAR));
    assert.ok(found?.body.kind === 'redirect');
    const answer = await fetch(found.body.url);
    assert.equal(answer.headers.get('content-type'), 'application/x-nix-nar');
    assert.equal(await answer.text(), 'the bytes');
    const part = await fetch(found.body.url, { headers: { range: 'bytes=4-' } });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), 'bytes');
  });
});

test('a service that is away is said at the start, and to who asks for what it has', async () => {
  const endpoint = 'http://127.0.0.1:9';
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const settings = {
    bucket: 'away',
    endpoint,
    region: 'us-east-1',
    prefix: '',
    serve: 'stream',
    credentials,
  } as const;
  messages.length = 0;
  const store = await openS3Store({ settings, storeDir, logger });
  assert.match(messages.join('\n'), /the bucket away at http:\/\/127\.0\.0\.1:9 does not answer/);
  await assert.rejects(Promise.resolve(store.files.find(resourceOf(NAR))), UnavailableError);
  await assert.rejects(store.put(await localFile(Buffer.from('x')), NAR), UnavailableError);
  await assert.rejects(store.read(NAR), UnavailableError);
  assert.equal(
    await store.files.find(resourceOf(`${'0'.repeat(32)}.narinfo`)),
    undefined,
    'served from the index',
  );
  await store.write(`${'0'.repeat(32)}.narinfo`, 'a copy', false);
  assert.match(messages.join('\n'), /the bucket lacks a copy/);
});
