/** A binary cache by itself: a source over HTTP, without Postgres and Temporal. */

import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import { type ListenAddress, localUrl } from '../../domain/listen.ts';
import { answerErrors, sendProblem } from '../errors.ts';
import { answerExpectations } from './expectations.ts';
import { httpOptions } from './http.ts';
import { cacheRoutes, miss } from './routes.ts';
import type { CacheSink } from './sink.ts';
import type { CacheSource } from './source.ts';
import { serveRoutes } from './serve-routes.ts';
import { withListings } from './stored-nar.ts';
import { uploadRoutes } from './upload-routes.ts';

export interface StandaloneOptions {
  readonly source: CacheSource;
  /** Absent: nothing is taken. */
  readonly sink?: CacheSink;
  /** Port 0: one that is free. */
  readonly listen: ListenAddress;
  readonly logger: FastifyBaseLogger;
}

export interface Standalone {
  readonly url: string;
  /** Transfers that run get a moment to end. */
  close(): Promise<void>;
}

/** Long enough for a narinfo and a small NAR; who fetches more comes back with a range. */
const CLOSE_MS = 2_000;

/** @throws an error with the code EADDRINUSE and the like where it cannot listen. */
export async function startStandalone({
  source,
  sink,
  listen,
  logger,
}: StandaloneOptions): Promise<Standalone> {
  const app = Fastify({
    ...httpOptions(logger),
    // A URL that cannot be decoded, or that is too long: there is no such thing, and any other 4xx is fatal to Nix.
    frameworkErrors: (_error, _request, reply) => void miss(reply),
  });
  answerErrors(app);
  // NARs and logs pass as streams, whatever they call themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  answerExpectations(app);
  const listed = withListings(source);
  await app.register(cacheRoutes({ source: listed, shortWay: true }));
  await app.register(serveRoutes({ source: listed }));
  if (sink === undefined)
    app.put('*', (request, reply) =>
      sendProblem(request, reply.header('allow', 'GET, HEAD'), 405, 'this cache takes no uploads'),
    );
  else await app.register(uploadRoutes({ sink }));
  await app.listen(listen);
  const { port } = app.server.address() as AddressInfo;
  return {
    url: localUrl({ host: listen.host, port }),
    close: async () => {
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}
