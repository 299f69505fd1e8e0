/** Taking outputs into the cache: what is not as it was claimed is refused, and nothing half-written stays. */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Claim, Committed, Declared } from '../../../domain/api/ingest.ts';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { writeNar } from '../../../domain/nix/nar-write.ts';
import { type ApiAnswer, type Problem, requestApi } from '../../support/api.ts';
import { until } from '../../support/runs.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
let url: string;
before(async () => {
  site = await openSampleSite();
  url = await site.listen();
});
after(() => site[Symbol.asyncDispose]());

const hash = (letter: string): string => letter.repeat(32);
const pathOf = (letter: string): string => `/nix/store/${hash(letter)}-${letter}`;

/** The NAR of a file with this content. */
async function narOf(content: string): Promise<Buffer> {
  const bytes = Buffer.from(content);
  const source = { kind: 'regular', executable: false, size: bytes.length, content: () => [bytes] } as const;
  return Buffer.concat(await Array.fromAsync(writeNar(source)));
}

function claimOf(letter: string, nar: Buffer, more: Partial<Claim> = {}): Claim {
  const narHash = formatHash(hashOf('sha256', nar));
  return {
    path: pathOf(letter),
    narHash,
    narSize: nar.length,
    references: [],
    deriver: null,
    ca: null,
    ...more,
  };
}

function declare<T = Declared>(claims: readonly Claim[], inline = {}): Promise<ApiAnswer<T>> {
  const payload = { attemptId: null, claims, inline };
  return requestApi<T>(site.app, 'POST /publish', { token: 'builder', payload });
}

function upload({ publishId }: Declared, letter: string, nar: Buffer): Promise<ApiAnswer<Problem>> {
  const line = `PUT /publish/${publishId}/${hash(letter)}`;
  return requestApi<Problem>(site.app, line, { token: 'builder', payload: nar });
}

function commit<T = Committed>({ publishId }: Declared): Promise<ApiAnswer<T>> {
  return requestApi<T>(site.app, `POST /publish/${publishId}/commit`, { token: 'builder' });
}

/** Everything that an ingest writes: files of the cache, and rows of the index. */
async function holdings(): Promise<unknown> {
  const files = await readdir(site.deps.folder.path, { recursive: true });
  const [rows] = await site.database.connection.db.execute(sql`
    select (select count(*) from store_paths) as paths, (select count(*) from path_references) as references,
      (select count(*) from signatures) as signatures`);
  return { files: files.toSorted(), rows: { ...rows } };
}

const narinfo = async (letter: string): Promise<string> =>
  (await site.app.inject(`/${hash(letter)}.narinfo`)).body;

/** Small ones are taken as a whole, large ones as a stream. */
const SIZES: [string, string][] = [
  ['small', 'content'],
  ['large', 'content '.repeat(100_000)],
];

for (const [size, content] of SIZES)
  describe(`of a ${size} path is refused`, () => {
    const refuses = (
      title: string,
      expected: { status: number; detail: RegExp },
      make: (nar: Buffer) => { claim?: Partial<Claim>; sent?: Buffer },
    ) =>
      test(title, async () => {
        const nar = await narOf(content);
        const { claim, sent } = make(nar);
        const { body } = await declare([claimOf('a', nar, claim)]);
        assert.deepEqual(body.missing, [{ pathHash: hash('a'), offset: 0 }]);
        const was = await holdings();
        const answer = await upload(body, 'a', sent ?? nar);
        assert.equal(answer.status, expected.status, answer.body.detail);
        assert.match(answer.body.detail, expected.detail);
        assert.deepEqual(await holdings(), was);
        assert.equal((await site.app.inject(`/${hash('a')}.narinfo`)).statusCode, 404);
      });

    const wrong = formatHash(hashOf('sha256', 'other'));
    refuses('another hash', { status: 422, detail: /is not of the claimed hash/ }, () => ({
      claim: { narHash: wrong },
    }));
    refuses('fewer bytes than claimed', { status: 422, detail: /bytes long, as was claimed/ }, (nar) => ({
      claim: { narSize: nar.length + 8 },
    }));
    refuses('more bytes than claimed', { status: 422, detail: /at most \d+ bytes long/ }, (nar) => ({
      claim: { narSize: nar.length - 8 },
    }));
    refuses('a NAR without its end', { status: 422, detail: /NAR/ }, (nar) => ({
      sent: nar.subarray(0, -16),
    }));
    refuses('bytes behind its end', { status: 422, detail: /NAR/ }, (nar) => {
      const sent = Buffer.concat([nar, Buffer.alloc(8)]);
      return { sent, claim: { narSize: sent.length, narHash: formatHash(hashOf('sha256', sent)) } };
    });
    refuses('no NAR', { status: 422, detail: /NAR/ }, (nar) => {
      const sent = Buffer.alloc(nar.length, 'x');
      return { sent, claim: { narHash: formatHash(hashOf('sha256', sent)) } };
    });
    refuses('nothing', { status: 422, detail: /NAR/ }, () => ({ sent: Buffer.alloc(0) }));
    refuses(
      'a reference to itself that is not in it',
      { status: 422, detail: /references of .* found in its NAR/ },
      () => ({
        claim: { references: [pathOf('a')] },
      }),
    );
  });

