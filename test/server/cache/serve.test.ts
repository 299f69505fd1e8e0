/** Single files out of NARs, whatever they are compressed with. */

import assert from 'node:assert/strict';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { compressSeekable } from '../../../server/cache/seekable-zstd.ts';
import { createFolderSource } from '../../../server/cache/sources/folder.ts';
import { ask, type Folder, makeFolder, startTestCache, type TestCache } from '../../support/cache-server.ts';
import { narInfoText } from '../../support/cache-uploads.ts';
import { type DirectoryTree, formatNarTree } from '../../support/nar-trees.ts';
import { describe, test } from '../../support/test.ts';

const HASH = 'yqi18hzk6wxzj2ksv7x9k8rnnzwirzz9';
const PATH = `/nix/store/${HASH}-package`;
/** Longer than a frame of what we store, so that what follows it lies in another. */
const BIG = Buffer.alloc(5 * 2 ** 20, 'big ').toString('latin1');

const TREE: DirectoryTree = {
  'a-big': { content: BIG },
  bin: { run: { content: '#!/bin/sh\necho hello\n', executable: true } },
  links: {
    absolute: { target: `${PATH}/share/doc.html` },
    around: { target: 'around' },
    away: { target: '/nix/store/00000000000000000000000000000000-other/secret' },
    below: { target: '../share' },
    'out-of-it': { target: '../../etc/passwd' },
    passwd: { target: '/etc/passwd' },
    up: { target: '..' },
  },
  share: {
    '<b>&"': { content: 'odd' },
    'data.bin': { content: '\0\x01' },
    'doc.html': { content: '<script>alert(1)</script>' },
    empty: { content: '' },
    'readme.md': { content: '# Read me\n' },
  },
};

interface Served extends AsyncDisposable {
  readonly url: string;
  readonly folder: Folder;
  readonly narFile: string;
}

