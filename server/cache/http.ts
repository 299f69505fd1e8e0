/** What a server of a binary cache must be set to, so that Nix's clients do not stumble. */

import { type FastifyBaseLogger, LogController } from 'fastify';

/** Nix keeps idle connections for up to 118 s and reuses them; closing earlier makes its next request fail (binary-cache.md §2.11). */
export const KEEP_ALIVE_MS = 130_000;

/** Names of logs and realisations are longer than the router's default of 100; a 414 is fatal to Nix. */
const MAX_PARAM_LENGTH = 512;

/** Options of Fastify, of the whole server and of a cache by itself. */
export function httpOptions(logger: FastifyBaseLogger) {
  return {
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // HEAD is answered by routes of its own: the default would run GET's handler and throw its work away.
    exposeHeadRoutes: false,
  } as const;
}
