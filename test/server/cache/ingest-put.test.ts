import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { formatNarInfo, type NarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import {
  fingerprint,
  formatSignature,
  parseSignature,
  signFingerprint,
  verifyFingerprint,
} from '../../../domain/nix/signature.ts';
import { narInfoOf, type SamplePath, samplePath } from '../../support/sample-paths.ts';
import { ownKey, startSampleServer, type SampleServer, trustedKey } from '../../support/sample-server.ts';

let server: SampleServer;
before(async () => {
  server = await startSampleServer();
});
after(() => server[Symbol.asyncDispose]());

async function get(path: string): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(`${server.url}/${path}`);
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
}

const narInfoAt = async (sample: SamplePath): Promise<NarInfo> =>
  parseNarInfo((await get(`${sample.pathHash}.narinfo`)).body.toString());

async function upload(
  sample: SamplePath,
  file = sample.nar,
  compression: NarInfo['compression'] = 'none',
  extension = '',
) {
  const info = narInfoOf(sample, file, compression, extension);
  const nar = await server.put(info.url, file);
  assert.equal(nar.status, 201, nar.detail);
  return { info, put: await server.put(`${sample.pathHash}.narinfo`, formatNarInfo(info)) };
}

const by = (command: string, input: Buffer): Buffer =>
  execFileSync(command, ['-c'], { input, maxBuffer: 2 ** 30 });
