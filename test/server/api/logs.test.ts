/** Logs over HTTP: whole, by ranges, and as builders write them. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import { refusalOf, requestApi } from '../../support/api.ts';
import { until } from '../../support/runs.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
let url: string;
before(async () => {
  site = await openSampleSite();
  url = await site.listen();
  await site.logs.append(OPEN, 0, Buffer.from(TEXT));
  await site.logs.append(CLOSED, 0, Buffer.from(TEXT));
  await site.logs.close(CLOSED);
});
after(() => site[Symbol.asyncDispose]());

const TEXT = '0123456789';
const OPEN = 9001;
const CLOSED = 9002;
const MIB = 1024 * 1024;

const RANGES: [string | undefined, number, string, string | undefined][] = [
  [undefined, 200, TEXT, undefined],
  ['bytes=0-', 206, TEXT, 'bytes 0-9/10'],
  ['bytes=3-5', 206, '345', 'bytes 3-5/10'],
  ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
  ['bytes=7-100', 206, '789', 'bytes 7-9/10'],
  ['bytes=-3', 206, '789', 'bytes 7-9/10'],
  ['bytes=-100', 206, TEXT, 'bytes 0-9/10'],
  ['bytes=10-', 416, '', 'bytes */10'],
  ['bytes=10-20', 416, '', 'bytes */10'],
  ['bytes=-0', 416, '', 'bytes */10'],
  // What is no single valid range is as if it were not there (RFC 9110 §14.2).
  ['bytes=5-3', 200, TEXT, undefined],
  ['bytes=-', 200, TEXT, undefined],
  ['bytes=0-1,3-4', 200, TEXT, undefined],
  ['lines=0-1', 200, TEXT, undefined],
  ['bytes=a-b', 200, TEXT, undefined],
];

for (const [state, id] of [
  ['that grows', OPEN],
  ['that is closed', CLOSED],
] as const)
  describe(`of a log ${state}`, () => {
    for (const [range, status, body, contentRange] of RANGES)
      test(`${range ?? 'no range'} gives ${status} ${JSON.stringify(body)}`, async () => {
        const headers = range === undefined ? {} : { range };
        const answer = await requestApi<string>(site.app, `GET /attempts/${id}/log`, { headers });
        assert.deepEqual([answer.status, answer.body], [status, body]);
        assert.equal(answer.headers['content-range'], contentRange);
        const head = await requestApi<string>(site.app, `HEAD /attempts/${id}/log`, { headers });
        assert.deepEqual([head.status, head.body], [status, '']);
        for (const name of ['content-range', 'content-type', 'accept-ranges'])
          assert.equal(head.headers[name], answer.headers[name], name);
        if (status !== 416) assert.equal(head.headers['content-length'], answer.headers['content-length']);
      });
  });

