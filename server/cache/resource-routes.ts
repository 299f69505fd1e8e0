/** Routes for all resources of a cache, whatever the method: the key that a handler gets is still to be parsed. */

import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';

/** Paths of a cache's resources below the place where the cache is served; what they hold is checked by `parseResource`. */
const PATHS = [
  '/:name(^nix-cache-info$|^[0-9a-z]{32}\\.(?:narinfo|ls)$)',
  '/nar/:name',
  '/log/:name',
  '/realisations/:name',
  '/build-trace-v2/:folder/:name',
  '/debuginfo/:name',
] as const;

/** Given the path, decoded once, without a slash in front. */
export type ResourceHandler = (
  request: FastifyRequest,
  reply: FastifyReply,
  key: string,
) => Promise<FastifyReply>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler says `100 Continue` itself, after looking at the request (`expectations.ts`). */
    answersExpectation?: boolean;
  }
}

export function addResourceRoutes(
  app: FastifyInstance,
  method: HTTPMethods[],
  handler: ResourceHandler,
): void {
  for (const path of PATHS) {
    const folder = path.slice(1, path.lastIndexOf('/') + 1).replace(':folder/', '');
    app.route<{ Params: { folder?: string; name: string } }>({
      method,
      url: path,
      schema: { hide: true },
      config: { answersExpectation: method.includes('PUT') },
      handler: (request, reply) => {
        const { params } = request;
        const inner = params.folder === undefined ? '' : `${params.folder}/`;
        return handler(request, reply, `${folder}${inner}${params.name}`);
      },
    });
  }
}