const FORMATS: readonly [NarInfo['compression'], string, (nar: Buffer) => Buffer][] = [
  ['none', '', (nar) => nar],
  ['xz', '.xz', (nar) => by('xz', nar)],
  ['bzip2', '.bz2', (nar) => by('bzip2', nar)],
  ['gzip', '.gz', (nar) => gzipSync(nar)],
  ['br', '.br', (nar) => brotliCompressSync(nar, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ['zstd', '.zst', (nar) => zstdCompressSync(nar)],
];

describe('an upload', () => {
  for (const [compression, extension, compress] of FORMATS)
    test(`compressed by ${compression} is stored as zstd, verified and signed`, async () => {
      const sample = samplePath(
        `by-${compression}`,
        { file: { content: 'x'.repeat(100_000) } },
        { self: true },
      );
      const { put } = await upload(sample, compress(sample.nar), compression, extension);
      assert.equal(put.status, 201, put.detail);
      const info = await narInfoAt(sample);
      assert.equal(info.compression, 'zstd');
      const file = (await get(info.url)).body;
      assert.equal(file.length, info.fileSize);
      assert.ok(execFileSync('zstd', ['-dc'], { input: file, maxBuffer: 2 ** 30 }).equals(sample.nar));
      assert.ok(
        info.signatures.some((one) => verifyFingerprint(fingerprint(info), parseSignature(one), [ownKey])),
      );
      const listing = JSON.parse((await get(`${sample.pathHash}.ls`)).body.toString()) as {
        root: { entries: object };
      };
      assert.deepEqual(Object.keys(listing.root.entries), ['file', 'references']);
    });

  test('is visible only when all is that it refers to, whatever the order', async () => {
    const leaf = samplePath('leaf', {});
    const middle = samplePath('middle', {}, { references: [leaf] });
    const root = samplePath('root', {}, { references: [middle, leaf] });
    for (const sample of [root, middle]) {
      assert.equal((await upload(sample)).put.status, 201);
      for (const key of [`${sample.pathHash}.narinfo`, `${sample.pathHash}.ls`])
        assert.equal((await get(key)).status, 404, key);
    }
    assert.equal((await upload(leaf)).put.status, 201);
    for (const sample of [leaf, middle, root])
      for (const key of [`${sample.pathHash}.narinfo`, `${sample.pathHash}.ls`])
        assert.equal((await get(key)).status, 200, key);
  });

  test('again changes nothing, and leaves nothing', async () => {
    const sample = samplePath('twice', {});
    await upload(sample);
    const first = await get(`${sample.pathHash}.narinfo`);
    const again = await upload(sample);
    assert.equal(again.put.status, 204);
    assert.deepEqual(await get(`${sample.pathHash}.narinfo`), first);
  });

  test('of two paths with one NAR needs its bytes once', async () => {
    const one = samplePath('same-1', {});
    const two = { ...samplePath('same-2', {}), nar: one.nar };
    await upload(one);
    const put = await server.put(`${two.pathHash}.narinfo`, formatNarInfo(narInfoOf(two)));
    assert.equal(put.status, 201, put.detail);
    assert.equal((await narInfoAt(two)).url, (await narInfoAt(one)).url);
  });

  test('of other bytes for a published path is refused, and a finding', async () => {
    const sample = samplePath('published', {});
    await upload(sample);
    const first = await narInfoAt(sample);
    const other = { ...sample, nar: samplePath('other', { other: { content: 'bytes' } }).nar };
    const { put } = await upload(other);
    assert.equal(put.status, 409);
    assert.match(put.detail, /published bytes never change/);
    assert.deepEqual(await narInfoAt(sample), first);
    assert.deepEqual(await server.provenance(sample.pathHash), [true, false]);
  });

  test('of a narinfo with a further signature adds it where its key is trusted, and drops it else', async () => {
    const sample = samplePath('signed', {});
    await upload(sample);
    const info = narInfoOf(sample);
    const text = fingerprint(info);
    const good = formatSignature(signFingerprint(text, trustedKey));
    const bad = formatSignature({ ...signFingerprint('another text', trustedKey), keyName: 'unknown-1' });
    const put = await server.put(
      `${sample.pathHash}.narinfo`,
      formatNarInfo({ ...info, signatures: [good, bad] }),
    );
    assert.equal(put.status, 204, put.detail);
    const names = (await narInfoAt(sample)).signatures.map((one) => parseSignature(one).keyName);
    assert.deepEqual(names.toSorted(), [ownKey.name, trustedKey.name].toSorted());
  });

  test('of a listing, a debug file and a cache info is accepted, and what the server made itself stays', async () => {
    const sample = samplePath('listed', { file: { content: 'x' } });
    const early = await server.put(
      `${sample.pathHash}.ls`,
      '{"version":1,"root":{"type":"directory","entries":{}}}',
    );
    assert.equal(early.status, 204, early.detail);
    await upload(sample);
    assert.match((await get(`${sample.pathHash}.ls`)).body.toString(), /narOffset/);
    const debug = await server.put(
      `debuginfo/${'a'.repeat(40)}.debug`,
      '{"archive":"../nar/x","member":"x"}',
    );
    assert.equal(debug.status, 204, debug.detail);
    assert.equal((await server.put('nix-cache-info', 'StoreDir: /nix/store\n')).status, 204);
    assert.equal((await server.put('nix-cache-info', 'StoreDir: /gnu/store\n')).status, 409);
  });

  test('with debug symbols can be found by build id, with and without the suffix', async () => {
    const buildId = '0123456789'.repeat(4);
    const tree = {
      lib: { debug: { '.build-id': { '01': { [`${buildId.slice(2)}.debug`]: { content: 'D' } } } } },
    };
    const sample = samplePath('debug', tree);
    await upload(sample);
    for (const key of [`debuginfo/${buildId}.debug`, `debuginfo/${buildId}`]) {
      const { archive, member } = JSON.parse((await get(key)).body.toString()) as Record<string, string>;
      assert.equal(archive, `../${(await narInfoAt(sample)).url}`);
      assert.equal(member, `lib/debug/.build-id/01/${buildId.slice(2)}.debug`);
    }
  });

  test('of a log is shown by its derivation, and may come encoded', async () => {
    const drv = `${'d'.repeat(32)}-logged.drv`;
    assert.equal((await server.put(`log/${drv}`, 'a line\n')).status, 201);
    assert.equal((await get(`log/${drv}`)).body.toString(), 'a line\n');
    const encoded = await server.put(`log/${drv}`, brotliCompressSync(Buffer.from('another\n')), {
      'content-encoding': 'br',
    });
    assert.equal(encoded.status, 204, encoded.detail);
    assert.equal((await get(`log/${drv}`)).body.toString(), 'another\n');
  });

  test('of realisations gathers the signatures of all builders', async () => {
    const sample = samplePath('realised', {});
    await upload(sample);
    const id = `sha256:${'a'.repeat(64)}!out`;
    const outPath = sample.path.slice('/nix/store/'.length);
    for (const signature of ['one:AAAA', 'two:BBBB']) {
      const text = JSON.stringify({ dependentRealisations: {}, id, outPath, signatures: [signature] });
      const put = await server.put(`realisations/${encodeURIComponent(id)}.doi`, text);
      assert.ok(put.status < 300, put.detail);
      const trace = JSON.stringify({ outPath, signatures: [signature] });
      assert.ok((await server.put(`build-trace-v2/${'d'.repeat(32)}-x.drv/out.doi`, trace)).status < 300);
    }
    for (const key of [
      `realisations/${encodeURIComponent(id)}.doi`,
      `build-trace-v2/${'d'.repeat(32)}-x.drv/out.doi`,
    ])
      assert.deepEqual(
        (JSON.parse((await get(key)).body.toString()) as { signatures: string[] }).signatures,
        ['one:AAAA', 'two:BBBB'],
      );
    const absent = JSON.stringify({
      dependentRealisations: {},
      id,
      outPath: `${'1'.repeat(32)}-absent`,
      signatures: [],
    });
    assert.equal((await server.put(`realisations/${encodeURIComponent(id)}.doi`, absent)).status, 409);
  });

  test('needs a token, and is refused before its body is sent', async () => {
    for (const key of [
      `${'0'.repeat(32)}.narinfo`,
      `nar/${'0'.repeat(52)}.nar`,
      `log/${'0'.repeat(32)}-x.drv`,
    ]) {
      assert.equal((await server.put(key, 'x', {}, undefined)).status, 401, key);
      assert.equal(await server.expectContinue(key, undefined), 401, key);
      assert.equal(await server.expectContinue(key, 'wrong'), 401, key);
      assert.equal(await server.expectContinue(key, 'builder'), 100, key);
    }
  });

  test('leaves no temporary file and no staged one', async () => {
    assert.deepEqual(await readdir(join(server.cacheFolder, 'tmp')), []);
  });
});
