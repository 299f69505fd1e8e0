/** The application: routes over their dependencies. No process, no environment, so that tests can inject requests. */

import { Readable } from 'node:stream';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { errorCodes, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { JobsetConfigSchema } from '../domain/ci/jobset-config.ts';
import { attemptRoutes } from './api/attempts.ts';
import { builderRoutes } from './api/builders.ts';
import { evaluationCommandRoutes } from './api/evaluation-commands.ts';
import { evaluationRoutes } from './api/evaluations.ts';
import { evaluatorRoutes } from './api/evaluators.ts';
import { findingRoutes } from './api/findings.ts';
import { fleetRoutes } from './api/fleet.ts';
import { ingestRoutes } from './api/ingest.ts';
import { jobRoutes } from './api/jobs.ts';
import { jobsetRoutes } from './api/jobsets.ts';
import { runRoutes } from './api/runs.ts';
import { tokenRoutes } from './api/tokens.ts';
import { cacheCommandRoutes } from './api/cache-commands.ts';
import { pathRoutes } from './api/paths.ts';
import { pinRoutes } from './api/pins.ts';
import { triggerRoutes } from './api/triggers.ts';
import { answerExpectations } from './cache/expectations.ts';
import { httpOptions } from './cache/http.ts';
import { addViewRoutes, createViewSources } from './cache/views.ts';
import { pushRoutes, stagingPushRoutes } from './cache/push-routes.ts';
import { miss } from './cache/routes.ts';
import type { RouteDeps, ServerDeps } from './deps.ts';
import { answerErrors, sendProblem } from './errors.ts';
import { createValidatorCompiler } from './validation.ts';
import { createSummaries } from './views/summaries.ts';
import { webRoutes } from './web/routes.ts';

const ROUTES = [
  fleetRoutes,
  findingRoutes,
  jobsetRoutes,
  triggerRoutes,
  evaluationRoutes,
  evaluationCommandRoutes,
  jobRoutes,
  attemptRoutes,
  runRoutes,
  builderRoutes,
  evaluatorRoutes,
  ingestRoutes,
  tokenRoutes,
  pathRoutes,
  pinRoutes,
  cacheCommandRoutes,
] as const;

export async function createApp(deps: ServerDeps, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const routeDeps: RouteDeps = {
    ...deps,
    listSummaries: createSummaries(deps.connection.db, deps.ingestDeps.now),
  };
  const app = Fastify({
    ...httpOptions(logger),
    // A URL that cannot be decoded is refused before there is a route.
    // For the cache there is no such thing, and any other 4xx is fatal to Nix.
    frameworkErrors: (error, request, reply) =>
      request.url.startsWith('/api/')
        ? void sendProblem(request, reply, error.statusCode ?? 400, error.message)
        : void miss(reply),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(createValidatorCompiler());
  answerErrors(app);
  // NARs and logs pass as streams, whatever they call themselves.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  answerExpectations(app);
  // A stream is an object, and would pass for one whose fields are all optional.
  app.addHook('preValidation', async (request) => {
    if (request.body instanceof Readable && request.routeOptions.schema?.body !== undefined)
      throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(request.headers['content-type'] ?? 'none');
  });
  // Whoever was told that a path is there asks for it next, and a wrong miss would be remembered by Nix for an hour.
  app.addHook('onSend', async (request, reply) => {
    const { method } = request;
    if (method === 'GET' || method === 'HEAD' || reply.statusCode >= 400) return;
    // What was done is done: without Postgres the follower comes to know of it later.
    await deps.memory?.paths
      .catchUp()
      .catch((error: unknown) => request.log.warn({ err: error }, 'paths that changed are not known yet'));
  });
  await app.register(swagger, {
    // Pages and the cache have clients of their own kind.
    transform: ({ schema, url }) => ({ url, schema: { ...schema, hide: !url.startsWith('/api/v1/') } }),
    openapi: {
      info: {
        title: 'nixwarp',
        version: '1',
        description: 'Durable CI and a binary cache for GPU-accelerated Nixpkgs',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  });
  await app.register(
    async (api) => {
      for (const routes of ROUTES) await api.register(routes(routeDeps));
    },
    { prefix: '/api/v1' },
  );
  const sources = createViewSources(deps);
  await addViewRoutes(app, deps, sources);
  await app.register(pushRoutes(deps));
  await app.register(pushRoutes(deps, 'internal'), { prefix: '/internal' });
  await app.register(stagingPushRoutes(deps, sources.public), { prefix: '/staging/:staging' });
  await app.register(webRoutes(routeDeps));
  app.get('/api/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.send(app.swagger()),
  );
  app.get('/api/jobset.schema.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.send(JobsetConfigSchema),
  );
  return app;
}
