/** What Nix's clients upload to the server (`nix copy --to`), for those who may. */

import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { ViewName } from '../../domain/ci/view.ts';
import type { ServerDeps } from '../deps.ts';
import { guardPushes } from '../push-authority.ts';
import { createIndexedSink } from './sinks/indexed.ts';
import { createStagingSinks } from './sinks/staging.ts';
import type { CacheSource } from './source.ts';
import { uploadRoutes, type UploadRoutesOptions } from './upload-routes.ts';
import { requireStagingView, stagingFolder, stagingName } from './views.ts';

/** Into the cache; which of its views show it is the policy's affair. */
export function pushRoutes(deps: ServerDeps, view: ViewName = 'public'): FastifyPluginCallback {
  return guarded(deps, () => view, { sink: createIndexedSink(deps.ingestDeps) });
}

/** Into a staging view, and nowhere else; below a prefix with the parameter `staging`. */
export function stagingPushRoutes(deps: ServerDeps, beneath: CacheSource): FastifyPluginCallback {
  const { folder, storeDir, stagingKey: key } = deps;
  const sinkOf = createStagingSinks({
    folderOf: (name) => stagingFolder(folder.path, name),
    storeDir,
    nixCacheInfo: folder.nixCacheInfo,
    key,
    beneath,
  });
  const sink = (request: FastifyRequest) => sinkOf(stagingName(requireStagingView(request)));
  return guarded(deps, requireStagingView, { sink });
}

function guarded(
  deps: ServerDeps,
  viewOf: (request: FastifyRequest) => ViewName,
  options: UploadRoutesOptions,
): FastifyPluginCallback {
  return (app, _options, done) => {
    // Before the body, so that a client that expects `100 Continue` sends none in vain.
    guardPushes(app, deps, viewOf);
    // Listings and realisations call themselves JSON: they are taken as the bytes that they are.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, next) => next(null, payload));
    void app.register(uploadRoutes(options));
    done();
  };
}
