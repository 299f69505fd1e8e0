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
import type { RouteApp, ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';
import { storeBatch } from '../store-batch.ts';

/** A batch holds up to 500 jobs with all derivations behind them; the first one may bring a whole bootstrap. */
const BATCH_BYTES = 256 * 1024 * 1024;
const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) });

export function evaluatorRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.addHook('onRequest', async (request) => {
      deps.authority.require(request, 'builder');
    });
    addEvaluationAssignment(app, deps);
    addJobsetAssignment(app, deps);
    addUnknownDerivations(app, deps);
    addBatches(app, deps);
    done();
  };
}

function addEvaluationAssignment(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/evaluations/:id/assignment',
    {
      schema: {
        summary: 'What an evaluator is to evaluate',
        security: [{ token: [] }],
        params: Id,
        response: { 200: EvaluationAssignmentSchema },
      },
    },
    async ({ params: { id } }) => {
      const row = found(await findEvaluation(db, id), `evaluation ${id}`);
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
}

function addJobsetAssignment(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/jobsets/:id/assignment',
    {
      schema: {
        summary: 'What a jobset would evaluate now',
        security: [{ token: [] }],
        params: Id,
        response: {
          200: Type.Object({
            config: JobsetConfigObject,
            baseFolder: Type.Union([Type.String(), Type.Null()]),
          }),
        },
      },
    },
    async ({ params: { id } }) => {
      const { config, baseFolder } = found(await findJobset(db, id), `jobset ${id}`);
      return { config, baseFolder };
    },
  );
}

function addUnknownDerivations(app: RouteApp, { connection: { db }, storeDir }: ServerDeps): void {
  app.post(
    '/derivations/unknown',
    {
      bodyLimit: BATCH_BYTES,
      schema: {
        summary: 'Which of these derivations are not known',
        security: [{ token: [] }],
        body: UnknownDerivationsSchema,
        response: { 200: UnknownDerivationsSchema },
      },
    },
    async (request) => {
      const byHash = new Map(
        request.body.drvPaths.map((path) => [storePathHash(parseStorePath(path, storeDir)), path]),
      );
      const unknown = await listUnknownDerivations(db, [...byHash.keys()]);
      return { drvPaths: unknown.flatMap((hash) => byHash.get(hash) ?? []) };
    },
  );
}

function addBatches(app: RouteApp, deps: ServerDeps): void {
  const { db } = deps.connection;
  app.post(
    '/evaluations/:id/batches',
    {
      bodyLimit: BATCH_BYTES,
      schema: {
        summary: 'Jobs and errors of an evaluation, with the derivations behind them',
        security: [{ token: [] }],
        params: Id,
        body: BatchSchema,
        response: { 200: StoredBatchSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const evaluation = found(await findEvaluation(db, id), `evaluation ${id}`);
      const { source } = request.body;
      if (source !== undefined) await recordSource(db, id, source);
      return storeBatch(deps, evaluation, request.body);
    },
  );
}
