/** Uploads that lie, are broken, or want to break something: each is refused with a reason, and nothing of it stays. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { directoryNar, fileNar, formatNarTree, linkNar, nar, str } from '../../support/nar-trees.ts';
import { type SamplePath, samplePath } from '../../support/sample-paths.ts';
import { type SampleServer, startSampleServer } from '../../support/sample-server.ts';

let server: SampleServer;
before(async () => {
  server = await startSampleServer();
});
after(() => server[Symbol.asyncDispose]());

const good = samplePath('good', { file: { content: 'content '.repeat(100) } });
const other = `/nix/store/${'1'.repeat(32)}-other`;
const hash32 = (bytes: Buffer): string => formatHash(hashOf('sha256', bytes)).slice('sha256:'.length);

type Fields = Record<string, string | undefined>;

/** What Nix would send, for a file and what it is compressed with. */
function fieldsOf(sample: SamplePath, file: Buffer, compression: string, extension: string): Fields {
  return {
    StorePath: sample.path,
    URL: `nar/${hash32(file)}.nar${extension}`,
    Compression: compression,
    FileHash: `sha256:${hash32(file)}`,
    FileSize: file.length === 0 ? undefined : `${file.length}`,
    NarHash: `sha256:${hash32(sample.nar)}`,
    NarSize: `${sample.nar.length}`,
    References: sample.references.map((path) => path.slice('/nix/store/'.length)).join(' '),
  };
}

