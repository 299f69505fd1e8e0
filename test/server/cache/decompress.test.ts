import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { decompress, type UploadCompression } from '../../../server/cache/decompress.ts';

const content = Buffer.concat([Buffer.alloc(700_000, 'text that repeats. '), randomBytes(300_000)]);
const by = (command: string, input = content): Buffer =>
  execFileSync(command, ['-c'], { input, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'ignore'] });

const COMPRESSED: Readonly<Record<UploadCompression, Buffer>> = {
  none: content,
  zstd: zstdCompressSync(content),
  xz: by('xz'),
  bzip2: by('bzip2'),
  gzip: gzipSync(content),
  br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
};

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  compression: UploadCompression,
  bytes: Buffer,
  { max = content.length, chunk = 65_536 } = {},
): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decompress(compression, chunksOf(bytes, chunk), max)));
}

for (const [name, bytes] of Object.entries(COMPRESSED) as [UploadCompression, Buffer][])
  describe(name, () => {
    test('is read in chunks of any size', async () => {
      for (const chunk of [997, bytes.length])
        assert.ok((await read(name, bytes, { chunk })).equals(content));
    });

    test('is refused one byte beyond the limit', async () => {
      await assert.rejects(read(name, bytes, { max: content.length - 1 }), /at most 999999 bytes/);
    });

    if (name !== 'none') {
      test('is refused where it is cut off, anywhere', async () => {
        for (const length of [0, 1, 5, 20, bytes.length - 20, bytes.length - 1])
          await assert.rejects(read(name, bytes.subarray(0, length)), { name: 'ParseError' }, `${length}`);
      });

      test('is refused with bytes behind its end', async () => {
        for (const more of [Buffer.from('x'), Buffer.from('more bytes than any footer has'), Buffer.alloc(8)])
          await assert.rejects(read(name, Buffer.concat([bytes, more])), { name: 'ParseError' });
      });

      test('is refused where it is another format', async () => {
        for (const other of ['zstd', 'xz', 'bzip2', 'gzip'] as const)
          if (other !== name)
            await assert.rejects(read(name, COMPRESSED[other]), { name: 'ParseError' }, other);
      });
    }

    test('passes on an error of its source', async () => {
      async function* broken(): AsyncGenerator<Buffer> {
        yield bytes.subarray(0, 1000);
        throw new RangeError('the connection was cut');
      }
      await assert.rejects(Array.fromAsync(decompress(name, broken(), content.length)), {
        name: 'RangeError',
        message: 'the connection was cut',
      });
    });
  });

describe('zstd frames', () => {
  const frame = zstdCompressSync(Buffer.from('hello '));
  const skippable = (size: number): Buffer => {
    const bytes = Buffer.alloc(8 + size);
    bytes.writeUInt32LE(0x184d2a50, 0);
    bytes.writeUInt32LE(size, 4);
    return bytes;
  };

  test('are all read, with skippable ones among them', async () => {
    const bytes = Buffer.concat([skippable(3), frame, skippable(100), frame, skippable(0)]);
    assert.equal((await read('zstd', bytes)).toString(), 'hello hello ');
  });

  test('are refused where there is only something to skip, or too much of it', async () => {
    await assert.rejects(read('zstd', skippable(8)), /at least one frame/);
    await assert.rejects(read('zstd', Buffer.concat([frame, skippable(17 * 1024 * 1024)])), /skippable/);
  });

  test('are refused where millions of them hold nothing', async () => {
    const empty = zstdCompressSync(Buffer.alloc(0));
    await assert.rejects(
      read('zstd', Buffer.alloc(empty.length * 2000, empty), { max: 100 }),
      /2000|at most 1024/,
    );
  });

  test('are refused where they want a window of 256 MiB', async () => {
    const bytes = execFileSync('zstd', ['--ultra', '--long=28', '-c'], {
      input: content,
      maxBuffer: 2 ** 30,
    });
    await assert.rejects(read('zstd', bytes), /window/);
  });

  test('are refused where a dictionary is needed', async () => {
    // Descriptor: a dictionary id of one byte, a segment of one byte's size.
    await assert.rejects(read('zstd', Buffer.from('28b52ffd2107010900006f', 'hex')), /no dictionary/);
  });
});

test('a block of bzip2 that repeats one byte is refused by the size that was declared', async () => {
  const bomb = by('bzip2', Buffer.alloc(50_000_000));
  assert.ok(bomb.length < 100);
  await assert.rejects(read('bzip2', bomb, { max: 1000 }), { name: 'ParseError' });
});
