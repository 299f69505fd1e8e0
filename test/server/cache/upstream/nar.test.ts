/** NARs of upstream caches: fetched once however many want them, given to all as they arrive, and never whole when they are wrong. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { zstdCompressSync } from 'node:zlib';
import { formatNarInfo } from '../../../../domain/nix/narinfo.ts';
import { generateSecretKey } from '../../../../domain/nix/signature.ts';
import { ask } from '../../../support/cache-server.ts';
import { type PullingOptions, type PullingCache, startPullingCache } from '../../../support/pulling-cache.ts';
import { until } from '../../../support/runs.ts';
import { samplePath } from '../../../support/sample-paths.ts';
import { describe, test } from '../../../support/test.ts';
import {
  type OddUpstream,
  startOddUpstream,
  type UpstreamPath,
  upstreamPath,
} from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const CONTENT = randomBytes(600_000).toString('latin1');
const sample = samplePath('large-1.0', { data: { content: CONTENT } });
const plain = upstreamPath(sample, key);
const packed = upstreamPath(sample, key, {
  file: zstdCompressSync(sample.nar),
  compression: 'zstd',
  extension: '.zst',
});
const narOf = ({ info }: UpstreamPath): string => `/${info.url}`;
const narinfo = `/${sample.pathHash}.narinfo`;

interface Pair extends AsyncDisposable {
  readonly upstream: OddUpstream;
  readonly cache: PullingCache;
}

/** A cache that knows the path, but has nothing of its bytes. */
async function introduce(path: UpstreamPath, options: Partial<PullingOptions> = {}): Promise<Pair> {
  const upstream = await startOddUpstream();
  upstream.serve(path);
  const cache = await startPullingCache({
    policy: 'proxy',
    upstreams: [upstream.url],
    trusted: [key],
    ...options,
  });
  assert.equal((await ask(cache.url, narinfo)).status, 200);
  return {
    upstream,
    cache,
    [Symbol.asyncDispose]: async () => {
      await cache[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const fetches = ({ upstream }: Pair, path: UpstreamPath): number =>
  upstream.requests.filter((one) => one === `GET ${narOf(path)}`).length;

interface Fetched {
  readonly status: number;
  readonly length: number;
  readonly received: Buffer;
  /** Whether the connection was cut before the end. */
  readonly isCut: boolean;
}

/** As much as comes. */
async function fetchSome(url: string, path: string, headers: Record<string, string> = {}): Promise<Fetched> {
  const { hostname, port } = new URL(url);
  const sent = request({ host: hostname, port, path, headers, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  let isCut = false;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    isCut = true;
  }
  const length = Number(answer.headers['content-length']);
  return { status: answer.statusCode ?? 0, length, received: Buffer.concat(chunks), isCut };
}

test('many that want one NAR are one fetch, and have its first half before the second is there', async () => {
  await using pair = await introduce(packed);
  const { upstream, cache } = pair;
  const half = Math.floor(packed.file.length / 2);
  const goOn = Promise.withResolvers<void>();
  upstream.answers.set(narOf(packed), async (_request, response) => {
    response.writeHead(200, { 'content-length': packed.file.length });
    response.write(packed.file.subarray(0, half));
    await goOn.promise;
    response.end(packed.file.subarray(half));
  });
  const { hostname, port } = new URL(cache.url);
  const readers = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const sent = request({ host: hostname, port, path: narOf(packed), agent: false });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      let bytes = 0;
      const atHalf = Promise.withResolvers<void>();
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes >= half - 1) atHalf.resolve();
      });
      const ended = once(answer, 'end');
      return { answer, chunks, atHalf: atHalf.promise, ended };
    }),
  );
  for (const reader of readers) await reader.atHalf;
  // A range of what is there already does not wait either.
  const range = await ask(cache.url, narOf(packed), { headers: { range: 'bytes=100-199' } });
  assert.deepEqual(range.body, packed.file.subarray(100, 200));
  goOn.resolve();
  for (const { answer, chunks, ended } of readers) {
    await ended;
    assert.equal(answer.headers['accept-ranges'], 'bytes');
    assert.deepEqual(Buffer.concat(chunks), packed.file);
  }
  assert.equal(fetches(pair, packed), 1);
  // Who comes now, or goes on after a cut, is given what is kept.
  const resumed = await ask(cache.url, narOf(packed), { headers: { range: `bytes=${half}-` } });
  assert.equal(resumed.status, 206);
  assert.deepEqual(resumed.body, packed.file.subarray(half));
  assert.equal(fetches(pair, packed), 1);
});

