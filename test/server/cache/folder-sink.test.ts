/** Uploads into a folder: each is taken whole and true, or leaves nothing. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { FolderFiles } from '../../../server/cache/folder-files.ts';
import { createUnverifiedSink, openWritableFolder } from '../../../server/cache/sinks/folder.ts';
import { createVerifiedSink } from '../../../server/cache/sinks/verified-folder.ts';
import { createFolderSource } from '../../../server/cache/sources/folder.ts';
import { ask, makeFolder, type RawAnswer, startTestCache } from '../../support/cache-server.ts';
import { makeUpload, narInfoText, storeHash, type Upload } from '../../support/cache-uploads.ts';
import { describe, test } from '../../support/test.ts';

const storeDir = '/nix/store';

interface Writable extends AsyncDisposable {
  readonly url: string;
  readonly path: string;
  put(key: string, body: Buffer | string, headers?: Record<string, string>): Promise<RawAnswer>;
  /** Uploads the NAR, then the narinfo with some fields changed. */
  publish(upload: Upload, changes?: Record<string, string>): Promise<RawAnswer>;
}

async function openWritable(verified = true): Promise<Writable> {
  const folder = await makeFolder();
  const { path } = folder;
  const files: FolderFiles = await openWritableFolder({ path, storeDir, priority: undefined });
  const server = await startTestCache({
    source: createFolderSource({ path, storeDir, priority: undefined }),
    sink: verified ? createVerifiedSink({ files, storeDir }) : createUnverifiedSink(files),
  });
  const put: Writable['put'] = (key, body, headers = {}) =>
    ask(server.url, `/${key}`, { method: 'PUT', body, headers });
  return {
    url: server.url,
    path,
    put,
    publish: async (upload, changes = {}) => {
      const sent = await put(upload.narKey, upload.narFile);
      assert.ok(sent.status < 300, sent.body.toString());
      return put(`${upload.hash}.narinfo`, narInfoText({ ...upload.fields, ...changes }));
    },
    [Symbol.asyncDispose]: async () => {
      assert.deepEqual(await readdir(join(path, '.nixwarp-tmp')), [], 'no temporary file stays');
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const LIBRARY = makeUpload('library', 'of no one');
const PROGRAM = makeUpload('program', `uses ${storeHash('library')}-library`, [
  `${storeHash('library')}-library`,
]);
const OTHER = makeUpload('other', 'something else');

describe('a narinfo that says what is not so is refused and not shown', () => {
  const cases: readonly [title: string, changes: Record<string, string>, status: number, expected: RegExp][] =
    [
      ['another NarHash', { NarHash: OTHER.fields['NarHash'] ?? '' }, 422, /of the claimed hash/],
      ['a smaller NarSize', { NarSize: '8' }, 422, /at most 8 bytes/],
      ['a larger NarSize', { NarSize: '4096' }, 422, /4096 bytes long, as was claimed/],
      ['a NarSize of 0', { NarSize: '0' }, 422, /a size in bytes from 1/],
      ['another FileHash', { FileHash: OTHER.fields['FileHash'] ?? '' }, 422, /FileHash of/],
      ['another FileSize', { FileSize: '7' }, 422, /FileSize of/],
      ['another compression', { Compression: 'xz' }, 422, /xz/],
      ['a compression that nobody uses', { Compression: 'lzop' }, 422, /lzop.* is not one of none, zstd/],
      ['no compression', { Compression: 'none' }, 422, /NAR/],
      ['a URL outside', { URL: '../../etc/passwd' }, 422, /URL of/],
      ['a URL elsewhere', { URL: 'https://example.org/x.nar' }, 422, /URL of/],
      [
        'a NAR that is not there',
        { URL: `nar/${'0'.repeat(52)}.nar.zst` },
        409,
        /upload it before its narinfo/,
      ],
      [
        'a reference that is not there',
        { References: `${storeHash('absent')}-absent` },
        409,
        /upload references first/,
      ],
      ['another path', { StorePath: OTHER.fields['StorePath'] ?? '' }, 422, /whose hash part is/],
      [
        'a path in another store',
        { StorePath: `/gnu/store/${LIBRARY.hash}-library` },
        422,
        /below \/nix\/store/,
      ],
      ['a hostile name', { StorePath: `/nix/store/${LIBRARY.hash}-../../x` }, 422, /store path/],
      ['a signature that is none', { Sig: 'none' }, 422, /signature/],
      ['a field with a carriage return', { Deriver: 'a\r' }, 422, /carriage return/],
      [
        'a content address of something else',
        { CA: 'fixed:r:sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa' },
        422,
        /CA of/,
      ],
      [
        'a content address that has another path',
        { CA: `fixed:r:${LIBRARY.fields['NarHash']}` },
        422,
        /the address of/,
      ],
    ];
  for (const [title, changes, status, expected] of cases)
    test(title, async () => {
      await using cache = await openWritable();
      const answer = await cache.publish(LIBRARY, changes);
      assert.equal(answer.status, status, answer.body.toString());
      assert.match(answer.body.toString(), expected);
      assert.equal((await ask(cache.url, `/${LIBRARY.hash}.narinfo`)).status, 404);
    });

  test('a reference that its NAR does not hold', async () => {
    await using cache = await openWritable();
    await cache.publish(LIBRARY);
    const answer = await cache.publish(OTHER, { References: `${LIBRARY.hash}-library` });
    assert.equal(answer.status, 422);
    assert.match(answer.body.toString(), /found in its NAR/);
  });
});

describe('uploads that are true', () => {
  test('a closure, references first, with its listing', async () => {
    await using cache = await openWritable();
    assert.equal((await cache.publish(PROGRAM)).status, 409, 'its reference is missing');
    assert.equal((await cache.publish(LIBRARY)).status, 201);
    assert.equal((await cache.publish(PROGRAM)).status, 201);
    const shown = await ask(cache.url, `/${PROGRAM.hash}.narinfo`);
    assert.equal(shown.body.toString(), narInfoText(PROGRAM.fields));
    const listing = JSON.parse((await ask(cache.url, `/${PROGRAM.hash}.ls`)).body.toString()) as object;
    assert.deepEqual(listing, { version: 1, root: { type: 'regular', size: 48 - 3, narOffset: 96 } });
    const nar = await ask(cache.url, `/${PROGRAM.narKey}`);
    assert.ok(nar.body.equals(PROGRAM.narFile));
  });

  test('signatures are added to what is published, and nothing else changes', async () => {
    await using cache = await openWritable();
    await cache.publish(LIBRARY, { Sig: 'first:AAAA' });
    assert.equal(
      (await cache.publish(LIBRARY, { Sig: 'second:BBBB', Deriver: 'unknown-deriver' })).status,
      204,
    );
    const both = (await ask(cache.url, `/${LIBRARY.hash}.narinfo`)).body.toString();
    assert.match(both, /^Sig: first:AAAA\nSig: second:BBBB$/m);
    for (const changes of [
      { NarHash: OTHER.fields['NarHash'] ?? '' },
      { NarSize: '4096' },
      { References: `${LIBRARY.hash}-library` },
      { StorePath: `${LIBRARY.fields['StorePath']}-renamed` },
    ]) {
      const answer = await cache.publish(LIBRARY, changes);
      assert.equal(answer.status, 409, answer.body.toString());
      assert.match(answer.body.toString(), /is published already/);
    }
    assert.equal((await ask(cache.url, `/${LIBRARY.hash}.narinfo`)).body.toString(), both);
  });

  test('many signatures at once are all kept', async () => {
    await using cache = await openWritable();
    await cache.publish(LIBRARY);
    const names = Array.from({ length: 12 }, (_, index) => `key${index}`);
    await Promise.all(names.map((name) => cache.publish(LIBRARY, { Sig: `${name}:AAAA` })));
    const shown = (await ask(cache.url, `/${LIBRARY.hash}.narinfo`)).body.toString();
    for (const name of names) assert.ok(shown.includes(`Sig: ${name}:AAAA\n`), name);
  });

  for (const [encoding, encode] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ] as const)
    test(`a narinfo in Content-Encoding ${encoding}`, async () => {
      await using cache = await openWritable();
      await cache.put(LIBRARY.narKey, LIBRARY.narFile);
      const body = encode(Buffer.from(narInfoText(LIBRARY.fields)));
      const answer = await cache.put(`${LIBRARY.hash}.narinfo`, body, { 'content-encoding': encoding });
      assert.equal(answer.status, 201, answer.body.toString());
      assert.equal(
        (await readFile(join(cache.path, `${LIBRARY.hash}.narinfo`))).toString(),
        narInfoText(LIBRARY.fields),
      );
    });

  test('a realisation gathers signatures, and never another path', async () => {
    await using cache = await openWritable();
    const id = `sha256:${'a'.repeat(64)}!out`;
    const body = (hash: string, name: string, ...signatures: string[]) =>
      JSON.stringify({ dependentRealisations: {}, id, outPath: `${hash}-${name}`, signatures });
    const key = `realisations/${id}.doi`;
    assert.equal((await cache.put(key, body(LIBRARY.hash, 'library'))).status, 409, 'no such path yet');
    await cache.publish(LIBRARY);
    await cache.publish(OTHER);
    assert.equal((await cache.put(key, body(LIBRARY.hash, 'library', 'a:AAAA'))).status, 201);
    assert.equal((await cache.put(key, body(LIBRARY.hash, 'library', 'b:BBBB'))).status, 204);
    assert.equal((await cache.put(key, body(OTHER.hash, 'other'))).status, 409);
    const kept = JSON.parse((await ask(cache.url, `/${key}`)).body.toString()) as { signatures: string[] };
    assert.deepEqual(kept.signatures, ['a:AAAA', 'b:BBBB']);
  });
});

describe('uploads that are refused', () => {
  const hostile: readonly [
    title: string,
    key: string,
    body: string | Buffer,
    status: number,
    headers?: Record<string, string>,
  ][] = [
    ['a NAR under another name', `nar/${'1'.repeat(52)}.nar.zst`, 'no', 422],
    ['a NAR with a content encoding', LIBRARY.narKey, LIBRARY.narFile, 415, { 'content-encoding': 'gzip' }],
    [
      'an encoding that nobody knows',
      `${LIBRARY.hash}.narinfo`,
      'x',
      415,
      { 'content-encoding': 'compress' },
    ],
    ['an encoding that is not there', `${LIBRARY.hash}.narinfo`, 'x', 422, { 'content-encoding': 'gzip' }],
    [
      'a bomb',
      `${LIBRARY.hash}.narinfo`,
      gzipSync(Buffer.alloc(64 * 2 ** 20)),
      422,
      { 'content-encoding': 'gzip' },
    ],
    ['a narinfo that is empty', `${LIBRARY.hash}.narinfo`, '', 422],
    ['another store folder', 'nix-cache-info', 'StoreDir: /gnu/store\n', 409],
    ['a listing that is none', `${LIBRARY.hash}.ls`, '[]', 422],
    [
      'a realisation under another id',
      `realisations/sha256:${'b'.repeat(64)}!out.doi`,
      '{"id":"x","outPath":"y"}',
      422,
    ],
    [
      'a debug file of nothing',
      `debuginfo/${'a'.repeat(40)}.debug`,
      '{"archive":"../../etc/passwd","member":"x"}',
      422,
    ],
    ['a path that no cache has', 'nar/../../x', 'x', 404],
  ];
  for (const [title, key, body, status, headers] of hostile)
    test(title, async () => {
      await using cache = await openWritable();
      const before = await readdir(cache.path, { recursive: true });
      const answer = await cache.put(key, body, headers);
      assert.equal(answer.status, status, answer.body.toString());
      assert.deepEqual(await readdir(cache.path, { recursive: true }), before, 'nothing is left');
    });

  test('a NAR whose sender leaves in the middle', async () => {
    await using cache = await openWritable();
    const { port } = new URL(cache.url);
    const sent = request({
      host: '127.0.0.1',
      port,
      path: `/${LIBRARY.narKey}`,
      method: 'PUT',
      headers: { 'content-length': '1000000' },
    });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(1000));
    const temporary = join(cache.path, '.nixwarp-tmp');
    await until(async () => (await readdir(temporary)).length === 1);
    sent.destroy();
    await until(async () => (await readdir(temporary)).length === 0);
    await assert.rejects(stat(join(cache.path, LIBRARY.narKey)));
  });

  test('before 100 Continue, so that the body is never sent', async () => {
    await using cache = await openWritable();
    const refused = await expectContinue(cache.url, '/nar/malformed.nar', 5);
    assert.deepEqual(refused, { continued: false, status: 404 });
    const tooLarge = await expectContinue(cache.url, `/${LIBRARY.hash}.narinfo`, 2 ** 40);
    assert.deepEqual(tooLarge, { continued: false, status: 413 });
    const taken = await expectContinue(cache.url, `/log/${LIBRARY.hash}-a.drv`, 5);
    assert.deepEqual(taken, { continued: true, status: 201 });
  });
});

test('without verification everything is taken as it comes', async () => {
  await using cache = await openWritable(false);
  assert.equal((await cache.put(`nar/${'1'.repeat(52)}.nar.zst`, 'no NAR')).status, 201);
  assert.equal((await cache.put(`${LIBRARY.hash}.narinfo`, 'no narinfo')).status, 201);
  assert.equal((await cache.put(`${LIBRARY.hash}.narinfo`, 'another')).status, 204);
  assert.equal((await readFile(join(cache.path, `${LIBRARY.hash}.narinfo`))).toString(), 'another');
});

test('what processes that are gone left behind is removed at the start, what others still write is not', async () => {
  await using folder = await makeFolder();
  const temporary = join(folder.path, '.nixwarp-tmp');
  await mkdir(temporary);
  // No process has so high a number; the parent of this one lives.
  await writeFile(join(temporary, '99999999-aa'), '');
  await writeFile(join(temporary, `${process.ppid}-bb`), '');
  await openWritableFolder({ path: folder.path, storeDir, priority: undefined });
  assert.deepEqual(await readdir(temporary), [`${process.ppid}-bb`]);
});

/** Sends five bytes once the server asks for them. */
async function expectContinue(
  url: string,
  path: string,
  announced: number,
): Promise<{ continued: boolean; status: number | undefined }> {
  const { port } = new URL(url);
  const headers = { expect: '100-continue', 'content-length': String(announced) };
  const sent = request({ host: '127.0.0.1', port, path, method: 'PUT', headers, agent: false });
  let continued = false;
  sent.on('continue', () => {
    continued = true;
    sent.end('12345');
  });
  sent.flushHeaders();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  sent.on('error', () => {});
  sent.destroy();
  return { continued, status: answer.statusCode };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
