/** Which paths a cache knows: those of Nix's clients, and nothing else, however it is written. */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parseResource, type ResourceKind } from '../../../server/cache/resource.ts';
import { createFolderSource } from '../../../server/cache/sources/folder.ts';
import { ask, makeFolder, startTestCache } from '../../support/cache-server.ts';
import { describe, test } from '../../support/test.ts';

const HASH = 'yqi18hzk6wxzj2ksv7x9k8rnnzwirzz9';
const NAR = '1c9ccwd7ak7hfq144sd362zs2041gwl1gcp3vgcxv7gjq5p3l137';
const HEX = 'd7fe30e9ad35d09f59e2921cdc6f0661ca2069f93308fd2b8794e1a4946e7228';
const BUILD_ID = '02623eda209c26a59b1a8638ff7752f6b945c26b';
const LONG = 'n'.repeat(207);

const KNOWN: readonly [key: string, kind: ResourceKind][] = [
  ['nix-cache-info', 'nix-cache-info'],
  [`${HASH}.narinfo`, 'narinfo'],
  [`${HASH}.ls`, 'listing'],
  [`nar/${NAR}.nar`, 'nar'],
  ...['zst', 'xz', 'bz2', 'gz', 'br', 'lz4', 'lzip'].map(
    (suffix) => [`nar/${NAR}.nar.${suffix}`, 'nar'] as [string, ResourceKind],
  ),
  [`log/${HASH}-a.drv`, 'log'],
  [`log/${HASH}-${LONG}.drv`, 'log'],
  [`log/${HASH}-gtk+3..4?x=1_.drv`, 'log'],
  [`realisations/sha256:${HEX}!out.doi`, 'realisation'],
  [`realisations/sha256:${HEX}!${LONG}.doi`, 'realisation'],
  [`build-trace-v2/${HASH}-a.drv/out.doi`, 'build-trace'],
  [`debuginfo/${BUILD_ID}.debug`, 'debuginfo'],
  [`debuginfo/${BUILD_ID}`, 'debuginfo'],
];

/** Letters that are not in Nix's alphabet, a character too few or too many, other cases. */
function spoilHash(hash: string): string[] {
  return [
    ...['e', 'o', 'u', 't', 'A', '-', '.', '%', '*', '\u0660'].map((letter) => letter + hash.slice(1)),
    hash.slice(1),
    `${hash}0`,
    hash.toUpperCase(),
    '',
  ];
}

const SUFFIXES = ['', '/', '\0', '\n', ' ', '.', '~', '.bak', '.tmp', '%00', ';a', '/..', '/.', '//', '\\'];

