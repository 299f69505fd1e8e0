/** Routes by which builders send outputs: declare a closure, then the bytes of what is missing. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { DeclareSchema, DeclaredSchema } from '../../domain/api/ingest.ts';
import { streamOf } from '../body.ts';
import type { ServerDeps } from '../deps.ts';

const DECLARATION_BYTES = 64 * 1024 * 1024;
/** DESIGN §11: the largest NAR to design for. */
const NAR_BYTES = 16 * 1024 ** 3;

const Upload = Type.Object({
  ingestId: Type.String({ format: 'uuid' }),
  pathHash: Type.String({ pattern: '^[0-9abcdfghijklmnpqrsvwxyz]{32}$' }),
});

export function ingestRoutes({ ingest, authority }: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.addHook('onRequest', async (request) => {
      authority.require(request, 'builder');
    });

    app.post(
      '/ingest',
      {
        bodyLimit: DECLARATION_BYTES,
        schema: {
          summary: 'A closure that a builder has; which of its bytes are wanted',
          security: [{ token: [] }],
          body: DeclareSchema,
          response: { 200: DeclaredSchema },
        },
      },
      (request) => ingest.declare(request.body),
    );

    app.put(
      '/ingest/:ingestId/:pathHash',
      {
        bodyLimit: NAR_BYTES,
        schema: { summary: 'The NAR of a declared path', security: [{ token: [] }], params: Upload },
      },
      async (request, reply) => {
        await ingest.receive(request.params.ingestId, request.params.pathHash, streamOf(request.body));
        return reply.code(204).send();
      },
    );
    done();
  };
}
