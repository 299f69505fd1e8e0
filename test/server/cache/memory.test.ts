import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VIEW_BITS } from '../../../db/path-changes.ts';
import { parseResource, type Resource } from '../../../server/cache/resource.ts';
import { bytesContent, type CacheSource, type Content } from '../../../server/cache/source.ts';
import { createMemorySource } from '../../../server/cache/sources/memory.ts';

const HASHES = Array.from({ length: 40 }, (_, number) => String(number).padStart(32, '0'));
const [A = '', B = '', C = ''] = HASHES;
const urlOf = (hash: string): string => `nar/${hash}${'0'.repeat(20)}.nar.zst`;

function resource(key: string): Resource {
  const parsed = parseResource(key);
  assert.ok(parsed !== undefined, key);
  return parsed;
}

/** A source that says what it was asked, answers when it is let, and an index beside it. */
function setUp({ maxBytes = 1_000_000, nars }: { maxBytes?: number; nars?: CacheSource } = {}) {
  const views = new Map<string, number>();
  const listeners: ((hash: string | undefined) => void)[] = [];
  const asked: string[] = [];
  const texts = new Map<string, string>();
  let gate = Promise.resolve();
  const inner: CacheSource = {
    storeDir: '/nix/store',
    find: async ({ key }) => {
      asked.push(key);
      const text = texts.get(key);
      await gate;
      return text === undefined ? undefined : bytesContent(text);
    },
  };
  const paths = {
    isCurrent: true,
    views: (hash: string) => views.get(hash),
    onChange: (listener: (hash: string | undefined) => void) => void listeners.push(listener),
  };
  const source = createMemorySource({
    inner,
    nars: nars ?? inner,
    paths,
    viewBit: VIEW_BITS.public,
    maxBytes,
  });
  return {
    source,
    asked,
    paths,
    setGate: (promise: Promise<void>): void => {
      gate = promise;
    },
    change: (hash: string | undefined) => listeners.forEach((listener) => listener(hash)),
    publish: (hash: string, text = `URL: ${urlOf(hash)}\n`, bits: number = VIEW_BITS.public) => {
      views.set(hash, bits);
      texts.set(`${hash}.narinfo`, text);
    },
    views,
    texts,
    find: (key: string) => source.find(resource(key)),
    text: async (key: string) => textOf(await source.find(resource(key))),
  };
}

function textOf(content: Content | undefined): string | undefined {
  return content?.body.kind === 'bytes' ? content.body.bytes.toString() : undefined;
}

test('a path that is not in the index is a miss at once, and nobody is asked', () => {
  const cache = setUp();
  cache.publish(A);
  assert.equal(cache.find(`${B}.narinfo`), undefined);
  assert.deepEqual(cache.asked, []);
});

test('a narinfo is asked for once, and answered without a promise from then on', async () => {
  const cache = setUp();
  cache.publish(A);
  assert.equal(await cache.text(`${A}.narinfo`), `URL: ${urlOf(A)}\n`);
  const again = cache.find(`${A}.narinfo`);
  assert.ok(!(again instanceof Promise));
  assert.equal(textOf(again), `URL: ${urlOf(A)}\n`);
  assert.deepEqual(cache.asked, [`${A}.narinfo`]);
});

test('many who want the same at once are one question', async () => {
  const cache = setUp();
  cache.publish(A);
  const all = await Promise.all(Array.from({ length: 50 }, () => cache.text(`${A}.narinfo`)));
  assert.equal(new Set(all).size, 1);
  assert.equal(cache.asked.length, 1);
});

test('a path that another view shows is a miss here, before and after it was kept', async () => {
  const cache = setUp();
  cache.publish(A, 'secret', VIEW_BITS.complete);
  assert.equal(cache.find(`${A}.narinfo`), undefined);
  cache.publish(A);
  await cache.text(`${A}.narinfo`);
  cache.views.set(A, VIEW_BITS.complete);
  cache.change(A);
  assert.equal(cache.find(`${A}.narinfo`), undefined);
});

test('a path that is hidden while it is being asked for is not kept', async () => {
  const cache = setUp();
  cache.publish(A);
  const found = cache.text(`${A}.narinfo`);
  cache.views.set(A, VIEW_BITS.complete);
  cache.change(A);
  await found;
  assert.equal(cache.find(`${A}.narinfo`), undefined);
});

