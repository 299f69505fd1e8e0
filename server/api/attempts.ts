/** Logs of attempts, for people and programs. */

import { once } from 'node:events';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { requireLogAccess } from '../log-access.ts';
import type { LogStore } from '../logs.ts';
import { parseRange } from '../range.ts';

const Params = Type.Object({ id: Type.Integer({ minimum: 1 }) });
/** Comments keep proxies from closing a stream over which nothing is said. */
const COMMENT_MS = 15_000;

export function attemptRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { logs } = deps;
  return (app, _options, done) => {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/attempts/:id/log',
      schema: { summary: 'The log of an attempt; `Range: bytes=` is served', params: Params },
      handler: async (request, reply) => {
        await requireLogAccess(deps, request, request.params.id);
        const log = await logs.find(request.params.id);
        if (log === undefined) throw new NotFoundError(`attempt ${request.params.id} has no log`);
        // What a build prints is not to be taken for a page.
        void reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff');
        void reply.header('accept-ranges', 'bytes');
        const range = parseRange(request.headers.range, log.bytes);
        if (range === 'unsatisfiable')
          return reply.code(416).header('content-range', `bytes */${log.bytes}`).send();
        const { start, end } = range ?? { start: 0, end: log.bytes };
        if (range !== undefined)
          void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${log.bytes}`);
        void reply.header('content-length', end - start);
        return request.method === 'HEAD'
          ? reply.send()
          : reply.send(logs.read(request.params.id, start, end));
      },
    });

    app.get(
      '/attempts/:id/log/events',
      {
        schema: {
          summary: 'The log as server-sent events; `Last-Event-ID` (a byte offset) resumes',
          params: Params,
          querystring: Type.Object({ from: Type.Integer({ minimum: 0, default: 0 }) }),
        },
      },
      async (request, reply) => {
        await requireLogAccess(deps, request, request.params.id);
        if ((await logs.find(request.params.id)) === undefined)
          throw new NotFoundError(`attempt ${request.params.id} has no log`);
        const resumed = Number(request.headers['last-event-id'] ?? NaN);
        const from = Number.isSafeInteger(resumed) && resumed >= 0 ? resumed : request.query.from;
        await streamLog(logs, request.params.id, from, reply);
      },
    );
    done();
  };
}

/** Sends what is there and what comes, until the log is closed or the reader is gone. Event ids are offsets after the event. */
async function streamLog(logs: LogStore, id: number, from: number, reply: FastifyReply): Promise<void> {
  let position = from;
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
      const part = { from: position, to: log.bytes, closed: log.closed };
      position = await sendFrom(logs, id, part, raw, gone.signal);
      if (log.closed) {
        raw.write(`id: ${position}\nevent: end\ndata: ${log.bytes}\n\n`);
        break;
      }
      await change;
    }
  } catch (error) {
    // A reader who leaves in the middle is no failure.
    if (!gone.signal.aborted) throw error;
  } finally {
    clearInterval(comments);
    unwatch();
    raw.end();
  }
}

/** Returns the offset of what is still to be sent: of a character that is not there whole, unless no more will come. */
async function sendFrom(
  logs: LogStore,
  id: number,
  { from, to, closed }: { readonly from: number; readonly to: number; readonly closed: boolean },
  raw: NodeJS.WritableStream,
  gone: AbortSignal,
): Promise<number> {
  let position = from;
  let rest: Buffer = Buffer.alloc(0);
  const send = async (bytes: Buffer): Promise<void> => {
    if (bytes.length === 0) return;
    position += bytes.length;
    // A slow reader holds back its own stream only.
    if (!raw.write(`id: ${position}\nevent: log\n${dataLines(bytes)}\n\n`))
      await once(raw, 'drain', { signal: gone });
  };
  for await (const chunk of logs.read(id, from, to)) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    const whole = wholeCharacters(bytes);
    rest = bytes.subarray(whole);
    await send(bytes.subarray(0, whole));
  }
  if (closed) await send(rest);
  return position;
}

function dataLines(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .split('\n')
    .map((line) => `data: ${line.replaceAll('\r', '')}`)
    .join('\n');
}

/** The length of `bytes` without a UTF-8 character at the end that is cut off. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const length = byte >= 0b1111_0000 ? 4 : byte >= 0b1110_0000 ? 3 : byte >= 0b1100_0000 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