test('a log is text that no browser takes for a page', async () => {
  const { headers } = await requestApi(site.app, `GET /attempts/${CLOSED}/log`);
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('an empty log is whole, and has no range', async () => {
  await site.logs.append(9003, 0, Buffer.alloc(0));
  assert.deepEqual((await requestApi(site.app, 'GET /attempts/9003/log')).status, 200);
  const headers = { range: 'bytes=0-' };
  assert.equal((await requestApi(site.app, 'GET /attempts/9003/log', { headers })).status, 416);
});

async function openFiles(name: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.endsWith(`/${name}`)).length;
}

/** Readers that left kept a file each open, and those of events a timer that wrote to nobody. */
describe('a reader who leaves in the middle leaves no file open:', () => {
  for (const [path, id, file] of [
    ['log', 9010, '9010.log'],
    ['log/events', 9011, '9011.log'],
    ['log', 9012, '9012.log.zst'],
    ['log/events', 9013, '9013.log.zst'],
  ] as const)
    test(`${path} of ${file}`, async () => {
      // More than the sockets' buffers hold, and nothing that compresses to little.
      await site.logs.append(id, 0, Buffer.from(randomBytes(24 * MIB).toString('base64')));
      if (file.endsWith('.zst')) await site.logs.close(id);
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.write(`GET /api/v1/attempts/${id}/log${path.slice(3)} HTTP/1.1\r\nhost: x\r\n\r\n`);
      // Reads the beginning, then no more.
      socket.once('data', () => socket.pause());
      await until('it is read', async () => (await openFiles(file)) > 0);
      socket.destroy();
      await until('the file is closed', async () => (await openFiles(file)) === 0);
    });
});

test('a damaged log ends its request, not the server', async () => {
  await site.logs.append(9020, 0, Buffer.from(TEXT));
  await site.logs.close(9020);
  await writeFile(join(site.deps.folder.path, '..', 'logs', '9020.log.zst'), 'no zstd');
  assert.equal((await fetch(`${url}/api/v1/attempts/9020/log`)).status, 500);
  assert.equal(await (await fetch(`${url}/api/v1/attempts/${CLOSED}/log`)).text(), TEXT);
});

describe('a builder writes a log', () => {
  let id = 0;
  const put = (offset: number, text: string, closed = false) =>
    requestApi<{ bytes: number }>(site.app, `PUT /attempts/${id}/log?offset=${offset}&closed=${closed}`, {
      token: 'builder',
      payload: Buffer.from(text),
    });
  const whole = async () => (await requestApi<string>(site.app, `GET /attempts/${id}/log`)).body;
  /** An attempt of the sample that has no log yet. */
  const begin = async (): Promise<void> => {
    const [row] = await site.database.connection.db.execute<{ id: number }>(sql`
      insert into attempts (step_id, generation, number, builder, unit)
      select step_id, 90, (select count(*) from attempts), 'atlas', 'u' from attempts limit 1 returning id`);
    id = row?.id ?? 0;
  };

  test('piece by piece; a piece that comes again changes nothing, one that overlaps adds what is new', async () => {
    await begin();
    assert.deepEqual((await put(0, 'abc')).body, { bytes: 3 });
    assert.deepEqual((await put(0, 'abc')).body, { bytes: 3 });
    assert.deepEqual((await put(1, 'bcde')).body, { bytes: 5 });
    assert.equal(await whole(), 'abcde');
  });

  test('the same piece twice at once is there once', async () => {
    await begin();
    assert.deepEqual(
      (await Promise.all(Array.from({ length: 5 }, () => put(0, 'abc')))).map(({ body }) => body.bytes),
      [3, 3, 3, 3, 3],
    );
    assert.equal(await whole(), 'abc');
  });

  test('and is told of a gap, with what is there', async () => {
    await begin();
    await put(0, 'abc');
    const line = `PUT /attempts/${id}/log?offset=7`;
    const problem = await refusalOf(site.app, line, { token: 'builder', payload: Buffer.from('x') });
    assert.equal(problem.status, 409);
    assert.equal(problem.detail, `the log of attempt ${id} has 3 bytes: bytes from 7 on leave a gap`);
  });

  test('closes it, once or again, with a piece, an empty one or no body; nothing follows', async () => {
    await begin();
    await put(0, 'abc');
    assert.deepEqual((await put(3, 'de', true)).body, { bytes: 5 });
    assert.deepEqual((await put(5, '', true)).body, { bytes: 5 });
    const bare = await requestApi(site.app, `PUT /attempts/${id}/log?offset=5&closed=true`, {
      token: 'builder',
    });
    assert.deepEqual(bare.body, { bytes: 5 });
    assert.deepEqual((await put(2, 'cde')).body, { bytes: 5 });
    assert.equal((await put(5, 'f')).status, 409);
    assert.equal(await whole(), 'abcde');
  });

  test('as whatever type a client names', async () => {
    await begin();
    const headers = { 'content-type': 'text/plain' };
    const line = `PUT /attempts/${id}/log?offset=0`;
    const answer = await requestApi(site.app, line, {
      token: 'builder',
      headers,
      payload: Buffer.from('abc'),
    });
    assert.deepEqual(answer.body, { bytes: 3 });
  });
});
