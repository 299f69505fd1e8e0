/** Starting an evaluation at once, and its document. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { recordAudit } from '../../db/audit.ts';
import { findEvaluation, openEvaluation } from '../../db/evaluations.ts';
import { saveJobset } from '../../db/jobsets.ts';
import { RunDocumentSchema, StartedRunSchema, StartRunSchema } from '../../domain/api/runs.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import type { ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';
import { runDocument } from '../views/run-document.ts';

export function runRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { connection, authority, publicUrl } = deps;
  return (app, _options, done) => {
    app.post(
      '/runs',
      {
        schema: {
          summary: 'Evaluate a jobset now',
          security: [{ token: [] }],
          body: StartRunSchema,
          response: { 201: StartedRunSchema },
        },
        onRequest: async (request) => void (await authority.requireAdministrator(request)),
      },
      async (request, reply) => {
        const config = parseJobsetConfig(request.body.config);
        const { baseFolder } = request.body;
        const key = await connection.transaction(async (tx) => {
          const jobsetId = await saveJobset(tx, config, baseFolder);
          const opened = await openEvaluation(tx, {
            jobsetId,
            config,
            baseFolder,
            fresh: true,
            revision: null,
            lockedSource: null,
            dirty: false,
          });
          const subject = `evaluation ${opened.evaluationId}`;
          await recordAudit(
            tx,
            { actor: 'admin', action: 'run', subject, details: {}, idempotencyKey: null },
            opened,
          );
          return opened;
        });
        return reply
          .code(201)
          .send({ evaluationId: key.evaluationId, url: `${publicUrl}/evaluations/${key.evaluationId}` });
      },
    );

    app.get(
      '/evaluations/:id/document',
      {
        schema: {
          summary: 'An evaluation with all its jobs, errors and verdicts',
          params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
          response: { 200: RunDocumentSchema },
        },
      },
      async (request) => {
        const { id } = request.params;
        found(await findEvaluation(connection.db, id), `evaluation ${id}`);
        return runDocument({ db: connection.db, publicUrl, cacheFacts: deps.cacheFacts }, id);
      },
    );
    done();
  };
}
