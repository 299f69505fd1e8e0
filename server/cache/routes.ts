/** The binary cache as Nix clients see it: every resource by GET and HEAD, from one entry. */

import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { addResourceRoutes } from './resource-routes.ts';
import { parseResource } from './resource.ts';
import { sendContent } from './send.ts';
import { openShortWay } from './short-way.ts';
import type { CacheSource, Content, ContentBody } from './source.ts';
import type { Transfers } from './transfers.ts';

export interface CacheRoutesOptions {
  /** One, or that of the view which a request names. */
  readonly source: CacheSource | ((request: FastifyRequest) => CacheSource);
  /** Where nginx finds a file of the cache, as `X-Accel-Redirect`; absent: this process sends files itself. */
  readonly accelerate?: ((path: string) => string | undefined) | undefined;
  /** So many NARs at a time; absent: all at once. */
  readonly transfers?: Transfers | undefined;
  /** What is served at the server's root, to anybody: plain requests for narinfos are answered before there is a route. */
  readonly shortWay?: boolean;
  /**
   * Rejects who may not read here. Absent: anybody may, and shared caches may keep it. Nobody is refused `nix-cache-info`: Nix
   * would drop the cache, or try to make one (reference: binary-cache.md §2.2).
   */
  readonly authorize?: (request: FastifyRequest) => Promise<void>;
}

/** A malformed name is a miss (404): Nix takes any other 4xx as fatal (reference: binary-cache.md §2.9). */
export function cacheRoutes({
  source,
  accelerate,
  transfers,
  shortWay = false,
  authorize,
}: CacheRoutesOptions): FastifyPluginCallback {
  return (app, _options, done) => {
    if (shortWay && typeof source !== 'function') {
      const way = openShortWay(app.server, source);
      app.addHook('preClose', async () => way.close());
    }
    addResourceRoutes(app, ['GET', 'HEAD'], answer);
    done();
  };

  async function answer(request: FastifyRequest, reply: FastifyReply, key: string): Promise<FastifyReply> {
    const resource = parseResource(key);
    if (resource?.kind !== 'nix-cache-info') await authorize?.(request);
    const from = typeof source === 'function' ? source(request) : source;
    const found = resource === undefined ? undefined : await from.find(resource);
    const content = found?.body.kind === 'remote' ? await fetchRemote(request, found.body) : found;
    if (resource === undefined || content === undefined) return miss(reply);
    void reply.hijack();
    const send = (): Promise<void> =>
      sendContent(request.raw, reply.raw, content, {
        kind: resource.kind,
        isPublic: authorize === undefined,
        ...(accelerate === undefined ? {} : { accelerate }),
      });
    const isLong = resource.kind === 'nar' && request.method === 'GET' && content.body.kind !== 'bytes';
    try {
      if (isLong && transfers !== undefined) await transfers.run(request.ip, reply.raw, content.size, send);
      else await send();
    } catch (error) {
      // Headers are gone already: all that tells the client is a cut connection. A reader that left is no error.
      if (!request.raw.destroyed) request.log.warn({ err: error, key }, 'a transfer was cut');
      reply.raw.destroy();
    }
    return reply;
  }
}

/** HEAD asks whether the bytes are here, as uploads do: they are not (reference: binary-cache.md §4.14). */
async function fetchRemote(
  { method }: FastifyRequest,
  { fetch }: Extract<ContentBody, { kind: 'remote' }>,
): Promise<Content | undefined> {
  return method === 'HEAD' ? undefined : fetch();
}

export function miss(reply: FastifyReply): FastifyReply {
  return reply.code(404).header('cache-control', 'no-store').type('text/plain').send('404\n');
}
