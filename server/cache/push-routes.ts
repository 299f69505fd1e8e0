/** What Nix's clients upload to the server (`nix copy --to`), for those who may. */

import type { FastifyPluginCallback } from 'fastify';
import type { ServerDeps } from '../deps.ts';
import { requirePush } from '../push-authority.ts';
import { createIndexedSink } from './sinks/indexed.ts';
import { uploadRoutes } from './upload-routes.ts';

export function pushRoutes({ authority, ingestDeps }: ServerDeps): FastifyPluginCallback {
  return (app, _options, done) => {
    // Before the body, so that a client that expects `100 Continue` sends none in vain.
    app.addHook('onRequest', async (request) => requirePush(authority, request));
    // Listings and realisations call themselves JSON: they are taken as the bytes that they are.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, next) => next(null, payload));
    void app.register(uploadRoutes({ sink: createIndexedSink(ingestDeps) }));
    done();
  };
}
