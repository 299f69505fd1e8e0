/** One `up` a state folder, on ports that are free: who holds either is named. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { stopLeftovers } from '../../cli/up/leftovers.ts';
import { findRunningInstance, lockInstance } from '../../cli/up/lock.ts';
import { choosePort, findFreePort, PortTaken, requirePort } from '../../cli/up/ports.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describe, test } from '../support/test.ts';

const URL_ = 'http://127.0.0.1:8484';

describe('a state folder', () => {
  test('is held by one process, which a second is told', async () => {
    const folder = await temporaryFolder('lock');
    const unlock = await lockInstance(folder, URL_);
    await assert.rejects(lockInstance(folder, 'http://127.0.0.1:1'), {
      message: `nixwarp runs on this state folder already: process ${process.pid}, ${URL_}`,
    });
    assert.equal((await findRunningInstance(folder))?.url, URL_);
    await unlock();
    assert.equal(await findRunningInstance(folder), undefined);
    await (
      await lockInstance(folder, URL_)
    )();
    assert.deepEqual(await readdir(folder), []);
  });

  test('that a dead process held is taken, and one whose id is used again, too', async () => {
    const folder = await temporaryFolder('lock');
    const child = spawn('true', { stdio: 'ignore' });
    await once(child, 'exit');
    for (const [pid, startTime] of [
      [child.pid, '1'],
      [process.pid, 'not the start of this process'],
    ]) {
      await writeFile(join(folder, 'up.json'), JSON.stringify({ pid, startTime, url: URL_ }));
      assert.equal(await findRunningInstance(folder), undefined);
      await (
        await lockInstance(folder, URL_)
      )();
    }
  });

  /** A power cut in the middle of a write: `up` would not start again before somebody removed the file. */
  for (const text of ['', '{"pid": 1', 'null'])
    test(`with ${JSON.stringify(text)} for notes of an earlier run is taken`, async () => {
      const folder = await temporaryFolder('lock');
      for (const name of ['up.json', 'children.json']) await writeFile(join(folder, name), text);
      assert.deepEqual(await stopLeftovers(folder), []);
      await (
        await lockInstance(folder, URL_)
      )();
    });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('a port', () => {
  test('that is taken is named, with who wants it and the setting that changes it', async () => {
    const port = await findFreePort();
    const server = await listen(port);
    const message = `port ${port} on 127.0.0.1, which the server is to listen on, is taken by another program; set NIXWARP_LISTEN to another`;
    await assert.rejects(requirePort('the server', '127.0.0.1', port, 'NIXWARP_LISTEN'), {
      name: 'PortTaken',
      message,
    });
    await assert.rejects(choosePort('the server', port, 1, 'NIXWARP_LISTEN'), PortTaken);
    // Where nobody asked for a certain one, the next that is free.
    assert.ok((await choosePort('the server', undefined, port, 'NIXWARP_LISTEN')) > port);
    server.close();
    await once(server, 'close');
    assert.equal(await choosePort('the server', port, 1, 'NIXWARP_LISTEN'), port);
  });
});
