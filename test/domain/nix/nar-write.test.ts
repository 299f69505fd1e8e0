import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { writeNar, writeNarFrom } from '../../../domain/nix/nar-write.ts';
import type { NarSource } from '../../../domain/nix/nar-write.ts';
import { fileNar, formatNarTree, isFile, isLink, nar, readNarTree } from '../../support/nar-trees.ts';
import type { DirectoryTree, Tree } from '../../support/nar-trees.ts';
import { NIX_VERSIONS, listVectors, readVectorBytes } from '../../support/nix-vectors.ts';
import { describe, test } from '../../support/test.ts';

/** A tree as a source: entries in reverse, contents in pieces, so that sorting and gathering have something to do. */
function sourceOf(tree: Tree, pieceBytes = 3): NarSource {
  if (isLink(tree)) return { kind: 'symlink', target: Buffer.from(tree.target, 'latin1') };
  if (!isFile(tree)) {
    const entries = Object.entries(tree).map(([name, entry]) => ({
      name: Buffer.from(name, 'latin1'),
      source: sourceOf(entry, pieceBytes),
    }));
    return { kind: 'directory', entries: async () => Promise.resolve(entries.toReversed()) };
  }
  const content = Buffer.from(tree.content, 'latin1');
  return {
    kind: 'regular',
    executable: tree.executable === true,
    size: content.length,
    async *content() {
      for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
      await Promise.resolve();
    },
  };
}

async function written(source: NarSource): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeNar(source)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

for (const version of NIX_VERSIONS) {
  describe(`NARs dumped by Nix ${version}`, () => {
    for (const file of listVectors(version, 'nar')) {
      test(`${file} is written byte for byte from the tree it holds`, async () => {
        const bytes = readVectorBytes(version, 'nar', file);
        assert.deepEqual(await written(sourceOf(readNarTree([bytes]).tree)), bytes);
      });
    }
  });
}

const someTree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.record({ content: fc.string({ unit: 'binary-ascii' }) }),
    fc.record({ target: fc.constantFrom('a', '../b', '\xff') }),
    fc.dictionary(
      fc.string({ unit: fc.constantFrom(...'abcABC.-\xe9\xff'.split('')), minLength: 3, maxLength: 5 }),
      tie('tree'),
    ),
  ),
})).tree;

test('any tree is written sorted, and reads back as itself', async () => {
  await fc.assert(
    fc.asyncProperty(someTree, async (tree) => {
      const bytes = await written(sourceOf(tree));
      const read = readNarTree([bytes]).tree;
      assert.deepEqual(formatNarTree(read), bytes);
      assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(tree)));
    }),
  );
});

test('large content passes uncopied, and small pieces are gathered into large blocks', async () => {
  const piece = Buffer.alloc(100_000, 'p');
  const chunks: Uint8Array[] = [];
  const source: NarSource = {
    kind: 'regular',
    executable: false,
    size: 200_000,
    content: () => [piece, piece],
  };
  for await (const chunk of writeNar(source)) chunks.push(chunk);
  assert.equal(chunks.filter((chunk) => chunk === piece).length, 2);
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`file-${1000 + i}`, { content: 'x'.repeat(1000) }]),
  );
  let blocks = 0;
  for await (const block of writeNar(sourceOf(many))) blocks += block.length > 0 ? 1 : 0;
  assert.ok(blocks <= 12, `${blocks} blocks`);
});

test('texts are written as UTF-8', async () => {
  const source: NarSource = {
    kind: 'directory',
    entries: () => [{ name: 'é', source: { kind: 'symlink', target: '😀' } }],
  };
  const { tree } = readNarTree([await written(source)]);
  assert.deepEqual(tree, {
    [Buffer.from('é').toString('latin1')]: { target: Buffer.from('😀').toString('latin1') },
  });
});

const link: NarSource = { kind: 'symlink', target: 'x' };
const directory = (...names: string[]): NarSource => ({
  kind: 'directory',
  entries: () => names.map((name) => ({ name, source: link })),
});
const nested = (depth: number): NarSource => ({
  kind: 'directory',
  entries: () => (depth > 1 ? [{ name: 'd', source: nested(depth - 1) }] : []),
});

const REFUSED: [string, NarSource, RegExp][] = [
  ['an empty name', directory(''), /entry name/],
  ['the name ..', directory('..'), /entry name/],
  ['a name with a slash', directory('a/b'), /entry name/],
  ['a name of 256 bytes', directory('é'.repeat(128)), /entry name/],
  ['a name twice', directory('a', 'a'), /after "a"/],
  ['an empty target', { kind: 'symlink', target: '' }, /symlink target/],
  ['a target of 4096 bytes', { kind: 'symlink', target: 't'.repeat(4096) }, /symlink target/],
  ['65 directories', nested(65), /fewer than 64/],
  [
    'a size that is no whole number',
    { kind: 'regular', executable: false, size: 1.5, content: () => [] },
    /size in bytes/,
  ],
];

for (const [title, source, expected] of REFUSED) {
  test(`a tree with ${title} is refused`, async () => {
    await assert.rejects(written(source), { name: 'ParseError', message: expected });
  });
}

test('64 directories are written, as Nix reads them', async () => {
  const bytes = await written(nested(64));
  assert.equal(readNarTree([bytes]).size, bytes.length);
});

test('a file that gives more or less than its size fails: it changed while it was read', async () => {
  for (const content of ['12', '1234']) {
    const source: NarSource = {
      kind: 'regular',
      executable: false,
      size: 3,
      content: () => [Buffer.from(content)],
    };
    await assert.rejects(written(source), { name: 'Error', message: /a file of 3 bytes gave/ });
  }
});

test('a single file is an archive too', async () => {
  assert.deepEqual(await written(sourceOf({ content: 'hello' })), nar(fileNar('hello')));
});

test('from any byte on, a NAR is the end of the whole, and contents in front are not read', async () => {
  await fc.assert(
    fc.asyncProperty(someTree, fc.double({ min: 0, max: 1, noNaN: true }), async (tree, part) => {
      const whole = await written(sourceOf(tree));
      const start = Math.floor(part * whole.length);
      const chunks: Uint8Array[] = [];
      const read: number[] = [];
      for await (const chunk of writeNarFrom(partSource(tree, read), start)) chunks.push(Buffer.from(chunk));
      assert.ok(Buffer.concat(chunks).equals(whole.subarray(start)));
    }),
  );
  const files: DirectoryTree = { a: { content: 'x'.repeat(100_000) }, b: { content: 'y'.repeat(1000) } };
  const whole = formatNarTree(files);
  const read: number[] = [];
  for await (const chunk of writeNarFrom(partSource(files, read), whole.length - 500))
    assert.ok(chunk.length > 0);
  assert.deepEqual(read, [whole.length - 500 - whole.indexOf('yyyy')], 'of b alone, from where it is wanted');
});

/** As `sourceOf`, noting from which byte on each content was read. */
function partSource(tree: Tree, read: number[]): NarSource {
  if (isLink(tree)) return { kind: 'symlink', target: Buffer.from(tree.target, 'latin1') };
  if (!isFile(tree)) {
    const entries = Object.entries(tree).map(([name, entry]) => ({
      name: Buffer.from(name, 'latin1'),
      source: partSource(entry, read),
    }));
    return { kind: 'directory', entries: () => entries };
  }
  const content = Buffer.from(tree.content, 'latin1');
  return {
    kind: 'regular',
    executable: tree.executable === true,
    size: content.length,
    content: (from) => {
      read.push(from);
      return [content.subarray(from)];
    },
  };
}
