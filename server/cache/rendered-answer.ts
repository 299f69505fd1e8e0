/** Whole answers, head and body, as Node would write them; made once for each content and second. */

import { KEEP_ALIVE_MS } from './http.ts';
import type { PlainRequest } from './plain-request.ts';
import { contentHeaders } from './send.ts';
import type { Content } from './source.ts';

interface Rendered {
  /** Head and body. */
  readonly whole: Buffer;
  readonly headLength: number;
  readonly date: string;
}

const SECOND_MS = 1_000;
/** As Fastify's route answers a miss. */
const MISS: Content = { size: 4, body: { kind: 'bytes', bytes: Buffer.from('404\n') } };

export type Renderer = (request: Pick<PlainRequest, 'method'>, content: Content | undefined) => Buffer;

/** @throws Error for a content that is not in memory. */
export function createRenderer(now: () => number = Date.now): Renderer {
  // Gone with its content, whoever keeps that.
  const rendered = new WeakMap<Content, Rendered>();
  let date = '';
  let dateUntil = 0;

  function today(): string {
    const time = now();
    if (time >= dateUntil || time < dateUntil - SECOND_MS) {
      dateUntil = time - (time % SECOND_MS) + SECOND_MS;
      date = new Date(time).toUTCString();
    }
    return date;
  }

  return ({ method }, content = MISS) => {
    const current = today();
    let answer = rendered.get(content);
    if (answer === undefined || answer.date !== current)
      rendered.set(content, (answer = renderAnswer(content, current)));
    return method === 'HEAD' ? answer.whole.subarray(0, answer.headLength) : answer.whole;
  };
}

function renderAnswer(content: Content, date: string): Rendered {
  const { body, size } = content;
  if (body.kind !== 'bytes') throw new Error(`a content that is a ${body.kind} is not in memory`);
  const headers =
    content === MISS
      ? { 'cache-control': 'no-store', 'content-type': 'text/plain' }
      : contentHeaders(content, { kind: 'narinfo', isPublic: true });
  const lines = Object.entries({
    ...headers,
    'content-length': String(size),
    Date: date,
    Connection: 'keep-alive',
    'Keep-Alive': `timeout=${KEEP_ALIVE_MS / 1000}`,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${content === MISS ? '404 Not Found' : '200 OK'}\r\n${lines.join('')}\r\n`;
  return { whole: Buffer.concat([Buffer.from(head, 'latin1'), body.bytes]), headLength: head.length, date };
}