test('asking whether the bytes are here fetches nothing, as uploads do before they send them', async () => {
  await using pair = await introduce(packed);
  assert.equal((await ask(pair.cache.url, narOf(packed), { method: 'HEAD' })).status, 404);
  assert.deepEqual(pair.upstream.requests, [`GET ${narinfo}`]);
});

test('a URL that clients remember is known after a restart', async () => {
  await using pair = await introduce(packed);
  await pair.cache.restart();
  assert.deepEqual((await ask(pair.cache.url, narOf(packed))).body, packed.file);
  assert.deepEqual((await ask(pair.cache.url, narinfo)).status, 200);
  assert.equal(pair.upstream.requests.length, 2, 'the narinfo was not asked for again');
});

test('a NAR that nobody named is a miss, and asked of nobody', async () => {
  await using pair = await introduce(packed);
  const url = `/nar/${'0'.repeat(52)}.nar.zst`;
  assert.equal((await ask(pair.cache.url, url)).status, 404);
  assert.equal(pair.upstream.requests.length, 1);
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const whole =
  (file: Buffer): Answer =>
  (response) =>
    void response.end(file);

describe('a NAR arrives whole', () => {
  const halves = (
    answer: (first: boolean, response: ServerResponse, request: IncomingMessage) => void,
  ): Answer => {
    let first = true;
    return (response, sent) => {
      answer(first, response, sent);
      first = false;
    };
  };
  const { file } = packed;
  const cutAt = file.length >> 1;
  const cut = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': file.length });
    response.write(file.subarray(0, cutAt), () => response.destroy());
  };
  const ways: readonly [title: string, answer: () => Answer, idleMs?: number][] = [
    [
      'though the connection is cut, by a range',
      () =>
        halves((first, response, { headers }) => {
          if (first) return cut(response);
          const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
          assert.ok(from > 0 && from <= cutAt, headers.range);
          response.writeHead(206, { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` });
          response.end(file.subarray(from));
        }),
    ],
    [
      'though the connection is cut, from an upstream without ranges',
      () => halves((first, response) => (first ? cut(response) : void response.end(file))),
    ],
    [
      'though no byte comes for long',
      () =>
        halves((first, response) => {
          if (!first) return void response.end(file);
          response.writeHead(200, { 'content-length': file.length });
          response.write(file.subarray(0, cutAt));
        }),
      200,
    ],
    [
      'from where a redirect points to',
      () =>
        (response, { url }) => {
          if (url?.endsWith('?moved') === true) response.end(file);
          else response.writeHead(302, { location: `${narOf(packed)}?moved` }).end();
        },
    ],
    [
      'in chunks of an upstream that does not say how many',
      () => (response) => {
        response.write(file.subarray(0, 1000));
        response.end(file.subarray(1000));
      },
    ],
  ];
  for (const [title, makeAnswer, idleMs] of ways)
    test(title, async () => {
      await using pair = await introduce(packed, idleMs === undefined ? {} : { idleMs });
      const answer = makeAnswer();
      for (const url of [narOf(packed), `${narOf(packed)}?moved`])
        pair.upstream.answers.set(url, (sent, response) => answer(response, sent));
      const got = await fetchSome(pair.cache.url, narOf(packed));
      assert.equal(got.isCut, false, pair.cache.messages.join('\n'));
      assert.deepEqual(got.received, file);
    });

  test('though its file hash and size are not said, once its end is there', async () => {
    const { info } = packed;
    const silent = { ...packed, info: { ...info, url: 'nar/odd', fileHash: null, fileSize: null } };
    await using pair = await introduce(silent);
    pair.upstream.answers.set('/nar/odd', (_sent, response) => {
      response.write(file.subarray(0, 1000));
      response.end(file.subarray(1000));
    });
    const text = (await ask(pair.cache.url, narinfo)).body.toString();
    const url = /^URL: (nar\/.*)$/m.exec(text)?.[1];
    const got = await ask(pair.cache.url, `/${url}`);
    assert.equal(got.headers['content-length'], String(file.length));
    assert.deepEqual(got.body, file);
  });
});

describe('readers never have the whole of a NAR', () => {
  const { file } = packed;
  const changed = Buffer.from(file);
  changed[1000] = (changed[1000] ?? 0) ^ 1;
  const wrong: readonly [title: string, answer: Answer, idleMs?: number][] = [
    ['with one bit that is another', whole(changed)],
    ['that is too long, without a length', (response) => void (response.write(file), response.end('more'))],
    [
      'that ends early, again and again',
      (response) => {
        response.writeHead(200, { 'content-length': file.length });
        response.write(file.subarray(0, 1000), () => response.destroy());
      },
    ],
    [
      'whose rest answers with another range',
      (response, { headers }) => {
        if (headers.range === undefined) {
          response.writeHead(200, { 'content-length': file.length });
          response.write(file.subarray(0, 1000), () => response.destroy());
        } else {
          response.writeHead(206, { 'content-range': `bytes 0-${file.length - 1}/${file.length}` });
          response.end(file);
        }
      },
    ],
  ];
  for (const [title, answer] of wrong)
    for (const policy of ['proxy', 'store'] as const)
      test(`${title} (${policy})`, async () => {
        await using pair = await introduce(packed, { policy });
        pair.upstream.answers.set(narOf(packed), (sent, response) => answer(response, sent));
        const readers = await Promise.all(
          Array.from({ length: 3 }, () => fetchSome(pair.cache.url, narOf(packed))),
        );
        for (const reader of readers) {
          assert.equal(reader.length, file.length);
          assert.ok(reader.isCut && reader.received.length < file.length, `${reader.received.length} bytes`);
        }
        await until('the log says so', async () =>
          pair.cache.messages.some((message) => message.includes('not taken over')),
        );
        // Nothing of it stays, and the next one has it fetched again.
        const before = fetches(pair, packed);
        pair.upstream.serve(packed);
        assert.deepEqual((await ask(pair.cache.url, narOf(packed))).body, file);
        assert.equal(fetches(pair, packed), before + 1);
      });
});

describe('is a miss, so that clients go to another cache or build, a NAR', () => {
  const ways: readonly [string, Answer][] = [
    ['that the upstream has no more', (response) => void response.writeHead(404).end()],
    ['of an upstream that fails', (response) => void response.writeHead(500).end()],
    ['of another size than was said', whole(Buffer.from('short'))],
    [
      'of an upstream that redirects in circles',
      (response) => void response.writeHead(302, { location: narOf(packed) }).end(),
    ],
  ];
  for (const [title, answer] of ways)
    test(title, async () => {
      await using pair = await introduce(packed);
      pair.upstream.answers.set(narOf(packed), (sent, response) => answer(response, sent));
      assert.equal((await ask(pair.cache.url, narOf(packed))).status, 404);
      assert.match(pair.cache.messages.join('\n'), /does not give a NAR/);
    });

  test('of an upstream that is away', async () => {
    await using pair = await introduce(packed);
    await pair.upstream.close();
    assert.equal((await ask(pair.cache.url, narOf(packed))).status, 404);
  });
});

test('a NAR that one upstream lost comes from another one that has the same file', async () => {
  await using second = await startOddUpstream();
  second.serve(packed);
  await using first = await startOddUpstream();
  first.serve(packed);
  const upstreams = [first.url, second.url];
  await using cache = await startPullingCache({ policy: 'proxy', upstreams, trusted: [key] });
  await ask(cache.url, narinfo);
  first.answers.delete(narOf(packed));
  assert.deepEqual((await ask(cache.url, narOf(packed))).body, packed.file);
  assert.deepEqual(second.requests, [`GET ${narinfo}`, `GET ${narOf(packed)}`]);
});

test('a plain NAR is passed on as it is', async () => {
  await using pair = await introduce(plain);
  const digest = createHash('sha256').update((await ask(pair.cache.url, narOf(plain))).body);
  assert.deepEqual(digest.digest(), plain.info.narHash.bytes);
  assert.equal(formatNarInfo(plain.info), (await ask(pair.cache.url, narinfo)).body.toString());
});
