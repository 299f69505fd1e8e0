/** Routes by which builders and `nixwarp push` publish: declare a closure, upload what is missing, commit. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { CommittedSchema, DeclareSchema, DeclaredSchema } from '../../domain/api/ingest.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { streamOf } from '../body.ts';
import { UPLOAD_COMPRESSIONS } from '../cache/decompress.ts';
import type { ServerDeps } from '../deps.ts';
import { guardPushes } from '../push-authority.ts';

const DECLARATION_BYTES = 64 * 1024 * 1024;
/** DESIGN §11: the largest NAR to design for. */
const NAR_BYTES = 16 * 1024 ** 3;

const Publish = Type.Object({ publishId: Type.String({ format: 'uuid' }) });
const Path = Type.Object({
  ...Publish.properties,
  pathHash: Type.String({ pattern: '^[0-9abcdfghijklmnpqrsvwxyz]{32}$' }),
});
const UploadQuery = Type.Object({
  /** Where in the upload the body begins; `Content-Range` says it, too. */
  offset: Type.Integer({ minimum: 0, default: 0 }),
  compression: Type.Union(
    UPLOAD_COMPRESSIONS.map((name) => Type.Literal(name)),
    { default: 'none' },
  ),
});

export function ingestRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { ingest } = deps;
  return (app, _options, done) => {
    guardPushes(app, deps);

    app.post(
      '/publish',
      {
        bodyLimit: DECLARATION_BYTES,
        schema: {
          summary: 'Declare a closure: which of it has to be uploaded',
          security: [{ token: [] }],
          body: DeclareSchema,
          response: { 200: DeclaredSchema },
        },
      },
      (request) => ingest.declare(request.body),
    );

    app.head(
      '/publish/:publishId/:pathHash',
      { schema: { summary: 'How much of an upload is here: Upload-Offset', params: Path } },
      async ({ params }, reply) =>
        reply
          .code(204)
          .header('upload-offset', await ingest.offset(params.publishId, params.pathHash))
          .header('cache-control', 'no-store')
          .send(),
    );

    app.put(
      '/publish/:publishId/:pathHash',
      {
        bodyLimit: NAR_BYTES,
        schema: {
          summary: 'Upload the NAR of a declared path, from an offset on',
          security: [{ token: [] }],
          params: Path,
          querystring: UploadQuery,
        },
      },
      async (request, reply) => {
        const { compression } = request.query;
        const body = streamOf(request.body);
        const have = await ingest.receive({
          ...request.params,
          ...placeOf(request, request.query.offset),
          compression,
          body,
        });
        return reply.code(204).header('upload-offset', have).send();
      },
    );

    app.post(
      '/publish/:publishId/commit',
      {
        schema: {
          summary: 'Make the closure visible, all at once',
          security: [{ token: [] }],
          params: Publish,
          response: { 200: CommittedSchema },
        },
      },
      (request) => ingest.commit(request.params.publishId),
    );
    done();
  };
}

/** `Content-Range: bytes 0-99/1000` is a part that another follows (RFC 9110 §14.4); without it the body goes to the end. */
function placeOf({ headers }: FastifyRequest, offset: number): { offset: number; isLast: boolean } {
  const header = headers['content-range'];
  if (header === undefined) return { offset, isLast: true };
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first))
    throw new ParseError('Content-Range', header, 'written "bytes FIRST-LAST/TOTAL"');
  return { offset: Number(first), isLast: Number(last) + 1 === Number(total) };
}
