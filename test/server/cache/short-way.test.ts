import assert from 'node:assert/strict';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { cacheRoutes } from '../../../server/cache/routes.ts';
import { bytesContent, type CacheSource, type Content } from '../../../server/cache/source.ts';

const HASH = '0123456789abcdfghijklmnpqrsvwxyz';
const LATE = 'late0000000000000000000000000000'.replaceAll('e', 'f').replaceAll('t', 'g');
const BROKEN = 'b0000000000000000000000000000000';
const MISSING = 'm0000000000000000000000000000000';
const NAR = `nar/${'1'.repeat(52)}.nar.zst`;

const contents = new Map<string, Content>([
  [`${HASH}.narinfo`, bytesContent(`StorePath: /nix/store/${HASH}-a\n`, 'tag')],
  [`${LATE}.narinfo`, bytesContent('late\n')],
  ['nix-cache-info', bytesContent('StoreDir: /nix/store\n')],
  [NAR, bytesContent(Buffer.alloc(300_000, 'n'), 'nar')],
]);

const source: CacheSource = {
  storeDir: '/nix/store',
  find: ({ key, pathHash }) => {
    if (pathHash === LATE) return new Promise((resolve) => setImmediate(() => resolve(contents.get(key))));
    if (pathHash === BROKEN) return Promise.reject(new Error('the disk is broken'));
    return contents.get(key);
  },
};

let short: FastifyInstance;
let long: FastifyInstance;