describe('of a claim is refused, before any byte is asked for', () => {
  const REFUSED: [string, Partial<Claim>, number, RegExp][] = [
    ['a path outside the store', { path: '/etc/passwd' }, 422, /store path/],
    ['a path below a store path', { path: `${pathOf('a')}/bin` }, 422, /store path/],
    ['a path that leaves the store', { path: '/nix/store/../etc' }, 422, /store path/],
    [
      'a hash part of other letters',
      { path: `/nix/store/${'e'.repeat(32)}-x` },
      422,
      /32 characters of nix32/,
    ],
    ['a reference that is no path', { references: ['x'] }, 422, /store path/],
    ['a deriver that is no path', { deriver: 'x.drv' }, 422, /store path/],
    ['a content address that is none', { ca: 'nonsense' }, 422, /nonsense/],
    ['a hash of another kind', { narHash: `sha1:${'0'.repeat(32)}` }, 422, /sha256/],
    ['a hash that is none', { narHash: 'sha256:abc' }, 422, /hash/],
    ['a size of nothing', { narSize: 0 }, 400, /narSize must be >= 1/],
  ];
  for (const [title, claim, status, detail] of REFUSED)
    test(title, async () => {
      const was = await holdings();
      const answer = await declare<Problem>([claimOf('a', await narOf('x'), claim)]);
      assert.equal(answer.status, status, answer.body.detail);
      assert.match(answer.body.detail, detail);
      assert.deepEqual(await holdings(), was);
    });

  test('what nobody declared cannot be uploaded', async () => {
    const nar = await narOf('x');
    const unknown = {
      publishId: '00000000-0000-4000-8000-000000000000',
      missing: [],
      differing: [],
      committed: false,
    };
    assert.equal((await upload(unknown, 'a', nar)).status, 404);
    const { body } = await declare([claimOf('a', nar)]);
    const other = await upload(body, 'b', nar);
    assert.deepEqual([other.status, /declare it \(again\)/.test(other.body.detail)], [404, true]);
  });
});

describe('an upload that breaks off leaves nothing,', () => {
  for (const [size, content] of SIZES)
    test(size, async () => {
      const nar = await narOf(content);
      const { body } = await declare([claimOf('a', nar)]);
      const was = await holdings();
      const upload_ = request(new URL(`/api/v1/publish/${body.publishId}/${hash('a')}`, url), {
        method: 'PUT',
        headers: {
          authorization: 'Bearer builder',
          'content-type': 'application/x-nix-nar',
          'content-length': nar.length,
        },
      });
      upload_.on('error', () => {});
      const half = nar.subarray(0, nar.length >> 1);
      await new Promise((resolve) => upload_.write(half, resolve));
      upload_.destroy();
      await until('nothing of it is left', async () => {
        assert.deepEqual(await holdings(), was);
        return true;
      });
      // And it can be sent again.
      assert.equal((await upload(body, 'a', Buffer.from('no'))).status, 422);
    });
});

