import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { CommandFailure, EXIT } from '../../cli/exit.ts';
import { followEvents } from '../../cli/log-events.ts';

/** Answers each request by the next of `answers`, the last one for ever; keeps the positions that were asked for. */
async function serve(t: TestContext, answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://server');
    asked.push(searchParams.get('from'));
    answers[Math.min(asked.length, answers.length) - 1]?.(response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const open = (position: string | undefined) =>
    fetch(`http://127.0.0.1:${port}/${position === undefined ? '' : `?from=${position}`}`);
  return { open, asked };
}

const logEvent = (id: number, text: string) =>
  `id: ${id}\nevent: log\n${text
    .split('\n')
    .map((line) => `data: ${line}`)
    .join('\n')}\n\n`;

/** Sends, and cuts the connection in the middle of the next event. */
const cutAfter = (text: string) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`${text}id: 99\nevent: log\ndata: half`, () => response.destroy());
};
const whole = (text: string) => (response: ServerResponse) => void response.end(text);

test('a log whose stream breaks is taken up where it broke, nothing twice', async (t) => {
  const { open, asked } = await serve(t, [
    cutAfter(logEvent(4, 'one\n')),
    cutAfter(logEvent(8, 'two\n')),
    whole(`: waiting\n\n${logEvent(12, 'three')}id: 12\nevent: end\ndata: 12\n\n`),
  ]);
  let text = '';
  await followEvents(open, (part) => (text += part), 1);
  assert.equal(text, 'one\ntwo\nthree');
  assert.deepEqual(asked, [null, '4', '8']);
});

test('a stream that ends without saying so is asked for again', async (t) => {
  const { open, asked } = await serve(t, [
    whole(logEvent(4, 'one\n')),
    whole('id: 4\nevent: end\ndata: 4\n\n'),
  ]);
  let text = '';
  await followEvents(open, (part) => (text += part), 1);
  assert.deepEqual([text, asked], ['one\n', [null, '4']]);
});

test('a stream that always breaks is an error in the end, and not the end of the log', async (t) => {
  const { open } = await serve(t, [whole(': nothing\n\n')]);
  await assert.rejects(
    followEvents(open, () => {}, 1),
    (error) =>
      error instanceof CommandFailure &&
      error.status === EXIT.infrastructure &&
      /broke off/.test(error.message),
  );
});
