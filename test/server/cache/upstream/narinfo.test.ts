/** Narinfos of upstream caches: what is signed by a trusted key is served as ours, anything else is a miss. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import { formatNarInfo, type NarInfo, parseNarInfo } from '../../../../domain/nix/narinfo.ts';
import { generateSecretKey } from '../../../../domain/nix/signature.ts';
import { ask } from '../../../support/cache-server.ts';
import { type PullingCache, startPullingCache } from '../../../support/pulling-cache.ts';
import { type SamplePath, samplePath } from '../../../support/sample-paths.ts';
import { describe, test } from '../../../support/test.ts';
import { type OddUpstream, startOddUpstream, upstreamPath } from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const stranger = generateSecretKey('upstream-1');
const sample = samplePath('hello-1.0', { bin: { hello: { content: 'hello', executable: true } } });
const good = upstreamPath(sample, key);
const narinfo = `/${sample.pathHash}.narinfo`;

test('a narinfo of an upstream is served with a URL of ours and the signature of theirs', async () => {
  await using upstream = await startOddUpstream();
  const elsewhere: NarInfo = { ...good.info, url: `some/where/else?token=x` };
  upstream.answers.set(narinfo, (_request, response) => void response.end(formatNarInfo(elsewhere)));
  await using cache = await startPullingCache({ policy: 'proxy', upstreams: [upstream.url], trusted: [key] });
  const answer = await ask(cache.url, narinfo);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/x-nix-narinfo');
  assert.deepEqual(parseNarInfo(answer.body.toString()), good.info);
  const head = await ask(cache.url, narinfo, { method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(answer.body.length));
  assert.deepEqual(upstream.requests, [`GET ${narinfo}`], 'asked once');
  // Planning and publishing know from now on that an upstream has it.
  const [row] = await cache.database.connection.db.execute(
    sql`select upstream from upstream_paths where path_hash = ${sample.pathHash}`,
  );
  assert.equal(row?.['upstream'], upstream.url);
});

describe('is a miss, and said in the log:', () => {
  let upstream: OddUpstream;
  let cache: PullingCache;
  before(async () => {
    upstream = await startOddUpstream();
    cache = await startPullingCache({
      policy: 'proxy',
      upstreams: [upstream.url],
      trusted: [key],
      maxBytes: 4_000,
    });
  });
  after(async () => {
    await cache[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  const other = upstreamPath(samplePath('other-1.0', { other: { content: '' } }), key).info;
  const refused: readonly [
    title: string,
    text: (info: NarInfo, by: SamplePath) => string,
    expected: RegExp,
  ][] = [
    [
      'no signature',
      (info) => formatNarInfo({ ...info, signatures: [] }),
      /one by a trusted key: upstream-1/,
    ],
    [
      'a signature by another key of the same name',
      (_info, by) => formatNarInfo(upstreamPath(by, stranger).info),
      /one by a trusted key/,
    ],
    [
      'a signature of another NAR',
      (info) => formatNarInfo({ ...info, narHash: other.narHash }),
      /one by a trusted key/,
    ],
    ['the narinfo of another path', () => formatNarInfo(other), /whose hash part is/],
    [
      'a path of another store folder',
      (info) => formatNarInfo(info).replace('/nix/store/', '/gnu/store/'),
      /\/gnu\/store/,
    ],
    ['a page that says 200', () => '<!doctype html>\n<title>Welcome</title>\n', /narinfo/],
    [
      'a URL on another machine',
      (info) => formatNarInfo({ ...info, url: 'http://169.254.169.254/latest/meta-data' }),
      /169\.254\.169\.254/,
    ],
    [
      'a compression that nobody can verify',
      (info) => formatNarInfo({ ...info, compression: 'lrzip' }),
      /Compression/,
    ],
    [
      'a false content address',
      (info) => formatNarInfo({ ...info, ca: { method: 'nar', hash: info.narHash } }),
      /CA of/,
    ],
    [
      'a NAR of more bytes than are fetched',
      (info) => formatNarInfo({ ...info, compression: 'xz', fileSize: 5_000 }),
      /at most 4000 bytes/,
    ],
    ['more text than a narinfo has', () => 'x'.repeat(3 * 1024 * 1024), /at most 2097152 bytes/],
  ];
  for (const [title, text, expected] of refused)
    test(title, async () => {
      const by = samplePath(title.replaceAll(' ', '-'), {});
      const path = `/${by.pathHash}.narinfo`;
      const answer = text(upstreamPath(by, key).info, by);
      upstream.answers.set(path, (_request, response) => void response.end(answer));
      const said = cache.messages.length;
      assert.equal((await ask(cache.url, path)).status, 404);
      assert.match(cache.messages.slice(said).join('\n'), expected);
      assert.equal((await ask(cache.url, path)).status, 404);
      assert.equal(upstream.requests.filter((one) => one === `GET ${path}`).length, 1, 'remembered');
    });
});

test('what no upstream has is asked for once', async () => {
  await using upstream = await startOddUpstream();
  await using cache = await startPullingCache({ policy: 'proxy', upstreams: [upstream.url], trusted: [key] });
  for (const method of ['GET', 'HEAD', 'GET'])
    assert.equal((await ask(cache.url, narinfo, { method })).status, 404);
  assert.deepEqual(upstream.requests, [`GET ${narinfo}`]);
  assert.deepEqual(cache.messages, []);
});

test('many that ask for one path at once are one question', async () => {
  await using upstream = await startOddUpstream();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  upstream.answers.set(narinfo, async (_request, response) => {
    asked.resolve();
    await answer.promise;
    response.end(formatNarInfo(good.info));
  });
  await using cache = await startPullingCache({ policy: 'proxy', upstreams: [upstream.url], trusted: [key] });
  const answers = Array.from({ length: 20 }, () => ask(cache.url, narinfo));
  await asked.promise;
  answer.resolve();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(upstream.requests.length, 1);
});

test('upstreams are asked in their order, and the next one where one has it not, is away, or signs wrongly', async () => {
  await using wrong = await startOddUpstream();
  wrong.serve(upstreamPath(sample, stranger));
  await using away = await startOddUpstream();
  await using silent = await startOddUpstream();
  silent.answers.set(narinfo, () => {});
  await using failing = await startOddUpstream();
  failing.answers.set(narinfo, (_request, response) => void response.writeHead(500).end());
  await using lacking = await startOddUpstream();
  await using last = await startOddUpstream();
  last.serve(good);
  await away.close();
  const upstreams = [wrong, away, silent, failing, lacking, last].map(({ url }) => url);
  await using cache = await startPullingCache({ policy: 'proxy', upstreams, trusted: [key], answerMs: 300 });
  assert.equal((await ask(cache.url, narinfo)).status, 200);
  for (const one of [wrong, silent, failing, lacking, last]) assert.equal(one.requests.length, 1);
  assert.equal(cache.messages.length, 4);
});

test('a miss for want of an answer is not remembered, and an upstream that is away is left alone', async () => {
  await using failing = await startOddUpstream();
  failing.answers.set(narinfo, (_request, response) => void response.writeHead(503).end());
  await using cache = await startPullingCache({ policy: 'proxy', upstreams: [failing.url], trusted: [key] });
  assert.equal((await ask(cache.url, narinfo)).status, 404);
  assert.equal((await ask(cache.url, narinfo)).status, 404);
  assert.equal(failing.requests.length, 1);
  failing.serve(good);
  await cache.restart();
  assert.equal((await ask(cache.url, narinfo)).status, 200);
});

test('nothing is asked where pulling is off', async () => {
  await using upstream = await startOddUpstream();
  upstream.serve(good);
  await using cache = await startPullingCache({ policy: 'off', upstreams: [upstream.url], trusted: [key] });
  assert.equal((await ask(cache.url, narinfo)).status, 404);
  assert.deepEqual(upstream.requests, []);
});
