/** A log as server-sent events: nothing is lost, doubled or torn, however it grows and wherever a reader begins. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
let url: string;
let id = 9100;
before(async () => {
  site = await openSampleSite();
  url = await site.listen();
});
after(() => site[Symbol.asyncDispose]());

interface Event {
  readonly id: number;
  readonly name: string;
  readonly data: string;
}

/** Events as they come, by the rules of a browser (WHATWG HTML §9.2). */
async function* eventsOf(query = '', headers: Record<string, string> = {}): AsyncGenerator<Event> {
  const response = await fetch(`${url}/api/v1/attempts/${id}/log/events${query}`, { headers });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  let rest = '';
  for await (const text of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]);
      const of = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value);
      if (of('event')[0] !== undefined)
        yield { id: Number(of('id')[0]), name: of('event')[0] ?? '', data: of('data').join('\n') };
    }
  }
}

const textOf = (events: readonly Event[]): string =>
  events
    .filter(({ name }) => name === 'log')
    .map(({ data }) => data)
    .join('');

async function closedLog(bytes: Buffer): Promise<void> {
  id++;
  await site.logs.append(id, 0, bytes);
  await site.logs.close(id);
}

/** Three bytes a character: no power of two ends at one. */
const LONG = '漢字ü€😀\n'.repeat(40_000);

describe('of a closed log', () => {
  test('comes all of it, characters whole, and its end', async () => {
    await closedLog(Buffer.from(LONG));
    const events = await Array.fromAsync(eventsOf());
    assert.equal(textOf(events), LONG);
    assert.ok(events.length > 3, 'in several pieces');
    const bytes = Buffer.byteLength(LONG);
    assert.deepEqual(events.at(-1), { id: bytes, name: 'end', data: String(bytes) });
  });

  test('each id is the byte to go on from', async () => {
    const events = await Array.fromAsync(eventsOf());
    for (const [index, event] of events.entries()) {
      const rest = await Array.fromAsync(eventsOf('', { 'last-event-id': String(event.id) }));
      assert.equal(textOf(rest), textOf(events.slice(index + 1)), `after ${event.id}`);
    }
  });

  test('a reader may begin anywhere; an id that it saw counts before where it asked to begin', async () => {
    await closedLog(Buffer.from('0123456789'));
    assert.equal(textOf(await Array.fromAsync(eventsOf('?from=4'))), '456789');
    assert.equal(textOf(await Array.fromAsync(eventsOf('?from=4', { 'last-event-id': '7' }))), '789');
    assert.equal(textOf(await Array.fromAsync(eventsOf('?from=4', { 'last-event-id': 'x' }))), '456789');
  });

  for (const from of [10, 11, 1_000_000])
    test(`from byte ${from} of 10 there is only the end`, async () =>
      assert.deepEqual(await Array.fromAsync(eventsOf(`?from=${from}`)), [
        { id: from, name: 'end', data: '10' },
      ]));

  test('an empty one has only an end', async () => {
    await closedLog(Buffer.alloc(0));
    assert.deepEqual(await Array.fromAsync(eventsOf()), [{ id: 0, name: 'end', data: '0' }]);
  });

  test('lines stay as they are, but for carriage returns, which would end a line of the protocol', async () => {
    const text = '\n\n  indented: yes\n:colon\ndata: x\n\nevent: end\n10%\r20%\r\nlast';
    await closedLog(Buffer.from(text));
    assert.equal(textOf(await Array.fromAsync(eventsOf())), text.replaceAll('\r', ''));
  });

  test('bytes that are no text are shown as such, at the end too', async () => {
    await closedLog(Buffer.from([0x61, 0xff, 0x62, 0xc3]));
    assert.equal(textOf(await Array.fromAsync(eventsOf())), 'a\ufffdb\ufffd');
  });
});

describe('of a log that grows', () => {
  test('a character that comes in two pieces comes whole', async () => {
    id++;
    const bytes = Buffer.from('ü漢😀');
    await site.logs.append(id, 0, bytes.subarray(0, 1));
    const seen: Event[] = [];
    // Byte by byte: each event makes the next byte come, and so do those that complete nothing.
    const writing = (async () => {
      for (let at = 1; at < bytes.length; at++) await site.logs.append(id, at, bytes.subarray(at, at + 1));
      await site.logs.close(id);
    })();
    for await (const event of eventsOf()) seen.push(event);
    await writing;
    assert.equal(textOf(seen), 'ü漢😀');
    assert.deepEqual(seen.at(-1), { id: bytes.length, name: 'end', data: String(bytes.length) });
  });

  test('what comes is sent as it comes, and the end when it is closed', async () => {
    id++;
    await site.logs.append(id, 0, Buffer.from('one\n'));
    const events = eventsOf();
    const next = async () => (await events.next()).value as Event;
    assert.deepEqual(await next(), { id: 4, name: 'log', data: 'one\n' });
    await site.logs.append(id, 4, Buffer.from('two\n'));
    assert.deepEqual(await next(), { id: 8, name: 'log', data: 'two\n' });
    await site.logs.close(id);
    assert.deepEqual(await next(), { id: 8, name: 'end', data: '8' });
    assert.equal((await events.next()).done, true);
  });

  test('a reader that begins beyond its end waits for what comes there', async () => {
    id++;
    await site.logs.append(id, 0, Buffer.from('0123'));
    const events = eventsOf('?from=6');
    const first = events.next();
    await site.logs.append(id, 4, Buffer.from('45678'));
    assert.deepEqual((await first).value, { id: 9, name: 'log', data: '678' });
    await site.logs.close(id);
    assert.deepEqual((await events.next()).value, { id: 9, name: 'end', data: '9' });
  });
});
