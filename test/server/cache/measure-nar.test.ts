import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { contentAddressedPath, parseContentAddress } from '../../../domain/nix/content-address.ts';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { parseStorePath, storePathHash } from '../../../domain/nix/store-path.ts';
import { DEFAULT_LEVEL, type MeasureOptions, measureNar } from '../../../server/cache/measure-nar.ts';
import { readSeekable } from '../../../server/cache/seekable-zstd.ts';
import { fileNar as fileObject, formatNarTree, nar as narOf } from '../../support/nar-trees.ts';
import { nixClients } from '../../support/nix-clients.ts';
import { samplePath, writeSampleCache } from '../../support/sample-paths.ts';

const folder = await mkdtemp(join(tmpdir(), 'nixwarp-measure-'));
after(() => rm(folder, { recursive: true }));
let files = 0;

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function measure(nar: Buffer, options: Partial<MeasureOptions> = {}) {
  return measureNar({
    source: once(nar),
    compression: 'none',
    maxBytes: nar.length,
    candidates: [],
    file: join(folder, `${files++}`),
    level: DEFAULT_LEVEL,
    ...options,
  });
}

const fileNar = (content: string, executable = false): Buffer => narOf(fileObject(content, executable));
/** Trees are written in latin 1. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

const BUILD_ID = 'ab'.repeat(20);
const debugTree = {
  lib: {
    debug: {
      '.build-id': {
        ab: { [`${BUILD_ID.slice(2)}.debug`]: { content: 'DWARF' }, 'no-id.debug': { content: '' } },
      },
    },
    'libcuda.so': { target: 'libcuda.so.1' },
  },
  bin: {
    __proto__x: { content: '#!/bin/sh\n', executable: true as const },
    [utf8('ünïcode "quoted"')]: { content: 'é' },
  },
  empty: {},
};

const open = nixClients['Nix on PATH'];
test(
  'listing and debug files are those that Nix writes',
  { skip: typeof open === 'string' ? open : false },
  async () => {
    const sample = samplePath('listed', debugTree);
    const from = join(folder, 'from');
    const to = join(folder, 'to');
    await writeSampleCache(from, [sample]);
    const client = await (open as Exclude<typeof open, string | undefined>)();
    const got = await client.run(['copy', '--no-check-sigs', '--from', `file://${from}`, sample.path]);
    assert.ok(got.ok, got.output);
    const put = await client.run([
      'copy',
      '--no-check-sigs',
      '--to',
      `file://${to}?write-nar-listing=true&index-debug-info=true`,
      sample.path,
    ]);
    assert.ok(put.ok, put.output);
    await client.close();
    const measured = await measure(sample.nar);
    const expected = JSON.parse(await readFile(join(to, `${sample.pathHash}.ls`), 'utf8')) as object;
    assert.deepEqual(JSON.parse(measured.listing ?? ''), expected);
    assert.deepEqual(
      measured.debugFiles.map(({ buildId }) => buildId),
      [BUILD_ID],
    );
    const debug = JSON.parse(await readFile(join(to, `debuginfo/${BUILD_ID}.debug`), 'utf8')) as {
      member: string;
    };
    assert.equal(measured.debugFiles[0]?.member, debug.member);
  },
);

test('narOffset of the listing leads to the content in the stored file', async () => {
  const file = join(folder, 'stored');
  const nar = formatNarTree({ a: { content: 'x'.repeat(100_000) }, b: { content: 'sought' } });
  const { listing } = await measure(nar, { file });
  const entry = (
    JSON.parse(listing ?? '') as { root: { entries: { b: { narOffset: number; size: number } } } }
  ).root.entries.b;
  const read = await Array.fromAsync(readSeekable(file, entry.narOffset, entry.narOffset + entry.size));
  assert.equal(Buffer.concat(read).toString(), 'sought');
});

test('a name that is no UTF-8 leaves a NAR without a listing, which JSON could not tell', async () => {
  assert.equal((await measure(formatNarTree({ '\xff': { content: '' } }))).listing, null);
  assert.equal((await measure(formatNarTree({ link: { target: '\xff' } }))).listing, null);
});

test('a size is refused one byte beyond what was claimed, compressed or not', async () => {
  const nar = fileNar('x'.repeat(1000));
  await assert.rejects(measure(nar, { maxBytes: nar.length - 1 }), /at most/);
  const compressed = { source: once(zstdCompressSync(nar)), compression: 'zstd' as const };
  assert.equal((await measure(nar, compressed)).narSize, nar.length);
  await assert.rejects(
    measure(nar, { ...compressed, source: once(zstdCompressSync(nar)), maxBytes: nar.length - 1 }),
    /at most/,
  );
});

describe('a content address', () => {
  const other = parseStorePath(`/nix/store/${'1'.repeat(32)}-other`);
  const verify = async (nar: Buffer, ca: string, pathHash = '0'.repeat(32)) => {
    const address = parseContentAddress(ca);
    return formatHash(
      (await measure(nar, { contentAddress: { ca: address, pathHash } })).contentHash ?? address.hash,
    );
  };
  const some = formatHash(hashOf('sha256', 'anything'));

  test('of a text or a flat file is the hash of its bytes', async () => {
    for (const ca of [`text:${some}`, `fixed:${some}`])
      assert.equal(await verify(fileNar('content'), ca), formatHash(hashOf('sha256', 'content')));
    assert.equal(
      await verify(fileNar('content'), `fixed:${formatHash(hashOf('sha512', ''))}`),
      formatHash(hashOf('sha512', 'content')),
    );
  });

  test('of a single file is refused for a folder and a program', async () => {
    for (const nar of [fileNar('content', true), formatNarTree({})])
      await assert.rejects(verify(nar, `text:${some}`), /single file/);
  });

  test('of a NAR is its hash', async () => {
    const nar = formatNarTree({ file: { content: 'content' } });
    assert.equal(await verify(nar, `fixed:r:${some}`), formatHash(hashOf('sha256', nar)));
  });

  test('that git makes is refused by name', async () => {
    await assert.rejects(
      verify(fileNar(''), `fixed:git:${formatHash(hashOf('sha1', ''))}`),
      /flat, nar or text/,
    );
  });

  test(
    'of a NAR that holds its own path is what Nix computes',
    { skip: typeof open === 'string' ? open : false },
    async () => {
      // `nix store make-content-addressed` rewrites the path of a NAR to the one that its hash gives.
      const sample = samplePath('self', { script: { content: 'x'.repeat(3_000_000) } }, { self: true });
      const from = join(folder, 'self');
      await writeSampleCache(from, [sample]);
      const client = await (open as Exclude<typeof open, string | undefined>)();
      const got = await client.run(['copy', '--no-check-sigs', '--from', `file://${from}`, sample.path]);
      assert.ok(got.ok, got.output);
      const made = await client.run(['store', 'make-content-addressed', '--json', sample.path]);
      const path = /"rewrites":\{"[^"]+":"([^"]+)"/.exec(made.output)?.[1] ?? made.output;
      const cache = join(folder, 'made');
      const put = await client.run([
        'copy',
        '--no-check-sigs',
        '--to',
        `file://${cache}?compression=none`,
        path,
      ]);
      assert.ok(put.ok, put.output);
      await client.close();
      const made2 = parseStorePath(path);
      const info = await readFile(join(cache, `${storePathHash(made2)}.narinfo`), 'utf8');
      const ca = /^CA: (.*)$/m.exec(info)?.[1] ?? '';
      const nar = await readFile(join(cache, /^URL: (.*)$/m.exec(info)?.[1] ?? ''));
      assert.equal(`fixed:r:${await verify(nar, ca, storePathHash(made2))}`, ca);
      assert.equal(contentAddressedPath('self', parseContentAddress(ca), { others: [], self: true }), made2);
      assert.notEqual(
        contentAddressedPath('self', parseContentAddress(ca), { others: [other], self: true }),
        made2,
      );
    },
  );
});
