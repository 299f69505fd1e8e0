import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Fastify from 'fastify';
import { findFreePort } from '../../../cli/up/ports.ts';
import { accelerateWith } from '../../../server/cache/accelerate.ts';
import { cacheRoutes } from '../../../server/cache/routes.ts';
import { createFolderSource } from '../../../server/cache/sources/folder.ts';

const NAR = `nar/${'1'.repeat(52)}.nar.zst`;
const HASH = '1'.repeat(32);
const PATH = `${process.env['PATH']}:/usr/sbin`;
const lacksNginx =
  spawnSync('nginx', ['-v'], { env: { PATH } }).error === undefined
    ? false
    : 'there is no nginx (apt-get install nginx-light)';

test('a file of the cache is a location of nginx, one from elsewhere is none', () => {
  const accelerate = accelerateWith('/files/', '/state/cache');
  assert.equal(accelerate('/state/cache/nar/a+b.nar'), '/files/nar/a%2Bb.nar');
  assert.equal(accelerate('/state/cache/..a/b'), '/files/..a/b');
  for (const outside of ['/state/staging/nar/a', '/state/cache', '/state/cache2/a', '/'])
    assert.equal(accelerate(outside), undefined, outside);
});

test(
  'behind nginx it sends the bytes, whole and in ranges, and the files are not to be had without us',
  { skip: lacksNginx },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nixwarp-nginx-'));
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    await mkdir(join(folder, 'cache', 'nar'), { recursive: true });
    await writeFile(join(folder, 'cache', NAR), bytes);
    await writeFile(join(folder, 'cache', `${HASH}.narinfo`), 'StorePath: x\n');
    const app = Fastify({ exposeHeadRoutes: false });
    const source = createFolderSource({
      path: join(folder, 'cache'),
      storeDir: '/nix/store',
      priority: undefined,
    });
    await app.register(
      cacheRoutes({ source, accelerate: accelerateWith('/nixwarp-files/', join(folder, 'cache')) }),
    );
    await app.listen({ host: '127.0.0.1', port: 0 });
    const port = await findFreePort();
    // As docs/cache.md shows it.
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; user root;
events {}
http {
  access_log off; sendfile on; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  upstream nixwarp { server 127.0.0.1:${(app.server.address() as AddressInfo).port}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://nixwarp; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /nixwarp-files/ { internal; alias ${folder}/cache/; }
  }
}
`,
    );
    const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { env: { PATH }, stdio: 'inherit' });
    const url = `http://127.0.0.1:${port}`;
    try {
      await untilListens(port);
      const direct = await app.inject(`/${NAR}`);
      assert.equal(direct.headers['x-accel-redirect'], `/nixwarp-files/${NAR}`);
      const whole = await fetch(`${url}/${NAR}`);
      assert.equal(whole.status, 200);
      assert.equal(whole.headers.get('x-accel-redirect'), null);
      assert.equal(whole.headers.get('content-type'), 'application/x-nix-nar');
      assert.equal(whole.headers.get('accept-ranges'), 'bytes');
      assert.match(whole.headers.get('etag') ?? '', /^"[^", ]+"$/);
      assert.match(whole.headers.get('cache-control') ?? '', /immutable/);
      assert.equal(whole.headers.get('content-length'), String(bytes.length));
      assert.ok(bytes.equals(Buffer.from(await whole.arrayBuffer())));
      const part = await fetch(`${url}/${NAR}`, { headers: { range: 'bytes=1000-' } });
      assert.equal(part.status, 206);
      assert.ok(bytes.subarray(1000).equals(Buffer.from(await part.arrayBuffer())));
      const head = await fetch(`${url}/${NAR}`, { method: 'HEAD' });
      assert.equal(head.headers.get('content-length'), String(bytes.length));
      assert.equal((await fetch(`${url}/nixwarp-files/${NAR}`)).status, 404);
      assert.equal((await fetch(`${url}/nar/${'2'.repeat(52)}.nar.zst`)).status, 404);
      assert.equal(await (await fetch(`${url}/${HASH}.narinfo`)).text(), 'StorePath: x\n');
    } finally {
      const ended = new Promise((resolve) => nginx.once('exit', resolve));
      nginx.kill('SIGQUIT');
      await app.close();
      await ended;
      await rm(folder, { recursive: true });
    }
  },
);

async function untilListens(port: number): Promise<void> {
  for (const deadline = Date.now() + 20_000; ;) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (answers) return;
    if (Date.now() > deadline) throw new Error('nginx did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
