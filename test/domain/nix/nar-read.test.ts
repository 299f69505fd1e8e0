import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NAR_LIMITS } from '../../../domain/nix/nar-format.ts';
import type { NarLimits } from '../../../domain/nix/nar-format.ts';
import { createNarReader } from '../../../domain/nix/nar-read.ts';
import {
  directoryNar,
  fileNar,
  formatNarTree,
  linkNar,
  nar,
  readNarTree,
  str,
} from '../../support/nar-trees.ts';
import { NIX_VERSIONS, readVectorBytes } from '../../support/nix-vectors.ts';
import { assertNeverCrashes } from '../../support/refusals.ts';
import { describe, test } from '../../support/test.ts';

/** The tree of `make.sh`, as `nix-store --dump` must list it: sorted by bytes. */
const TREE = {
  A: { content: 'A' },
  a: { b: { content: 'in' } },
  'a-b': { content: 'dash' },
  'a.b': { content: 'dot' },
  absolute: { target: '/nix/store/absent' },
  eight: { content: '12345678' },
  empty: {},
  'latin-\xe9': { content: 'raw' },
  nested: { deeper: { deepest: { zeros: { content: 'z'.repeat(5000) } } }, link: { target: '../seven' } },
  nine: { content: '123456789' },
  nothing: { content: '' },
  'raw-link': { target: 'bytes-\xff' },
  run: { content: '#!/bin/sh\necho hi\n', executable: true },
  seven: { content: '1234567' },
};

