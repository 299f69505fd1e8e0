/** Logs of attempts, for people and programs. */

import { once } from 'node:events';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import type { LogStore } from '../logs.ts';

const Params = Type.Object({ id: Type.Integer({ minimum: 1 }) });
/** Comments keep proxies from closing a stream over which nothing is said. */
const COMMENT_MS = 15_000;

export function attemptRoutes({ logs }: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.get(
      '/attempts/:id/log',
      { schema: { summary: 'The log of an attempt; `Range: bytes=` is served', params: Params } },
      async (request, reply) => {
        const log = await logs.find(request.params.id);
        if (log === undefined) throw new NotFoundError(`attempt ${request.params.id} has no log`);
        void reply.type('text/plain; charset=utf-8').header('accept-ranges', 'bytes');
        const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
        const start = first === '' ? 0 : Number(first);
        const end = last === '' ? log.bytes : Math.min(log.bytes, Number(last) + 1);
        if (first !== '' && start >= log.bytes)
          return reply.code(416).header('content-range', `bytes */${log.bytes}`).send();
        if (first !== '')
          void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${log.bytes}`);
        return reply.header('content-length', end - start).send(logs.read(request.params.id, start, end));
      },
    );

    app.get(
      '/attempts/:id/log/events',
      {
        schema: {
          summary: 'The log as server-sent events; `Last-Event-ID` (a byte offset) resumes',
          params: Params,
        },
      },
      async (request, reply) => {
        if ((await logs.find(request.params.id)) === undefined)
          throw new NotFoundError(`attempt ${request.params.id} has no log`);
        await streamLog(logs, request.params.id, request, reply);
      },
    );
    done();
  };
}

/** Sends what is there and what comes, until the log is closed or the reader is gone. Event ids are offsets after the event. */
async function streamLog(
  logs: LogStore,
  id: number,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const query = request.query as { from?: string };
  let position = Number(request.headers['last-event-id'] ?? query.from ?? 0) || 0;
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const changed = new EventTarget();
  // Watched before it is read: what comes in between is seen by the next look.
  const unwatch = logs.watch(id, () => changed.dispatchEvent(new Event('change')));
  const comments = setInterval(() => raw.write(': waiting\n\n'), COMMENT_MS);
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  try {
    while (!gone.signal.aborted) {
      const change = once(changed, 'change', { signal: gone.signal }).catch(() => {});
      const log = await logs.find(id);
      if (log === undefined) break;
      position = await sendFrom(logs, id, position, log.bytes, raw);
      if (log.closed) {
        raw.write(`id: ${position}\nevent: end\ndata: ${log.bytes}\n\n`);
        break;
      }
      await change;
    }
  } finally {
    clearInterval(comments);
    unwatch();
    raw.end();
  }
}

async function sendFrom(
  logs: LogStore,
  id: number,
  from: number,
  to: number,
  raw: NodeJS.WritableStream,
): Promise<number> {
  let position = from;
  for await (const chunk of logs.read(id, from, to)) {
    const bytes = chunk as Buffer;
    position += bytes.length;
    const data = bytes
      .toString('utf8')
      .split('\n')
      .map((line) => `data: ${line.replaceAll('\r', '')}`)
      .join('\n');
    // A slow reader holds back its own stream only.
    if (!raw.write(`id: ${position}\nevent: log\n${data}\n\n`)) await once(raw, 'drain');
  }
  return position;
}
