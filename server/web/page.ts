/** A page: one model, answered as HTML to people and as its JSON twin to programs. */

import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, type TObject, type TSchema, Type } from 'typebox';
import type { ServerDeps } from '../deps.ts';
import { SERVER_VERSION } from '../version.ts';
import { preferredRepresentation } from './accept.ts';
import { formatHtml } from './html.ts';
import { frame, type View } from './layout.ts';

export interface Page<P extends TObject, Q extends TObject, M extends TSchema> {
  readonly url: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** The JSON twin; what the page shows is made from it and nothing else. */
  readonly model: M;
  /** @throws NotFoundError where there is no such thing. */
  readonly load: (params: Static<P>, query: Static<Q>, request: FastifyRequest) => Promise<Static<M>>;
  readonly view: (model: Static<M>) => View;
}

export const NO_PARAMS = Type.Object({});
export const NO_QUERY = Type.Object({});

/** No script runs, nothing is fetched from elsewhere, nothing frames the page, forms stay here. */
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
} as const;

/** Registers a page for GET and HEAD; `?format=json` asks for the twin where no `Accept` can be sent. */
export function addPage<P extends TObject, Q extends TObject, M extends TSchema>(
  app: FastifyInstance,
  deps: ServerDeps,
  page: Page<P, Q, M>,
): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: page.url,
    schema: {
      summary: page.summary,
      tags: ['pages'],
      params: page.params,
      querystring: Type.Object({ ...page.query.properties, format: Type.Optional(Type.Literal('json')) }),
      response: {
        200: {
          description: 'The page, or with `Accept: application/json` its twin',
          content: { 'application/json': { schema: page.model }, 'text/html': { schema: Type.String() } },
        },
      },
    },
    handler: async (request, reply) => {
      const model = await page.load(request.params as Static<P>, request.query as Static<Q>, request);
      void reply.headers({ ...SECURITY, vary: 'accept', 'cache-control': 'no-cache' });
      if (wantsJson(request)) return reply.type('application/json; charset=utf-8').send(model);
      return sendView(reply, page.view(model), deps, jsonUrlOf(request));
    },
  });
}

/** Sends a framed page. */
export function sendView(
  reply: FastifyReply,
  view: View,
  { temporalUiUrl }: Pick<ServerDeps, 'temporalUiUrl'>,
  jsonUrl: string | undefined,
): FastifyReply {
  const markup = frame(view, { jsonUrl, temporalUiUrl, version: SERVER_VERSION });
  return reply.headers(SECURITY).type('text/html; charset=utf-8').send(formatHtml(markup));
}

function wantsJson(request: FastifyRequest): boolean {
  const { format } = request.query as { format?: string };
  return format === 'json' || preferredRepresentation(request.headers.accept, 'html') === 'json';
}

/** The address of this page's twin. */
function jsonUrlOf({ url }: FastifyRequest): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('format', 'json');
  return `${path}?${parameters.toString()}`;
}

/**
 * Gives every answer an `ETag` of its bytes, and answers a repeated question by 304.
 * A finished evaluation's page is the same bytes until a retry or a late result, which this notices and a clock would not.
 */
export function tagAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const tag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
    void reply.header('etag', tag);
    const known = (request.headers['if-none-match'] ?? '')
      .split(',')
      .map((one) => one.trim().replace(/^W\//, ''));
    if (!known.includes(tag)) return payload;
    void reply.code(304);
    return null;
  });
}