const lines = (fields: Fields): string =>
  Object.entries(fields)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}\n`]))
    .join('');

/** Everything that an upload may leave. */
async function holdings(): Promise<unknown> {
  const files = (await readdir(server.cacheFolder, { recursive: true })).filter(
    // A NAR that came whole waits for a true narinfo.
    (name) => !name.startsWith('staging/nar/'),
  );
  const [rows] = await server.database.connection.db.execute(sql`
    select (select count(*) from store_paths) as paths, (select count(*) from pending_paths) as pending,
      (select count(*) from signatures) as signatures, (select count(*) from path_provenance) as provenance`);
  return { files: files.toSorted(), rows: { ...rows } };
}

interface Refused {
  readonly status?: number;
  readonly detail: RegExp;
}

/** Uploads the file, then the narinfo, of which one has to be refused. */
function refuses(
  title: string,
  { status = 422, detail }: Refused,
  make: () => {
    file?: Buffer;
    compression?: string;
    extension?: string;
    fields?: Fields;
    text?: (text: string) => string;
    sample?: SamplePath;
    key?: string;
  },
): void {
  test(title, async () => {
    const {
      sample = good,
      compression = 'none',
      extension = '',
      fields = {},
      text = (all) => all,
      ...made
    } = make();
    const file = made.file ?? sample.nar;
    const all = { ...fieldsOf(sample, file, compression, extension), ...fields };
    const sent = await server.put(`nar/${hash32(file)}.nar${extension}`, file);
    assert.equal(sent.status, 201, sent.detail);
    const was = await holdings();
    const put = await server.put(made.key ?? `${sample.pathHash}.narinfo`, text(lines(all)));
    assert.equal(put.status, status, put.detail);
    assert.match(put.detail, detail);
    assert.deepEqual(await holdings(), was);
    assert.equal((await fetch(`${server.url}/${sample.pathHash}.narinfo`)).status, 404);
  });
}

describe('a narinfo is refused whose', () => {
  const NAR_HASH = `sha256:${hash32(Buffer.from('another'))}`;
  const FIELDS: [string, Fields, RegExp, number?][] = [
    ['NarHash is another', { NarHash: NAR_HASH }, /is not of the claimed hash/],
    ['NarHash is of another kind', { NarHash: `sha1:${'0'.repeat(32)}` }, /sha256/],
    ['NarHash has a digit too many', { NarHash: `${NAR_HASH}0` }, /hash/],
    ['NarHash is no hash', { NarHash: 'x' }, /hash/],
    ['NarHash is missing', { NarHash: undefined }, /field NarHash/],
    ['NarSize is one less', { NarSize: `${good.nar.length - 1}` }, /at most|bytes long/],
    ['NarSize is eight more', { NarSize: `${good.nar.length + 8}` }, /bytes long, as was claimed/],
    ['NarSize is 0', { NarSize: '0' }, /size in bytes/],
    ['NarSize is negative', { NarSize: '-8' }, /size in bytes/],
    ['NarSize is smaller than any NAR', { NarSize: '8' }, /between 96/],
    ['NarSize is a petabyte', { NarSize: `${2 ** 50}` }, /between 96/],
    ['NarSize is beyond 2^53', { NarSize: '99999999999999999' }, /size in bytes/],
    ['NarSize is hexadecimal', { NarSize: '0x100' }, /size in bytes/],
    ['NarSize is missing', { NarSize: undefined }, /field NarSize/],
    ['FileHash is another', { FileHash: NAR_HASH }, /FileHash/],
    ['FileHash is of another kind', { FileHash: `md5:${'0'.repeat(26)}` }, /sha256/],
    ['FileSize is another', { FileSize: '100' }, /FileSize/],
    ['FileSize is 0', { FileSize: '0' }, /size/],
    [
      'URL was not uploaded',
      { URL: `nar/${'0'.repeat(52)}.nar`, NarHash: NAR_HASH },
      /upload it before/,
      409,
    ],
    ['URL is absolute', { URL: 'https://example.org/x.nar' }, /URL/],
    ['URL is a file of ours', { URL: 'file:///etc/passwd' }, /URL/],
    ['URL leads out of the cache', { URL: '../../../etc/passwd' }, /URL/],
    ['URL leads out by its middle', { URL: 'nar/../../etc/passwd' }, /URL/],
    ['URL is a narinfo', { URL: `${good.pathHash}.narinfo` }, /URL/],
    ['URL is encoded', { URL: 'nar%2f..%2fx.nar' }, /URL/],
    ['URL has a query', { URL: `nar/${'0'.repeat(52)}.nar?x` }, /URL/],
    ['URL is empty', { URL: '' }, /URL/],
    ['URL is missing', { URL: undefined }, /field URL/],
    ['StorePath is of another hash part', { StorePath: other }, /hash part/],
    [
      'StorePath is of another store',
      { StorePath: good.path.replace('/nix/store', '/gnu/store') },
      /below \/nix\/store/,
    ],
    ['StorePath is relative', { StorePath: good.path.slice('/nix/store/'.length) }, /below \/nix\/store/],
    ['StorePath is a file within', { StorePath: `${good.path}/bin` }, /store path/],
    ['StorePath leaves the store', { StorePath: '/nix/store/../../etc/passwd' }, /store path/],
    ['StorePath has no name', { StorePath: `/nix/store/${good.pathHash}-` }, /store path/],
    [
      'StorePath is a name too long',
      { StorePath: `/nix/store/${good.pathHash}-${'x'.repeat(212)}` },
      /store path/,
    ],
    ['StorePath is named ..', { StorePath: `/nix/store/${good.pathHash}-..` }, /store path/],
    ['StorePath has a NUL', { StorePath: `${good.path}\0x` }, /store path/],
    ['StorePath is missing', { StorePath: undefined }, /field StorePath/],
    ['References are not in the NAR', { References: other.slice('/nix/store/'.length) }, /found in its NAR/],
    ['References are full paths', { References: other }, /store path/],
    ['References have letters that hash parts lack', { References: `${'e'.repeat(32)}-x` }, /store path/],
    [
      'References have two names for one hash part',
      { References: `${'1'.repeat(32)}-a ${'1'.repeat(32)}-b` },
      /another hash part/,
    ],
    [
      'References have the path under another name',
      { References: `${good.pathHash}-bad` },
      /another hash part/,
    ],
    ['References say that it refers to itself', { References: `${good.pathHash}-good` }, /found in its NAR/],
    ['Deriver is no derivation', { Deriver: `${'1'.repeat(32)}-x` }, /Deriver/],
    ['Deriver is no path', { Deriver: '/etc/passwd' }, /store path/],
    ['Compression is another', { Compression: 'xz' }, /xz/],
    ['Compression is zstd, and the file is not', { Compression: 'zstd' }, /zstd/],
    ['Compression is bzip2, and the file is not', { Compression: 'bzip2' }, /bzip2/],
    ['Compression is absent, which means bzip2', { Compression: undefined }, /bzip2/],
    ['Compression is br, and the file is not', { Compression: 'br' }, /br content/],
    ['Compression is gzip, and the file is not', { Compression: 'gzip' }, /gzip/],
    ['Compression is one that nobody writes', { Compression: 'lzip' }, /one of none, zstd/],
    ['Compression is unknown', { Compression: 'rar' }, /one of/],
    ['CA is of another content', { CA: `fixed:r:${NAR_HASH}` }, /CA/],
    ['CA is a text', { CA: `text:${NAR_HASH}` }, /CA/],
    ['CA is made by git', { CA: `fixed:git:sha1:${'0'.repeat(32)}` }, /CA|fixed output/],
    ['CA is nonsense', { CA: 'nonsense' }, /nonsense/],
    ['Sig has no name', { Sig: ':AAAA' }, /signature/],
    ['Sig is too short', { Sig: 'key-1:AAAA' }, /signature/],
    ['Sig is no base 64', { Sig: 'key-1:%%%%' }, /signature/],
  ];
  for (const [title, fields, detail, status] of FIELDS)
    refuses(title, status === undefined ? { detail } : { detail, status }, () => ({ fields }));

  const TEXTS: [string, (text: string) => string, RegExp][] = [
    ['lines end in CRLF', (text) => text.replaceAll('\n', '\r\n'), /carriage return/],
    ['last line has no end', (text) => text.slice(0, -1), /newline/],
    ['References lack their space', (text) => text.replace('References: \n', 'References:\n'), /Key: value/],
    ['StorePath comes twice', (text) => `${text}StorePath: ${good.path}\n`, /given once/],
    ['NarHash comes twice', (text) => `${text}NarHash: sha256:${'0'.repeat(52)}\n`, /given once/],
    ['text is empty', () => '', /field StorePath/],
    ['text is JSON', () => '{"StorePath":"x"}', /newline/],
    ['text is JSON on a line', () => '{"StorePath":"x"}\n', /Key: value|field/],
    ['text is HTML', () => '<html>\n</html>\n', /Key: value/],
    ['text is binary', () => '\0\u0001\u0002\n', /Key: value/],
    ['text begins with a blank line', (text) => `\n${text}`, /Key: value/],
  ];
  for (const [title, text, detail] of TEXTS) refuses(title, { detail }, () => ({ text }));

  const CONTENT_ADDRESSED = samplePath('flat', {});
  refuses('CA makes this path, and its NAR has another content', { detail: /CA|content address/ }, () => ({
    sample: CONTENT_ADDRESSED,
    fields: { CA: `fixed:r:sha256:${hash32(CONTENT_ADDRESSED.nar)}` },
  }));
});

describe('a file is refused that', () => {
  const xz = (bytes: Buffer): Buffer => execFileSync('xz', ['-c'], { input: bytes });
  const bzip2 = (bytes: Buffer): Buffer => execFileSync('bzip2', ['-c'], { input: bytes });
  const FORMATS: [string, string, (bytes: Buffer) => Buffer][] = [
    ['zstd', '.zst', (bytes) => zstdCompressSync(bytes)],
    ['xz', '.xz', xz],
    ['bzip2', '.bz2', bzip2],
    ['gzip', '.gz', (bytes) => gzipSync(bytes)],
    ['br', '.br', (bytes) => brotliCompressSync(bytes)],
  ];
  for (const [compression, extension, compress] of FORMATS) {
    const as = (file: Buffer) => ({ compression, extension, file });
    const whole = compress(good.nar);
    refuses(`is cut off in the middle of its ${compression}`, { detail: /content/ }, () =>
      as(whole.subarray(0, whole.length >> 1)),
    );
    refuses(`is empty, and called ${compression}`, { detail: /content/ }, () => as(Buffer.alloc(0)));
    refuses(`goes on behind its ${compression}`, { detail: /content/ }, () =>
      as(Buffer.concat([whole, Buffer.from('and on')])),
    );
    refuses(`becomes 50 MB out of ${compression}`, { detail: /content/ }, () =>
      as(compress(Buffer.alloc(50_000_000))),
    );
    refuses(`is another NAR in ${compression}`, { detail: /bytes long|claimed hash|at most/ }, () =>
      as(compress(formatNarTree({ another: { content: '' } }))),
    );
  }
  refuses('goes on behind its NAR', { detail: /at most|complete/ }, () => ({
    file: Buffer.concat([good.nar, Buffer.alloc(8)]),
  }));
  refuses('lacks the end of its NAR', { detail: /complete archive/ }, () => ({
    file: good.nar.subarray(0, -16),
  }));
  refuses('is no NAR', { detail: /NAR/ }, () => ({ file: Buffer.alloc(good.nar.length, 'x') }));
  refuses('is empty', { detail: /NAR/ }, () => ({ file: Buffer.alloc(0) }));

  const file = fileNar('');
  const deep = (levels: number): Buffer => (levels === 0 ? file : directoryNar([['d', deep(levels - 1)]]));
  const entry = (name: string | Buffer): Buffer => nar(directoryNar([[name, file]]));
  const BAD: [string, Buffer, RegExp][] = [
    ['has an entry named ..', entry('..'), /entry name/],
    ['has an entry named .', entry('.'), /entry name/],
    ['has an entry without a name', entry(''), /entry name/],
    ['has an entry with a slash', entry('a/b'), /entry name/],
    ['has an entry with a NUL', entry('a\0b'), /entry name/],
    ['has an entry whose name has 256 bytes', entry('x'.repeat(256)), /at most 255/],
    [
      'has entries out of order',
      nar(
        directoryNar([
          ['b', file],
          ['a', file],
        ]),
      ),
      /after/,
    ],
    [
      'has an entry twice',
      nar(
        directoryNar([
          ['a', file],
          ['a', file],
        ]),
      ),
      /after/,
    ],
    ['is nested 64 deep', nar(deep(64)), /nesting/],
    ['has a symlink without a target', nar(linkNar('')), /symlink target/],
    ['has a symlink to a NUL', nar(linkNar('a\0b')), /symlink target/],
    ['has a symlink to 4096 bytes', nar(linkNar('x'.repeat(4096))), /at most 4095/],
    ['has another magic', Buffer.concat([str('nix-archive-2'), file]), /nix-archive-1/],
    [
      'has an object of no known type',
      Buffer.concat([str('nix-archive-1'), str('('), str('type'), str('device'), str(')'), Buffer.alloc(64)]),
      /regular, directory or symlink/,
    ],
    [
      'has padding that is not zero',
      Buffer.from(nar(fileNar('x')).toString('latin1').replace('x\0\0', 'x\0!'), 'latin1'),
      /zeros/,
    ],
    [
      'says that a file has 2^60 bytes',
      nar(
        Buffer.concat([
          str('('),
          str('type'),
          str('regular'),
          str('contents'),
          Buffer.from('0000000000000010', 'hex'),
          Buffer.alloc(64),
        ]),
      ),
      /bytes/,
    ],
    [
      'says that a name has 2^40 bytes',
      nar(
        Buffer.concat([
          str('('),
          str('type'),
          str('directory'),
          str('entry'),
          str('('),
          str('name'),
          Buffer.from('0000000000010000', 'hex'),
          Buffer.alloc(64),
        ]),
      ),
      /at most 255/,
    ],
  ];
  for (const [title, bytes, detail] of BAD)
    refuses(title, { detail }, () => ({ sample: { ...samplePath('bad', {}), nar: bytes } }));
});

describe('refused, whatever it holds, is', () => {
  const NAMES: [string, number][] = [
    ['nar/short.nar', 404],
    [`nar/${'e'.repeat(52)}.nar`, 404],
    [`nar/${'0'.repeat(52)}.nar.exe`, 404],
    [`nar/..%2f..%2f${'0'.repeat(40)}`, 404],
    [`nar/${'0'.repeat(52)}`, 404],
    [`${'0'.repeat(31)}.narinfo`, 404],
    [`${'e'.repeat(32)}.narinfo`, 404],
    [`${'0'.repeat(32)}.narinfo.bak`, 404],
    ['log/x', 404],
    [`log/${'0'.repeat(32)}-x`, 404],
    ['log/..%2f..%2fx.drv', 404],
    [`realisations/sha256:${'0'.repeat(63)}!out.doi`, 404],
    [`build-trace-v2/${'0'.repeat(32)}-x.drv/..%2fx.doi`, 404],
    ['debuginfo/../../x', 404],
    [`debuginfo/${'0'.repeat(39)}.debug`, 404],
    ['tmp/x', 404],
    ['staging/nar/x', 404],
  ];
  for (const [key, status] of NAMES)
    test(`PUT /${key}`, async () => {
      const was = await holdings();
      assert.equal((await server.put(key, 'x')).status, status);
      assert.deepEqual(await holdings(), was);
    });

  const BODIES: [string, string, string, number, RegExp][] = [
    ['a NAR under a name that is not its hash', `nar/${'0'.repeat(52)}.nar`, 'x', 422, /sha256 is the name/],
    ['a listing that is no JSON', `${'0'.repeat(32)}.ls`, '{', 422, /JSON/],
    ['a listing of another version', `${'0'.repeat(32)}.ls`, '{"version":2,"root":{}}', 422, /version/],
    ['a debug file that points nowhere', `debuginfo/${'0'.repeat(40)}.debug`, '{}', 422, /archive/],
    [
      'a realisation of another output',
      `realisations/sha256:${'0'.repeat(64)}!out.doi`,
      `{"id":"sha256:${'1'.repeat(64)}!out","outPath":"${'1'.repeat(32)}-x","signatures":[]}`,
      422,
      /realisation/,
    ],
    [
      'a realisation of a path that is not here',
      `realisations/sha256:${'0'.repeat(64)}!out.doi`,
      `{"id":"sha256:${'0'.repeat(64)}!out","outPath":"${'1'.repeat(32)}-x","signatures":[]}`,
      409,
      /upload it before/,
    ],
    [
      'a realisation of a path out of the store',
      `realisations/sha256:${'0'.repeat(64)}!out.doi`,
      `{"id":"sha256:${'0'.repeat(64)}!out","outPath":"../x","signatures":[]}`,
      422,
      /store path/,
    ],
    ['a cache info of another store', 'nix-cache-info', 'StoreDir: /gnu/store\n', 409, /gnu/],
    ['a cache info that is none', 'nix-cache-info', 'x', 422, /nix-cache-info/],
  ];
  for (const [title, key, body, status, detail] of BODIES)
    test(title, async () => {
      const was = await holdings();
      const put = await server.put(key, body);
      assert.equal(put.status, status, put.detail);
      assert.match(put.detail, detail);
      assert.deepEqual(await holdings(), was);
    });

  test('an encoding that nobody knows, and one that is not what it says', async () => {
    assert.equal((await server.put(`${'0'.repeat(32)}.ls`, 'x', { 'content-encoding': 'lzma' })).status, 415);
    assert.equal((await server.put(`${'0'.repeat(32)}.ls`, 'x', { 'content-encoding': 'br' })).status, 422);
    assert.equal(
      (await server.put(`nar/${'0'.repeat(52)}.nar`, 'x', { 'content-encoding': 'zstd' })).status,
      415,
    );
  });

  test('a narinfo of megabytes, and a small one that becomes that', async () => {
    const long = `StorePath: ${good.path}\n${'Sig: x:AAAA\n'.repeat(500_000)}`;
    assert.equal((await server.put(`${good.pathHash}.narinfo`, long)).status, 413);
    const bomb = gzipSync(Buffer.alloc(50_000_000, 'x'));
    const put = await server.put(`${good.pathHash}.narinfo`, bomb, { 'content-encoding': 'gzip' });
    assert.ok([413, 422].includes(put.status), `${put.status} ${put.detail}`);
  });

  test('and after all of that the true one is taken', async () => {
    const sent = await server.put(`nar/${hash32(good.nar)}.nar`, good.nar);
    assert.equal(sent.status, 201, sent.detail);
    const put = await server.put(`${good.pathHash}.narinfo`, lines(fieldsOf(good, good.nar, 'none', '')));
    assert.equal(put.status, 201, put.detail);
  });
});