/** The path on the wire, with a slash in front; decoded once by whoever serves it. */
const HOSTILE: readonly string[] = [
  ...spoilHash(HASH).flatMap((hash) => [`${hash}.narinfo`, `${hash}.ls`, `log/${hash}-a.drv`]),
  ...spoilHash(NAR).flatMap((hash) => [`nar/${hash}.nar`, `nar/${hash}.nar.xz`]),
  // More bits than a sha256 has.
  ...['2', '9', 'z'].map((first) => `nar/${first}${NAR.slice(1)}.nar`),
  ...spoilHash(HEX)
    .filter((hash) => !/^[0-9a-f]{64}$/.test(hash))
    .map((hash) => `realisations/sha256:${hash}!out.doi`),
  ...SUFFIXES.filter((suffix) => suffix !== '').flatMap((suffix) => [
    `${HASH}.narinfo${suffix}`,
    `nar/${NAR}.nar.zst${suffix}`,
    `log/${HASH}-a.drv${suffix}`,
    `debuginfo/${BUILD_ID}.debug${suffix}`,
  ]),
  ...[
    '..',
    '../..',
    '.',
    '%2e%2e',
    '%2e%2e%2f%2e%2e',
    '..%2f..',
    '%252e%252e',
    '....//',
    '..\\..',
    '%5c..%5c',
  ].flatMap((up) => [
    `nar/${up}/secret`,
    `${up}/secret`,
    `nar/${up}/nix-cache-info`,
    `log/${up}/secret`,
    `log/${up}%2fsecret`,
    `realisations/${up}/secret`,
    `build-trace-v2/${up}/secret`,
    `build-trace-v2/${HASH}-a.drv/${up}/secret`,
    `build-trace-v2/${up}/out.doi`,
    `debuginfo/${up}%2fsecret`,
  ]),
  `log/${HASH}-${LONG}n.drv`,
  `log/${HASH}-.drv`,
  `log/${HASH}-a`,
  `log/${HASH}-a b.drv`,
  `log/${HASH}-a%20b.drv`,
  `log/${HASH}-ä.drv`,
  `log/${HASH}-%c3%a4.drv`,
  `log/${HASH}-%e4.drv`,
  `log/${HASH}-a/b.drv`,
  `log/${HASH}-a%2fb.drv`,
  `log/${'a'.repeat(4096)}.drv`,
  `log/${'a'.repeat(513)}`,
  `${'0'.repeat(4096)}.narinfo`,
  `nar/${NAR}.nar.zip`,
  `nar/${NAR}.nar.xz.xz`,
  `nar/${NAR}`,
  `nar/${NAR}.NAR`,
  `nar/x${NAR}.nar`,
  `NAR/${NAR}.nar`,
  `nar//${NAR}.nar`,
  `nar%2f${NAR}.nar`,
  `${HASH}.NARINFO`,
  `${HASH}narinfo`,
  `${HASH}-a.narinfo`,
  `${HASH}.narinfo.narinfo`,
  `.narinfo`,
  `realisations/sha1:${HEX}!out.doi`,
  `realisations/SHA256:${HEX}!out.doi`,
  `realisations/sha256:${HEX.toUpperCase()}!out.doi`,
  `realisations/sha256:${HEX}!.doi`,
  `realisations/sha256:${HEX}!a/b.doi`,
  `realisations/sha256:${HEX}!a%2fb.doi`,
  `realisations/sha256:${HEX}.doi`,
  `realisations/${HEX}!out.doi`,
  `build-trace-v2/${HASH}-a.drv`,
  `build-trace-v2/${HASH}-a/out.doi`,
  `build-trace-v2/${HASH}-a.drv/.doi`,
  `build-trace-v2/${HASH}-a.drv/a/b.doi`,
  `build-trace/${HASH}-a.drv/out.doi`,
  `debuginfo/${BUILD_ID}0.debug`,
  `debuginfo/${BUILD_ID.slice(1)}.debug`,
  `debuginfo/${BUILD_ID.toUpperCase()}.debug`,
  `debuginfo/${BUILD_ID}.debug.debug`,
  'nix-cache-info.bak',
  'NIX-CACHE-INFO',
  'nix-cache-info%00',
  '%zz',
  '%',
  '%c0%ae%c0%ae/secret',
  'secret',
  '.nixwarp-tmp/x',
  '/etc/passwd',
  'file:///etc/passwd',
  'constructor',
  '__proto__.narinfo',
];

describe('the grammar of resources', () => {
  for (const [key, kind] of KNOWN)
    test(`${kind} ${key.slice(0, 80)}`, () => {
      assert.equal(parseResource(key)?.kind, kind);
      assert.equal(parseResource(key)?.key, key);
    });

  test('whatever it takes stays within the folder', () => {
    const part = fc.oneof(
      fc.constantFrom(
        HASH,
        NAR,
        HEX,
        '..',
        '.',
        '/',
        'nar',
        'log',
        '.nar',
        '.xz',
        '-a.drv',
        '.doi',
        '!',
        '\0',
        '.narinfo',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const found = parseResource(parts.join(''));
        if (found === undefined) return;
        assert.ok(!found.key.startsWith('/') && !found.key.split('/').includes('..'));
        assert.match(found.key, /^[\x21-\x7e]+$/);
      }),
      { numRuns: 5_000 },
    );
  });
});

test(`${HOSTILE.length} hostile paths are a miss, by GET and HEAD alike`, async () => {
  assert.ok(HOSTILE.length >= 200, String(HOSTILE.length));
  await using folder = await makeFolder();
  const cache = join(folder.path, 'cache');
  await mkdir(join(cache, 'nar'), { recursive: true });
  await mkdir(join(cache, 'log'));
  await writeFile(join(folder.path, 'secret'), 'of others');
  await writeFile(join(cache, 'secret'), 'no resource');
  await writeFile(join(cache, 'nix-cache-info'), 'StoreDir: /nix/store\n');
  const asked: string[] = [];
  const inner = createFolderSource({ path: cache, storeDir: '/nix/store', priority: undefined });
  await using server = await startTestCache({
    source: {
      ...inner,
      find: (resource) => {
        asked.push(resource.key);
        return inner.find(resource);
      },
    },
  });
  for (const path of HOSTILE) {
    // What cannot be written into a request is encoded, as a client would.
    const onWire = `/${path.replaceAll(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character))}`;
    const whole = await ask(server.url, onWire);
    const head = await ask(server.url, onWire, { method: 'HEAD' });
    assert.equal(whole.status, 404, `${onWire} is answered with ${whole.status}`);
    assert.equal(head.status, 404, `HEAD ${onWire} is answered with ${head.status}`);
    assert.equal(head.body.length, 0);
    assert.ok(!whole.body.includes('of others') && !whole.body.includes('no resource'), onWire);
  }
  assert.deepEqual(asked, [], 'no hostile path reaches the source');
  assert.equal((await ask(server.url, '/nix-cache-info')).status, 200, 'the server is alive');
});
