/** `Expect: 100-continue`, which Nix sends with every upload. */

import type { FastifyInstance } from 'fastify';

/**
 * Lets routes answer `Expect: 100-continue` themselves: Node would ask for the body before anybody has looked at the request.
 * Routes other than uploads get their bodies as ever.
 */
export function answerExpectations(app: FastifyInstance): void {
  app.server.on('checkContinue', (request, response) => app.routing(request, response));
  app.addHook('preParsing', async (request, reply) => {
    const waits = request.routeOptions.config?.answersExpectation === true;
    if (request.headers.expect !== undefined && !waits) reply.raw.writeContinue();
  });
  // A client that was refused may leave its body unsent: nothing that follows on this connection can be told from it.
  app.addHook('onSend', async (request, reply) => {
    if (request.headers.expect !== undefined && reply.statusCode >= 400)
      void reply.header('connection', 'close');
  });
}
