/** The pages for people: rendered here, readable without script, each with a JSON twin. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { RouteDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { preferredRepresentation } from './accept.ts';
import { createModelContext } from './models/context.ts';
import { sendView, tagAnswers } from './page.ts';
import { buildersPage } from './pages/builders.ts';
import { cachePages } from './pages/cache.ts';
import { errorsPage } from './pages/errors.ts';
import { evaluationPage } from './pages/evaluation.ts';
import { evaluationsPage, jobsetPage } from './pages/evaluations.ts';
import { jobPage } from './pages/job.ts';
import { jobsPage } from './pages/jobs.ts';
import { logPage } from './pages/log.ts';
import { notFound } from './pages/not-found.ts';
import { overviewPage } from './pages/overview.ts';
import { stepPage } from './pages/step.ts';

const PAGES = [
  overviewPage,
  evaluationsPage,
  jobsetPage,
  evaluationPage,
  jobsPage,
  errorsPage,
  jobPage,
  stepPage,
  logPage,
  buildersPage,
  cachePages,
] as const;

const ASSETS = [
  ['style.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
] as const;

/** All pages, what they are drawn with, and for browsers the page that says what does not exist. */
export function webRoutes(deps: RouteDeps): FastifyPluginCallback {
  return (app, _options, done) => {
    const context = createModelContext(deps);
    tagAnswers(app);
    for (const page of PAGES) page(app, context);
    for (const [name, type] of ASSETS) addAsset(app, name, type);
    answerMisses(app, deps);
    done();
  };
}

function addAsset(app: FastifyInstance, name: string, type: string): void {
  const content = readFileSync(join(import.meta.dirname, name), 'utf8');
  app.route({
    method: ['GET', 'HEAD'],
    url: `/assets/${name}`,
    schema: { hide: true },
    handler: async (_request, reply) =>
      // Checked with every page by its ETag: a new version of nixwarp shows at once.
      reply
        .type(type)
        .header('cache-control', 'no-cache')
        .header('x-content-type-options', 'nosniff')
        .send(content),
  });
}

/** What is not there is a page for browsers, and a problem document for all others (as `server/errors.ts` sends it). */
function answerMisses(app: FastifyInstance, deps: RouteDeps): void {
  const sendMiss = (reply: FastifyReply, detail: string) =>
    sendView(reply.code(404).header('vary', 'accept'), notFound(detail), deps, undefined);

  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof NotFoundError) || !isBrowser(request)) throw error;
    return sendMiss(reply, error.message);
  });
  // Last of all routes: what no other took. The API and the cache keep their own words.
  app.get('/*', { schema: { hide: true } }, async (request, reply) => {
    if (!isBrowser(request) || request.url.startsWith('/api/')) return reply.callNotFound();
    return sendMiss(reply, `${request.url} does not exist`);
  });
}

function isBrowser({ headers }: FastifyRequest): boolean {
  return preferredRepresentation(headers.accept, 'json') === 'html';
}
