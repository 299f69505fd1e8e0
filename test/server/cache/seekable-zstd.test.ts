import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { assert as assertProperty, asyncProperty, nat, tuple } from 'fast-check';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import {
  compressSeekable,
  FRAME_BYTES,
  readSeekable,
  readSeekTable,
} from '../../../server/cache/seekable-zstd.ts';

const folder = await mkdtemp(join(tmpdir(), 'nixwarp-seekable-'));
after(() => rm(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${files++}.zst`);

/** Half text that repeats, half noise, cut into chunks of any size. */
function sampleContent(bytes: number): Buffer {
  const text = Buffer.alloc(bytes, 'a line of a build, and the next one. ');
  randomBytes(Math.floor(bytes / 2)).copy(text, Math.floor(bytes / 4));
  return text;
}

async function* chunksOf(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function read(path: string, start: number, end: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(readSeekable(path, start, end)));
}

async function framesOf(path: string) {
  const handle = await open(path);
  try {
    return await readSeekTable(handle);
  } finally {
    await handle.close();
  }
}

test('any part of the content can be read, whatever the chunks it came in', async () => {
  const sizes = [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 12_345];
  for (const size of sizes) {
    const content = sampleContent(size);
    const file = newFile();
    const written = await compressSeekable({ source: chunksOf(content, 100_003), file, level: 1 });
    const bytes = await readFile(file);
    assert.deepEqual(written, {
      size,
      fileSize: bytes.length,
      fileHash: formatHash(hashOf('sha256', bytes)),
    });
    const range = tuple(nat(size), nat(size)).map((two) => two.toSorted((a, b) => a - b));
    await assertProperty(
      asyncProperty(range, async ([start = 0, end = 0]) => {
        assert.ok((await read(file, start, end)).equals(content.subarray(start, end)), `${start} to ${end}`);
      }),
      { numRuns: 25 },
    );
    await assert.rejects(read(file, 0, size + 1), /bytes 0 to/);
  }
});

test('the same content gives the same file, so that two uploads of it are one', async () => {
  const content = sampleContent(2 * FRAME_BYTES + 7);
  const made = [];
  for (const chunk of [1_000_000, 4096])
    made.push(await compressSeekable({ source: chunksOf(content, chunk), file: newFile(), level: 3 }));
  assert.deepEqual(made[0], made[1]);
});

test('zstd itself reads the file as one stream', async () => {
  const content = sampleContent(2 * FRAME_BYTES + 99);
  const file = newFile();
  await compressSeekable({ source: chunksOf(content, 65_536), file, level: 3 });
  assert.equal((await framesOf(file))?.length, 3);
  const decompressed = execFileSync('zstd', ['-dc', file], { maxBuffer: 2 ** 30 });
  assert.ok(decompressed.equals(content));
});

test('a file of one frame without a table is read, too', async () => {
  const content = sampleContent(3_000_000);
  const file = newFile();
  await writeFile(file, zstdCompressSync(content));
  assert.equal(await framesOf(file), undefined);
  assert.ok((await read(file, 1_000_000, 1_500_000)).equals(content.subarray(1_000_000, 1_500_000)));
  await assert.rejects(read(file, 0, 3_000_001), /a content of 3000000/);
});

test('a table that does not fit its file counts as none, and a damaged frame is no content', async () => {
  const content = sampleContent(FRAME_BYTES + 5);
  const file = newFile();
  await compressSeekable({ source: chunksOf(content, 65_536), file, level: 3 });
  const bytes = await readFile(file);
  const moved = Buffer.from(bytes);
  moved.writeUInt32LE(7, moved.length - 9 - 16);
  await writeFile(file, moved);
  assert.equal(await framesOf(file), undefined);
  assert.ok((await read(file, 0, content.length)).equals(content));
  const damaged = Buffer.from(bytes);
  damaged[5000] = (damaged[5000] ?? 0) ^ 1;
  await writeFile(file, damaged);
  await assert.rejects(read(file, 0, content.length));
});

test('an error of the source is the error of the writer', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield sampleContent(FRAME_BYTES * 2);
    throw new Error('the connection was cut');
  }
  await assert.rejects(compressSeekable({ source: broken(), file: newFile(), level: 3 }), /was cut/);
});