async function start(isShort: boolean): Promise<FastifyInstance> {
  const app = Fastify({ keepAliveTimeout: 130_000, exposeHeadRoutes: false });
  await app.register(cacheRoutes({ source, shortWay: isShort }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

before(async () => {
  short = await start(true);
  long = await start(false);
});
after(async () => {
  await short.close();
  await long.close();
});

function open(app: FastifyInstance): Socket {
  return connect((app.server.address() as AddressInfo).port, '127.0.0.1');
}

/** Sends the pieces, each as a segment of its own, and returns all that comes until the server closes. */
async function exchange(app: FastifyInstance, pieces: readonly string[]): Promise<string> {
  const socket = open(app).setNoDelay(true);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, 'latin1', resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  return Buffer.concat(chunks)
    .toString('latin1')
    .replace(/^Date: .*$/gm, 'Date: now')
    .replace(/boundary=[0-9a-f]+|--[0-9a-f]{32}/g, 'boundary')
    .replace(/"(request |under request )[^"]*"/g, '"$1"');
}

const get = (path: string, ...headers: string[]): string =>
  ['GET', path, 'HTTP/1.1\r\nHost: cache\r\n'].join(' ') +
  headers.map((line) => `${line}\r\n`).join('') +
  '\r\n';
const NIX = ['User-Agent: curl/8.14 Nix/2.34.8', 'Accept: */*', 'Accept-Encoding: zstd, br, gzip'];
const narinfo = get(`/${HASH}.narinfo`, ...NIX);
const last = get('/nix-cache-info', 'Connection: close');

/** Each ends with a request that has the server close the connection. */
const EXCHANGES: Readonly<Record<string, readonly string[]>> = {
  'a narinfo': [narinfo, last],
  'by HEAD': [narinfo.replace('GET', 'HEAD'), last],
  'a miss': [get(`/${MISSING}.narinfo`, ...NIX), last],
  'a miss by HEAD': [get(`/${MISSING}.narinfo`).replace('GET', 'HEAD'), last],
  'what the source finds later': [get(`/${LATE}.narinfo`), narinfo, last],
  'what the source fails to find': [narinfo, get(`/${BROKEN}.narinfo`), last],
  'many requests in one segment, answered in their order': [
    narinfo +
      get(`/${LATE}.narinfo`) +
      narinfo +
      get(`/${MISSING}.narinfo`) +
      narinfo +
      get(`/${NAR}`) +
      narinfo +
      last,
  ],
  'a request in pieces': [narinfo.slice(0, 20), narinfo.slice(20, 70), narinfo.slice(70), narinfo, last],
  'a request and a half': [narinfo + narinfo.slice(0, 60), narinfo.slice(60), last],
  'a letter at a time': [...narinfo.split(''), last],
  'other headers than before': [narinfo, get(`/${HASH}.narinfo`, 'Accept: text/html'), narinfo, last],
  'headers that are only the beginning of those before': [narinfo, get(`/${HASH}.narinfo`), last],
  'keep-alive asked for': [get(`/${HASH}.narinfo`, 'Connection: Keep-Alive'), last],
  'a connection that is to be closed': [get(`/${HASH}.narinfo`, 'Connection: close')],
  'HTTP/1.0': [`GET /${HASH}.narinfo HTTP/1.0\r\n\r\n`],
  'no host': [`GET /${HASH}.narinfo HTTP/1.1\r\n\r\n`],
  'two hosts': [`GET /${HASH}.narinfo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`, last],
  'a space before a colon': [`GET /${HASH}.narinfo HTTP/1.1\r\nHost: a\r\nAccept : b\r\n\r\n`],
  'a folded header': [`GET /${HASH}.narinfo HTTP/1.1\r\nHost: a\r\nAccept: b\r\n c\r\n\r\n`],
  'lines without a carriage return': [`GET /${HASH}.narinfo HTTP/1.1\nHost: a\n\n`],
  'a bare carriage return in a header': [`GET /${HASH}.narinfo HTTP/1.1\r\nHost: a\rb\r\n\r\n`],
  'a range': [narinfo, get(`/${HASH}.narinfo`, 'Range: bytes=2-5'), narinfo, last],
  'several ranges': [get(`/${HASH}.narinfo`, 'Range: bytes=0-1,4-5'), last],
  'what the client has already': [get(`/${HASH}.narinfo`, 'If-None-Match: "tag"'), last],
  'a token, which may show more': [get(`/${HASH}.narinfo`, 'Authorization: Basic eDp5'), last],
  'a body': [narinfo, get(`/${HASH}.narinfo`, 'Content-Length: 3') + 'abc' + narinfo, last],
  'a chunked body that looks like a request': [
    get(`/${HASH}.narinfo`, 'Transfer-Encoding: chunked') +
      `${narinfo.length.toString(16)}\r\n${narinfo}\r\n0\r\n\r\n` +
      last,
  ],
  'a NAR between narinfos': [narinfo, get(`/${NAR}`, ...NIX), narinfo, last],
  'an upload that nobody takes': [
    narinfo,
    `PUT /${HASH}.narinfo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`,
    last,
  ],
  'a query': [get(`/${HASH}.narinfo?json`), last],
  'letters that no hash has': [
    get(`/${'e'.repeat(32)}.narinfo`),
    get(`/${HASH.toUpperCase()}.narinfo`),
    last,
  ],
  'a longer name': [get(`/${HASH}0.narinfo`), get(`/${HASH}.narinfo/`), get(`//${HASH}.narinfo`), last],
  'a name with escapes': [get(`/%30${HASH.slice(1)}.narinfo`), last],
  'a full URL': [get(`http://cache/${HASH}.narinfo`), last],
  'what is no HTTP': ['hello\r\n\r\n'],
  'a header too long for anybody': [get(`/${HASH}.narinfo`, `Accept: ${'x'.repeat(20_000)}`)],
};

describe('a request gets the same bytes by the short way and by the long one', () => {
  for (const [name, pieces] of Object.entries(EXCHANGES))
    test(name, async () => {
      const [ours, theirs] = await Promise.all([exchange(short, pieces), exchange(long, pieces)]);
      assert.ok(theirs.startsWith('HTTP/1.1 '), theirs);
      assert.equal(ours, theirs);
    });
});

test('a client that closes its half still gets all answers', async () => {
  const socket = open(short);
  socket.end(narinfo + get(`/${LATE}.narinfo`) + narinfo);
  const text = Buffer.concat(await Array.fromAsync(socket)).toString('latin1');
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

test('a client that sends much without reading gets all answers when it reads', async () => {
  const count = 20_000;
  const socket = open(short).pause();
  const all = Buffer.from(narinfo.repeat(count) + last);
  const sent = new Promise((resolve) => socket.write(all, resolve));
  // The kernels' buffers take some megabytes at most; all answers together are eight.
  await new Promise((resolve) => setImmediate(resolve));
  let bytes = 0;
  let tail = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    tail = Buffer.concat([tail, chunk]).subarray(-200);
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await Promise.all([sent, closed]);
  assert.match(tail.toString('latin1'), /StoreDir: \/nix\/store\n$/);
  const one = await exchange(short, [narinfo, last]);
  const two = await exchange(short, [narinfo, narinfo, last]);
  assert.equal(
    bytes,
    (two.length - one.length + DATE_BYTES) * count + one.length - (two.length - one.length) + DATE_BYTES,
  );
});

/** What the real date has more than the word that stands for it here: "Sun, 22 Nov 2026 09:19:31 GMT" and "now". */
const DATE_BYTES = 26;

test('a server that stops ends connections that wait, and does not wait for them', async () => {
  const app = await start(true);
  const waiting = open(app);
  const ended = new Promise((resolve) => waiting.once('close', resolve));
  await new Promise((resolve) => waiting.write(narinfo, resolve));
  await new Promise((resolve) => waiting.once('data', resolve));
  const silent = open(app);
  const silentEnded = new Promise((resolve) => silent.resume().once('close', resolve));
  await new Promise((resolve) => silent.once('connect', resolve));
  await app.close();
  await Promise.all([ended, silentEnded]);
});
