import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { createTransfers } from '../../../server/cache/transfers.ts';

/** What a transfer needs of a response: that it may be closed. */
function response(): ServerResponse & EventEmitter {
  return Object.assign(new EventEmitter(), { destroyed: false }) as unknown as ServerResponse & EventEmitter;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp(most: number) {
  const transfers = createTransfers({ most });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    transfers,
    started,
    begin: (client: string, name: string, to = response()): Promise<void> =>
      transfers.run(client, to, 1, () => {
        started.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      }),
    end: async (name: string): Promise<void> => {
      ends.get(name)?.();
      await turn();
    },
  };
}

test('no more than so many run, and who waits begins when one ends', async () => {
  const { transfers, started, begin, end } = setUp(2);
  for (const name of ['1', '2', '3', '4']) void begin('a', name);
  await turn();
  assert.deepEqual(started, ['1', '2']);
  assert.deepEqual([transfers.running, transfers.waiting], [2, 2]);
  await end('2');
  assert.deepEqual(started, ['1', '2', '3']);
  await end('1');
  await end('3');
  await end('4');
  assert.deepEqual([transfers.running, transfers.waiting], [0, 0]);
});

test('clients take turns: who asks for much does not keep out who asks for little', async () => {
  const { started, begin, end } = setUp(1);
  for (const name of ['a1', 'a2', 'a3', 'a4']) void begin('a', name);
  for (const name of ['b1', 'b2']) void begin('b', name);
  void begin('c', 'c1');
  await turn();
  for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) await end(name);
  assert.deepEqual(started, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
});

test('who leaves while it waits is not sent anything, and keeps nobody waiting', async () => {
  const { transfers, started, begin, end } = setUp(1);
  void begin('a', '1');
  const left = response();
  const waiting = begin('b', '2', left);
  void begin('c', '3');
  await turn();
  left.emit('close');
  await waiting;
  assert.equal(transfers.waiting, 1);
  await end('1');
  assert.deepEqual(started, ['1', '3']);
});

test('a transfer that fails makes room, and its failure travels', async () => {
  const transfers = createTransfers({ most: 1 });
  await assert.rejects(
    transfers.run('a', response(), 1, () => Promise.reject(new Error('the disk'))),
    /the disk/,
  );
  assert.equal(transfers.running, 0);
});

test('a reader that takes nothing is cut off when its time is over, and makes room', async () => {
  const transfers = createTransfers({ most: 1, patienceMs: 20, slowestBytesPerSecond: 1e9 });
  const bytes = Buffer.alloc(64 * 1024 * 1024);
  const { promise: cut, resolve: isCut } = Promise.withResolvers<void>();
  const server = createServer((_request, to) => {
    const run = transfers.run(
      'a',
      to,
      bytes.length,
      () => new Promise((resolve) => to.end(bytes).once('close', resolve)),
    );
    void run.then(isCut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await cut;
  assert.equal(transfers.running, 0);
  socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