for (const version of NIX_VERSIONS) {
  describe(`a NAR dumped by Nix ${version}`, () => {
    const bytes = readVectorBytes(version, 'nar', 'tree.nar');

    test('holds the tree that was dumped', () => {
      const { tree, size } = readNarTree([bytes]);
      const names = Object.keys(tree);
      assert.equal(size, bytes.length);
      assert.deepEqual(names.slice(0, 14), Object.keys(TREE));
      // Names in the vector are UTF-8; the helper shows bytes as latin 1.
      assert.deepEqual(
        names.slice(14),
        ['｡', '😀'].map((name) => Buffer.from(name).toString('latin1')),
      );
      for (const [name, expected] of Object.entries(TREE)) assert.deepEqual(tree[name], expected, name);
    });

    test('says where each file begins', () => {
      const offsets: [number, number][] = [];
      const reader = createNarReader({ file: (_, { offset, size }) => offsets.push([offset, size]) });
      reader.write(bytes);
      reader.end();
      assert.equal(offsets.length, 13);
      const [offset, size] = offsets.find(([, length]) => length === 5000)!;
      assert.equal(bytes.toString('latin1', offset, offset + size), 'z'.repeat(5000));
    });

    test('reads the same cut into single bytes, and cut in two at any byte', () => {
      const whole = readNarTree([bytes]);
      assert.deepEqual(readNarTree(Array.from(bytes, (byte) => Buffer.from([byte]))), whole);
      for (let at = 0; at <= bytes.length; at += 7) {
        assert.deepEqual(readNarTree([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
      }
    });
  });
}

test('content arrives as views of what was written, also after a cut string', () => {
  const content = Buffer.alloc(100_000, 'c');
  const bytes = nar(fileNar(content));
  const from = new Set<ArrayBufferLike>();
  let received = 0;
  const reader = createNarReader({
    content: (chunk) => {
      received += chunk.length;
      if (chunk.length > 8192) from.add(chunk.buffer);
    },
  });
  reader.write(bytes.subarray(0, 30));
  const rest = Buffer.from(bytes.subarray(30));
  reader.write(rest);
  reader.end();
  assert.equal(received, content.length);
  assert.deepEqual([...from], [rest.buffer]);
});

test('names and targets are kept when the written buffer is used again', () => {
  const bytes = nar(directoryNar([['name', linkNar('target')]]));
  const kept: (Buffer | null)[] = [];
  const reader = createNarReader({ symlink: (name, target) => kept.push(name, target) });
  for (let at = 0; at < bytes.length; at += 5) {
    const buffer = Buffer.from(bytes.subarray(at, at + 5));
    reader.write(buffer);
    buffer.fill(0xff);
  }
  reader.end();
  assert.deepEqual(kept.map(String), ['name', 'target']);
});

const deep = (directories: number, inside: Buffer): Buffer => {
  let object = inside;
  for (let i = 0; i < directories; i++) object = directoryNar([['d', object]]);
  return nar(object);
};

describe('limits, as Nix 2.34.8 has them', () => {
  const accepted: [string, Buffer][] = [
    ['a file inside 63 directories', deep(63, fileNar('x'))],
    ['64 directories, the last one empty', deep(63, directoryNar([]))],
    ['a name of 255 bytes', nar(directoryNar([['n'.repeat(255), fileNar('x')]]))],
    ['a target of 4095 bytes', nar(linkNar('t'.repeat(4095)))],
  ];
  for (const [title, bytes] of accepted) {
    test(`${title} is accepted`, () => assert.equal(readNarTree([bytes]).size, bytes.length));
  }
  const refused: [string, Buffer, RegExp][] = [
    ['a file inside 64 directories', deep(64, fileNar('x')), /fewer than 64/],
    ['65 directories', deep(64, directoryNar([])), /fewer than 64/],
    ['a name of 256 bytes', nar(directoryNar([['n'.repeat(256), fileNar('x')]])), /at most 255/],
    ['a target of 4096 bytes', nar(linkNar('t'.repeat(4096))), /at most 4095/],
  ];
  for (const [title, bytes, expected] of refused)
    test(`${title} is refused`, () => assertNarRefused(bytes, expected));

  const own: [string, Partial<NarLimits>, RegExp][] = [
    ['too many objects', { objects: 2 }, /at most 2 /],
    ['too many bytes', { narBytes: 200 }, /at most 200 bytes/],
  ];
  for (const [title, limits, expected] of own) {
    test(`${title} are refused where a limit is given`, () => {
      const bytes = nar(
        directoryNar([
          ['a', fileNar('1')],
          ['b', fileNar('2')],
        ]),
      );
      assert.throws(() => readNarTree([bytes], limits), { name: 'ParseError', message: expected });
    });
  }

  test('a file that claims more than the whole archive may have is refused before its content comes', () => {
    const head = Buffer.concat([str('nix-archive-1'), ...['(', 'type', 'regular', 'contents'].map(str)]);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(2n ** 41n);
    assertNarRefused(Buffer.concat([head, size]), /within 1099511627776 bytes/);
  });
});

const file = fileNar('x');
const withSize = (size: bigint): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(size);
  return bytes;
};
const tags = (...texts: (string | Buffer)[]): Buffer =>
  nar(Buffer.concat(texts.map((text) => (typeof text === 'string' ? str(text) : text))));

const REFUSED: [string, Buffer, RegExp][] = [
  ['another magic', Buffer.concat([str('nix-archive-2'), file]), /nix-archive-1/],
  ['a zstd frame', Buffer.from('28b52ffd00000000', 'hex'), /at most 32/],
  ['a text', Buffer.from('<!DOCTYPE html><html></html>'), /below 2\^53/],
  ['a magic of a length that no memory has', withSize(2n ** 63n), /below 2\^53/],
  ['a tag of 4 GiB', Buffer.concat([str('nix-archive-1'), withSize(2n ** 32n)]), /at most 32/],
  ['no bracket', tags('type', 'regular'), /tag "\("/],
  ['no type', tags('(', 'kind'), /tag "type"/],
  ['an unknown type', tags('(', 'type', 'socket'), /regular, directory or symlink/],
  ['a file without contents', tags('(', 'type', 'regular', ')'), /tag contents/],
  [
    'an executable marker with a value',
    tags('(', 'type', 'regular', 'executable', 'yes', 'contents', 'x', ')'),
    /tag ""/,
  ],
  [
    'an executable marker twice',
    tags('(', 'type', 'regular', 'executable', '', 'executable', '', 'contents', 'x', ')'),
    /tag contents/,
  ],
  ['contents twice', tags('(', 'type', 'regular', 'contents', 'x', 'contents', 'y', ')'), /tag "\)"/],
  [
    'padding that is not zero',
    Buffer.from(nar(file).toString('latin1').replace('x\0', 'x\x01'), 'latin1'),
    /"01000000000000" is not zeros/,
  ],
  [
    'padding of a name that is not zero',
    Buffer.from(
      nar(directoryNar([['n', file]]))
        .toString('latin1')
        .replace('n\0', 'n\x01'),
      'latin1',
    ),
    /zeros/,
  ],
  ['trailing zeros', Buffer.concat([nar(file), Buffer.alloc(8)]), /archive is complete/],
  ['a second archive behind it', Buffer.concat([nar(file), nar(file)]), /archive is complete/],
  ['an empty name', nar(directoryNar([['', file]])), /entry name/],
  ['the name .', nar(directoryNar([['.', file]])), /entry name/],
  ['the name ..', nar(directoryNar([['..', file]])), /entry name/],
  ['a name with a slash', nar(directoryNar([['a/b', file]])), /entry name/],
  ['a name with NUL', nar(directoryNar([['a\0', file]])), /entry name/],
  [
    'names out of order',
    nar(
      directoryNar([
        ['b', file],
        ['a', file],
      ]),
    ),
    /after "b"/,
  ],
  [
    'a name twice',
    nar(
      directoryNar([
        ['a', file],
        ['a', file],
      ]),
    ),
    /after "a"/,
  ],
  [
    'names in the order of UTF-16',
    nar(
      directoryNar([
        ['😀', file],
        ['｡', file],
      ]),
    ),
    /after/,
  ],
  ['an entry without a node', nar(directoryNar([['a', str(')')]])), /tag "\("/],
  ['an empty target', nar(linkNar('')), /symlink target/],
  ['a target with NUL', nar(linkNar('a\0b')), /symlink target/],
  ['a directory that ends as an entry', tags('(', 'type', 'directory', 'node'), /entry, or \)/],
];

for (const [title, bytes, expected] of REFUSED) {
  test(`a NAR with ${title} is refused`, () => assertNarRefused(bytes, expected));
}

function assertNarRefused(bytes: Buffer, expected: RegExp): void {
  assert.throws(() => readNarTree([bytes]), { name: 'ParseError', message: expected });
  assert.throws(() => readNarTree(Array.from(bytes, (byte) => Buffer.from([byte]))), {
    name: 'ParseError',
    message: expected,
  });
}

test('an archive cut short anywhere is refused at its end, and only there', () => {
  const bytes = nar(
    directoryNar([
      ['a', fileNar('1', true)],
      ['b', linkNar('a')],
    ]),
  );
  for (let length = 0; length < bytes.length; length++) {
    const reader = createNarReader({});
    reader.write(bytes.subarray(0, length));
    assert.throws(() => reader.end(), { name: 'ParseError', message: /complete archive/ });
  }
});

test('a reader that refused once refuses for ever', () => {
  const reader = createNarReader({});
  assert.throws(() => reader.write(str('hello')), { message: /nix-archive-1/ });
  assert.throws(() => reader.write(nar(file)), { message: /nix-archive-1/ });
  assert.throws(() => reader.end(), { message: /nix-archive-1/ });
});

test('a visitor that throws ends the reading with its own error', () => {
  const reader = createNarReader({
    content: () => {
      throw new RangeError('enough');
    },
  });
  assert.throws(() => reader.write(nar(file)), { name: 'RangeError' });
  assert.throws(() => reader.end(), { name: 'RangeError' });
});

test('bytes changed at random read as some tree that formats to them, or are refused', () => {
  const original = nar(
    directoryNar([
      ['a', fileNar('12345678', true)],
      ['b', linkNar('a')],
      ['c', directoryNar([])],
    ]),
  );
  fc.assert(
    fc.property(fc.nat(original.length - 1), fc.nat(255), (at, value) => {
      const bytes = Buffer.from(original);
      bytes[at] = value;
      assertNeverCrashes(() => assert.deepEqual(formatNarTree(readNarTree([bytes]).tree), bytes));
    }),
    { numRuns: 1000 },
  );
});

test('the limits are those of the manual', () => {
  assert.deepEqual([NAR_LIMITS.depth, NAR_LIMITS.nameBytes, NAR_LIMITS.targetBytes], [64, 255, 4095]);
});
