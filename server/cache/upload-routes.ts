/** Uploads as Nix's clients make them: PUT of every resource, refused before the body is sent wherever that is possible. */

import { Readable } from 'node:stream';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { decodeContent } from './content-encoding.ts';
import { addResourceRoutes } from './resource-routes.ts';
import { type Resource, type ResourceKind, parseResource } from './resource.ts';
import { miss } from './routes.ts';
import type { CacheSink } from './sink.ts';

const MEBIBYTE = 2 ** 20;

/** Bytes of an upload, after decoding: more than any client writes. */
const MOST_BYTES: Readonly<Record<ResourceKind, number>> = {
  'nix-cache-info': 64 * 1024,
  narinfo: 4 * MEBIBYTE,
  listing: 1024 * MEBIBYTE,
  nar: 2 ** 40,
  log: 1024 * MEBIBYTE,
  realisation: 4 * MEBIBYTE,
  'build-trace': 4 * MEBIBYTE,
  debuginfo: 64 * 1024,
};

export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  readonly statusCode = 413;
}

export interface UploadRoutesOptions {
  /** Or that of a request, where several share these routes. */
  readonly sink: CacheSink | ((request: FastifyRequest) => CacheSink);
}

export function uploadRoutes({ sink }: UploadRoutesOptions): FastifyPluginCallback {
  return (app, _options, done) => {
    addResourceRoutes(app, ['PUT'], take);
    done();
  };

  async function take(request: FastifyRequest, reply: FastifyReply, key: string): Promise<FastifyReply> {
    const resource = parseResource(key);
    if (resource === undefined) return miss(reply);
    requireFitting(request, resource);
    const decode = decodeContent(request.headers['content-encoding'], resource.kind);
    const into = typeof sink === 'function' ? sink(request) : sink;
    await into.admit?.(resource);
    if (request.headers.expect !== undefined) reply.raw.writeContinue();
    const limit = MOST_BYTES[resource.kind];
    const body = Readable.from(decode(limited(request.raw, limit), limit), { objectMode: false });
    const taken = await into.put(resource, body);
    return reply.code(taken === 'created' ? 201 : 204).send();
  }
}

function requireFitting({ headers }: FastifyRequest, { kind, key }: Resource): void {
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > MOST_BYTES[kind])
    throw new TooLargeError(
      `${key}: ${announced} bytes are announced, at most ${MOST_BYTES[kind]} are taken`,
    );
}

/** Where the taker stops early, the request is left as it is: destroyed, the client would see a cut instead of the answer. */
async function* limited(source: Readable, most: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw new TooLargeError(`${bytes} bytes or more, at most ${most} are taken`);
    yield chunk;
  }
}