test('what changed is asked for again', async () => {
  const cache = setUp();
  cache.publish(A, 'old');
  cache.publish(B, 'other');
  await cache.text(`${A}.narinfo`);
  await cache.text(`${B}.narinfo`);
  cache.publish(A, 'new');
  cache.change(A);
  assert.equal(await cache.text(`${A}.narinfo`), 'new');
  assert.equal(await cache.text(`${B}.narinfo`), 'other');
  assert.equal(cache.asked.length, 3);
  cache.change(undefined);
  await cache.text(`${B}.narinfo`);
  assert.equal(cache.asked.length, 4);
});

test('what changes while it is being asked for is not kept as it was', async () => {
  const cache = setUp();
  cache.publish(A, 'old');
  const { promise, resolve } = Promise.withResolvers<void>();
  cache.setGate(promise);
  const before = cache.text(`${A}.narinfo`);
  await new Promise((later) => setImmediate(later));
  cache.publish(A, 'new');
  cache.change(A);
  const after = cache.text(`${A}.narinfo`);
  await new Promise((later) => setImmediate(later));
  resolve();
  assert.equal(await before, 'old');
  assert.equal(await after, 'new');
  assert.equal(await cache.text(`${A}.narinfo`), 'new');
});

test('a failed question is not kept, and fails for all who waited', async () => {
  const cache = setUp();
  cache.publish(A, 'text');
  cache.setGate(Promise.reject(new Error('disk')));
  await assert.rejects(cache.text(`${A}.narinfo`), /disk/);
  cache.setGate(Promise.resolve());
  assert.equal(await cache.text(`${A}.narinfo`), 'text');
});

test('what is kept stays below its bound, and the least used goes', async () => {
  const cache = setUp({ maxBytes: 40_000 });
  for (const hash of HASHES) {
    cache.publish(hash, 'x'.repeat(1_500));
    await cache.text(`${hash}.narinfo`);
    await cache.text(`${A}.narinfo`);
    assert.ok(cache.source.kept.bytes <= 40_000, String(cache.source.kept.bytes));
  }
  assert.ok(cache.source.kept.entries < HASHES.length);
  assert.ok(cache.source.kept.entries > 5);
  const count = cache.asked.length;
  await cache.text(`${A}.narinfo`);
  assert.equal(cache.asked.length, count);
  await cache.text(`${B}.narinfo`);
  assert.equal(cache.asked.length, count + 1);
});

test('what is too large for memory is answered all the same', async () => {
  const cache = setUp({ maxBytes: 2_000 });
  cache.publish(A, 'x'.repeat(5_000));
  assert.equal((await cache.text(`${A}.narinfo`))?.length, 5_000);
  assert.equal((await cache.text(`${A}.narinfo`))?.length, 5_000);
  assert.equal(cache.source.kept.entries, 0);
});

test('an index that may be wrong is not asked', async () => {
  const cache = setUp();
  cache.publish(A);
  cache.texts.set(`${B}.narinfo`, 'there');
  await cache.text(`${A}.narinfo`);
  cache.paths.isCurrent = false;
  assert.equal(await cache.text(`${B}.narinfo`), 'there');
  await cache.text(`${A}.narinfo`);
  assert.equal(cache.asked.length, 3);
});

test('a small NAR whose narinfo was shown is kept; one whose path is hidden is asked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-memory-'));
  try {
    const path = join(folder, 'nar');
    await writeFile(path, 'bytes');
    const reads: string[] = [];
    const nars: CacheSource = {
      storeDir: '/nix/store',
      find: async ({ key }) => {
        reads.push(key);
        return { size: 5, tag: 't', body: { kind: 'file', path } };
      },
    };
    const cache = setUp({ nars });
    cache.publish(A);
    cache.publish(C);
    // Before anybody saw its narinfo, who may see it is asked.
    cache.texts.set(urlOf(A), 'asked');
    assert.equal(await cache.text(urlOf(A)), 'asked');
    await cache.text(`${A}.narinfo`);
    assert.equal(await cache.text(urlOf(A)), 'bytes');
    assert.equal(await cache.text(urlOf(A)), 'bytes');
    assert.deepEqual(reads, [urlOf(A)]);
    cache.views.set(A, VIEW_BITS.complete);
    cache.texts.delete(urlOf(A));
    assert.equal(await cache.text(urlOf(A)), undefined);
    cache.publish(A);
    cache.change(A);
    await cache.text(`${A}.narinfo`);
    assert.equal(await cache.text(urlOf(A)), 'bytes');
    assert.deepEqual(reads, [urlOf(A), urlOf(A)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