/** The tree as one path of a cache, compressed by `pack`, without a listing. */
async function serveTree(
  compression: string,
  pack: (nar: Buffer, file: string) => Promise<void>,
): Promise<Served> {
  const folder = await makeFolder();
  const nar = formatNarTree(TREE);
  await mkdir(join(folder.path, 'nar'));
  const temporary = join(folder.path, 'temporary');
  await pack(nar, temporary);
  const stored = await readFile(temporary);
  const fileHash = formatHash(hashOf('sha256', stored));
  const suffix = { none: '', zstd: '.zst', gzip: '', br: '.br', xz: '.xz' }[compression] ?? '';
  const url = `nar/${fileHash.slice('sha256:'.length)}.nar${suffix}`;
  await writeFile(join(folder.path, url), stored);
  await writeFile(
    join(folder.path, `${HASH}.narinfo`),
    narInfoText({
      StorePath: PATH,
      URL: url,
      Compression: compression,
      FileHash: fileHash,
      FileSize: String(stored.length),
      NarHash: formatHash(hashOf('sha256', nar)),
      NarSize: String(nar.length),
      References: '',
    }),
  );
  const source = createFolderSource({ path: folder.path, storeDir: '/nix/store', priority: undefined });
  const server: TestCache = await startTestCache({ source });
  return {
    url: server.url,
    folder,
    narFile: join(folder.path, url),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const seekable = async (nar: Buffer, file: string): Promise<void> => {
  await compressSeekable({
    source: (async function* () {
      yield nar;
    })(),
    file,
    level: 1,
  });
};
const whole = (compress: (bytes: Buffer) => Buffer) => (nar: Buffer, file: string) =>
  writeFile(file, compress(nar));

const PACKED: readonly [
  title: string,
  compression: string,
  pack: (nar: Buffer, file: string) => Promise<void>,
][] = [
  ['zstd in frames with a seek table', 'zstd', seekable],
  ['zstd in one frame', 'zstd', whole(zstdCompressSync)],
  ['none', 'none', whole((bytes) => bytes)],
  ['gzip', 'gzip', whole(gzipSync)],
  ['br', 'br', whole((bytes) => brotliCompressSync(bytes, { params: { 1: 1 } }))],
];

for (const [title, compression, pack] of PACKED)
  test(`files of a NAR stored as ${title}`, async () => {
    await using served = await serveTree(compression, pack);
    const get = (path: string, headers = {}) => ask(served.url, `/serve/${HASH}${path}`, { headers });
    assert.equal((await get('/share/readme.md')).body.toString(), '# Read me\n');
    assert.equal((await get('/a-big')).body.toString('latin1'), BIG);
    assert.equal((await get('/share/empty')).body.length, 0);
    const part = await get('/a-big', { range: 'bytes=5000000-5000007' });
    assert.equal(part.status, 206);
    assert.equal(part.body.toString(), 'big big ');
    const listing = await ask(served.url, `/${HASH}.ls`);
    const { root } = JSON.parse(listing.body.toString()) as { root: { entries: Record<string, object> } };
    assert.deepEqual(Object.keys(root.entries), ['a-big', 'bin', 'links', 'share']);
  });

test('frames in front of a file are not looked at', async () => {
  await using served = await serveTree('zstd', seekable);
  const before = await ask(served.url, `/serve/${HASH}/share/readme.md`);
  const handle = await open(served.narFile, 'r+');
  await handle.write(Buffer.alloc(64, 0xff), 0, 64, 16);
  await handle.close();
  const after = await ask(served.url, `/serve/${HASH}/share/readme.md`);
  assert.equal(after.body.toString(), before.body.toString());
  await assert.rejects(
    ask(served.url, `/serve/${HASH}/a-big`),
    /aborted|hang up/,
    'its own frame is damaged',
  );
});

describe('of one package', () => {
  const cases: readonly [path: string, status: number, type?: RegExp, body?: RegExp][] = [
    ['/bin/run', 200, /octet-stream/, /echo hello/],
    ['/share/doc.html', 200, /text\/html/, /script/],
    ['/share/data.bin', 200, /octet-stream/],
    ['/share/readme.md', 200, /text\/plain/],
    ['/share/%3Cb%3E%26%22', 200, /octet-stream/, /^odd$/],
    ['/links/absolute', 200, /octet-stream/, /script/],
    ['/links/below/readme.md', 200, /text\/plain/],
    ['/links/up/bin/run', 200],
    ['/bin/../share/readme.md', 200],
    ['/links/around', 404],
    ['/links/away', 404],
    ['/links/out-of-it', 404],
    ['/links/passwd', 404],
    ['/..', 404],
    ['/../../etc/passwd', 404],
    ['/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/absent', 404],
    ['/bin/run/more', 404],
    ['/constructor', 404],
    ['/__proto__/toString', 404],
    ['/bin', 301],
    ['', 301],
    ['/', 200, /text\/html/, /href="\.\/bin\/"/],
    ['/share/', 200, /text\/html/, /href="\.\/%3Cb%3E%26%22">&#60;b&#62;/],
    ['/links/below/', 200, /text\/html/, /readme\.md/],
  ];
  for (const [path, status, type, body] of cases)
    test(`${path || 'the path itself'} is ${status}`, async () => {
      await using served = await serveTree(
        'none',
        whole((bytes) => bytes),
      );
      const answer = await ask(served.url, `/serve/${HASH}${path}`);
      assert.equal(answer.status, status, answer.body.toString());
      const head = await ask(served.url, `/serve/${HASH}${path}`, { method: 'HEAD' });
      assert.equal(head.status, status);
      if (status === 200) assert.equal(head.headers['content-length'], answer.headers['content-length']);
      if (type !== undefined) assert.match(String(answer.headers['content-type']), type);
      if (body !== undefined) assert.match(answer.body.toString(), body);
      if (status !== 200) return;
      assert.equal(answer.headers['content-security-policy'], 'sandbox');
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    });

  test('a folder as JSON, a path that is not there, a listing that lies', async () => {
    await using served = await serveTree(
      'none',
      whole((bytes) => bytes),
    );
    const json = await ask(served.url, `/serve/${HASH}/bin/`, { headers: { accept: 'application/json' } });
    assert.deepEqual(JSON.parse(json.body.toString()), {
      storePath: PATH,
      entries: [{ name: 'run', kind: 'regular' }],
    });
    for (const hash of [`0${HASH.slice(1)}`, 'e'.repeat(32), '..', '%2e%2e', 'x'])
      assert.equal((await ask(served.url, `/serve/${hash}/bin/run`)).status, 404, hash);
  });

  test('a listing that others put there cannot reach beyond the NAR', async () => {
    await using served = await serveTree(
      'none',
      whole((bytes) => bytes),
    );
    const lie = { type: 'regular', size: 10, narOffset: 2 ** 40 };
    await writeFile(
      join(served.folder.path, `${HASH}.ls`),
      JSON.stringify({
        version: 1,
        root: { type: 'directory', entries: { lie, old: { type: 'regular', size: 1 } } },
      }),
    );
    for (const name of ['lie', 'old'])
      assert.equal((await ask(served.url, `/serve/${HASH}/${name}`)).status, 404, name);
  });
});
