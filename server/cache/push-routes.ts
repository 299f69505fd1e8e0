/** What Nix's clients upload to the server (`nix copy --to`), for those who may. */

import type { FastifyPluginCallback } from 'fastify';
import type { ViewName } from '../../domain/ci/view.ts';
import type { ServerDeps } from '../deps.ts';
import { guardPushes } from '../push-authority.ts';
import { createIndexedSink } from './sinks/indexed.ts';
import { uploadRoutes } from './upload-routes.ts';

export function pushRoutes(deps: ServerDeps, view: ViewName = 'public'): FastifyPluginCallback {
  return (app, _options, done) => {
    // Before the body, so that a client that expects `100 Continue` sends none in vain.
    guardPushes(app, deps, view);
    // Listings and realisations call themselves JSON: they are taken as the bytes that they are.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, next) => next(null, payload));
    void app.register(uploadRoutes({ sink: createIndexedSink(deps.ingestDeps) }));
    done();
  };
}