test('what refers to a path that the cache lacks is not published', async () => {
  const nar = await narOf(`see ${pathOf('b')}`);
  const { body } = await declare([claimOf('j', nar, { references: [pathOf('b')] })]);
  assert.equal((await upload(body, 'j', nar)).status, 204);
  const answer = await commit<Problem>(body);
  assert.equal(answer.status, 409);
  assert.match(answer.body.detail, /refers to \S*-b, which the cache does not have/);
  assert.equal((await site.app.inject(`/${hash('j')}.narinfo`)).statusCode, 404);
});

test('a closure goes in references first; what comes inline needs no upload, and is there at once', async () => {
  const [inner, outer] = [await narOf('inner'), await narOf(`see ${pathOf('c')}`)];
  const claims = [claimOf('d', outer, { references: [pathOf('c')] }), claimOf('c', inner)];
  const inline = { [hash('c')]: inner.toString('base64'), [hash('d')]: outer.toString('base64') };
  const { body } = await declare(claims, inline);
  assert.deepEqual([body.missing, body.differing, body.committed], [[], [], true]);
  assert.match(await narinfo('d'), new RegExp(`References: ${hash('c')}-c\n`));
});

test('a reference that was left out of the claim is found, where the derivation could have it', async () => {
  const nar = await narOf(`see ${pathOf('f')}`);
  const drv = `/nix/store/${hash('g')}-g.drv`;
  await site.database.connection.db.execute(sql`
    insert into derivations (drv_hash, drv_path, name, system, fixed_output)
      values (${hash('g')}, ${drv}, 'g', 'x86_64-linux', false), (${hash('f')}, '/x.drv', 'f', 'x86_64-linux', false)`);
  await site.database.connection.db.execute(sql`
    insert into outputs (drv_hash, name, path, path_hash) values (${hash('f')}, 'out', ${pathOf('f')}, ${hash('f')})`);
  await site.database.connection.db.execute(sql`
    insert into derivation_inputs (drv_hash, input_drv_hash, output_names) values (${hash('g')}, ${hash('f')}, '{out}')`);
  const { body } = await declare([claimOf('g', nar, { deriver: drv })]);
  const answer = await upload(body, 'g', nar);
  assert.equal(answer.status, 422);
  assert.match(
    answer.body.detail,
    new RegExp(`"${hash('f')}" is not free of references that were not claimed`),
  );
});

/** Both were told that it is missing: the second one's bytes replaced the first one's narinfo. */
test('bytes that are published stay, also when two upload others at once', async () => {
  const nars = [await narOf('one'), await narOf('two')];
  const declared = await Promise.all(nars.map((nar) => declare([claimOf('h', nar)])));
  const [first, second] = declared.map(({ body }) => body);
  assert.equal((await upload(first as Declared, 'h', nars[0] as Buffer)).status, 204);
  assert.deepEqual((await commit(first as Declared)).body, { published: 1, differing: [] });
  const published = await narinfo('h');
  assert.equal((await upload(second as Declared, 'h', nars[1] as Buffer)).status, 204);
  assert.deepEqual((await commit(second as Declared)).body, { published: 1, differing: [pathOf('h')] });
  assert.equal(await narinfo('h'), published);
  const again = await declare([claimOf('h', nars[1] as Buffer)]);
  assert.deepEqual([again.body.missing, again.body.differing], [[], [pathOf('h')]]);
  const made = await site.database.connection.db.execute<{ accepted: boolean }>(
    sql`select accepted from path_provenance where path_hash = ${hash('h')} order by id`,
  );
  assert.deepEqual(
    made.map(({ accepted }) => accepted),
    [true, false, false],
  );
});

test('what an attempt that is gone made is taken all the same', async () => {
  const nar = await narOf('orphan');
  const payload = {
    attemptId: 4_711_000,
    claims: [claimOf('i', nar)],
    inline: { [hash('i')]: nar.toString('base64') },
  };
  assert.equal((await requestApi(site.app, 'POST /publish', { token: 'builder', payload })).status, 200);
  assert.match(await narinfo('i'), /^StorePath: /);
});
