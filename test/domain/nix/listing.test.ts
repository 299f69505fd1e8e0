import assert from 'node:assert/strict';
import { findInListing, parseListing } from '../../../domain/nix/listing.ts';
import { parseStorePath } from '../../../domain/nix/store-path.ts';
import { describe, test } from '../../support/test.ts';

const PATH = parseStorePath('/nix/store/yqi18hzk6wxzj2ksv7x9k8rnnzwirzz9-p');

function listingOf(entries: object): string {
  return JSON.stringify({ version: 1, root: { type: 'directory', entries } });
}
const file = { type: 'regular', size: 4, narOffset: 232 };
const link = (target: string) => ({ type: 'symlink', target });

const ROOT = parseListing(
  listingOf({
    bar: file,
    dir: {
      type: 'directory',
      entries: { file, up: link('../bar'), out: link('../../x'), same: link('./file') },
    },
    whole: link(PATH),
    absolute: link(`${PATH}/dir/file`),
    neighbour: link(`${PATH}q/dir/file`),
    loop: link('loop2'),
    loop2: link('loop'),
    empty: link(''),
    chain: link('whole/dir/up'),
  }),
);

describe('a path in a listing', () => {
  const cases: readonly [path: string, kind: 'regular' | 'directory' | undefined][] = [
    ['', 'directory'],
    ['bar', 'regular'],
    ['/bar', 'regular'],
    ['dir//./file', 'regular'],
    ['dir/../bar', 'regular'],
    ['dir/up', 'regular'],
    ['dir/same', 'regular'],
    ['whole/dir/file', 'regular'],
    ['absolute', 'regular'],
    ['chain', 'regular'],
    ['dir/out', undefined],
    ['neighbour', undefined],
    ['loop', undefined],
    ['..', undefined],
    ['dir/../..', undefined],
    ['bar/x', undefined],
    ['bar/..', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
  ];
  for (const [path, kind] of cases)
    test(`${JSON.stringify(path)} is ${kind ?? 'not there'}`, () => {
      assert.equal(findInListing(ROOT, path.split('/'), PATH, '/nix/store')?.kind, kind);
    });
});

describe('what is no listing is refused', () => {
  for (const text of [
    '',
    '[]',
    '{"version":2,"root":{}}',
    '{"version":1}',
    '{"version":1,"root":{"type":"pipe"}}',
  ])
    test(text, () => {
      assert.throws(() => parseListing(text), { name: 'ParseError' });
    });

  for (const entry of [
    { type: 'regular', size: -1 },
    { type: 'symlink' },
    { type: 'regular', narOffset: 0.5 },
    'x',
  ])
    test(`an entry ${JSON.stringify(entry)}`, () => {
      assert.throws(() => findInListing(parseListing(listingOf({ entry })), ['entry'], PATH, '/nix/store'), {
        name: 'ParseError',
      });
    });
});
