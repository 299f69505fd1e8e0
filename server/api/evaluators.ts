/** What evaluators ask and store: assignments, and batches of jobs with the derivations behind them. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findEvaluation, recordSource } from '../../db/evaluations.ts';
import { listUnknownDerivations } from '../../db/derivations.ts';
import { findJobset } from '../../db/jobsets.ts';
import {
  BatchSchema,
  EvaluationAssignmentSchema,
  StoredBatchSchema,
  UnknownDerivationsSchema,
} from '../../domain/api/evaluator.ts';
import { JobsetConfigObject } from '../../domain/ci/jobset-config.ts';
import { parseStorePath, storePathHash } from '../../domain/nix/store-path.ts';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { storeBatch } from '../store-batch.ts';

/** A batch holds up to 500 jobs with all derivations behind them; the first one may bring a whole bootstrap. */
const BATCH_BYTES = 256 * 1024 * 1024;
const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) });

export function evaluatorRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { connection, authority, storeDir } = deps;
  return (app, _options, done) => {
    app.addHook('onRequest', async (request) => {
      authority.require(request, 'builder');
    });

    app.get(
      '/evaluations/:id/assignment',
      { schema: { params: Id, response: { 200: EvaluationAssignmentSchema } } },
      async (request) => {
        const row = await findEvaluation(connection.db, request.params.id);
        if (row === undefined) throw new NotFoundError(`there is no evaluation ${request.params.id}`);
        const { project, jobset, number, config, baseFolder, revision, lockedSource } = row;
        return {
          project,
          jobset,
          number,
          config,
          baseFolder,
          revision,
          lockedSource,
          cancelled: row.cancelRequested,
        };
      },
    );

    app.get(
      '/jobsets/:id/assignment',
      {
        schema: {
          params: Id,
          response: {
            200: Type.Object({
              config: JobsetConfigObject,
              baseFolder: Type.Union([Type.String(), Type.Null()]),
            }),
          },
        },
      },
      async (request) => {
        const jobset = await findJobset(connection.db, request.params.id);
        if (jobset === undefined) throw new NotFoundError(`there is no jobset ${request.params.id}`);
        return { config: jobset.config, baseFolder: jobset.baseFolder };
      },
    );

    app.post(
      '/derivations/unknown',
      {
        bodyLimit: BATCH_BYTES,
        schema: { body: UnknownDerivationsSchema, response: { 200: UnknownDerivationsSchema } },
      },
      async (request) => {
        const byHash = new Map(
          request.body.drvPaths.map((path) => [storePathHash(parseStorePath(path, storeDir)), path]),
        );
        const unknown = await listUnknownDerivations(connection.db, [...byHash.keys()]);
        return { drvPaths: unknown.flatMap((hash) => byHash.get(hash) ?? []) };
      },
    );

    app.post(
      '/evaluations/:id/batches',
      {
        bodyLimit: BATCH_BYTES,
        schema: { params: Id, body: BatchSchema, response: { 200: StoredBatchSchema } },
      },
      async (request) => {
        const evaluation = await findEvaluation(connection.db, request.params.id);
        if (evaluation === undefined) throw new NotFoundError(`there is no evaluation ${request.params.id}`);
        const { source } = request.body;
        if (source !== undefined) await recordSource(connection.db, evaluation.evaluationId, source);
        return storeBatch(deps, evaluation, request.body);
      },
    );
    done();
  };
}
