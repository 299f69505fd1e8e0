/** Evaluations: what there are, what changed, what runs in them, what did not evaluate. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findEvaluation } from '../../db/evaluations.ts';
import { findEvaluationView, listEnded, listRunning } from '../../db/views/evaluations.ts';
import { findEvaluationVersion, listEvaluationVersions } from '../../db/views/pages-evaluations.ts';
import { listErrorViews } from '../../db/views/run-document.ts';
import {
  EvaluationWithDiffSchema,
  IdParams,
  nullable,
  PageSchema,
  ProgressSchema,
} from '../../domain/api/resources.ts';
import type { RouteApp, RouteDeps } from '../deps.ts';
import { found } from '../errors.ts';
import { evaluationOf, verdictSummary, withDiff } from '../views/resources.ts';

export function evaluationRoutes(deps: RouteDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addList(app, deps);
    addOne(app, deps);
    addProgress(app, deps);
    addErrors(app, deps);
    done();
  };
}

function addList(app: RouteApp, { connection, listSummaries, publicUrl }: RouteDeps): void {
  app.get(
    '/evaluations',
    {
      schema: {
        summary: 'Evaluations, newest first',
        querystring: Type.Object({
          jobset: Type.Optional(Type.Integer({ minimum: 1 })),
          open: Type.Optional(Type.Boolean()),
          cursor: Type.Optional(Type.Integer({ minimum: 1 })),
          limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
        }),
        response: { 200: PageSchema(EvaluationWithDiffSchema) },
      },
    },
    async ({ query }) => {
      const versions = await listEvaluationVersions(connection.db, {
        jobsetId: query.jobset,
        open: query.open,
        before: query.cursor,
        limit: query.limit,
      });
      const last = versions.at(-1);
      const summaries = await listSummaries(versions);
      return {
        items: summaries.map((summary) => withDiff(summary, publicUrl)),
        next: versions.length < query.limit || last === undefined ? null : String(last.id),
      };
    },
  );
}

function addOne(app: RouteApp, { connection, listSummaries, publicUrl }: RouteDeps): void {
  app.get(
    '/evaluations/:id',
    {
      schema: {
        summary: 'An evaluation, with what changed',
        params: IdParams,
        response: { 200: EvaluationWithDiffSchema },
      },
    },
    async ({ params }) => {
      const version = await findEvaluationVersion(connection.db, params.id);
      const [summary] = version === undefined ? [] : await listSummaries([version]);
      return withDiff(found(summary, `evaluation ${params.id}`), publicUrl);
    },
  );
}

function addProgress(app: RouteApp, { connection: { db }, publicUrl }: RouteDeps): void {
  app.get(
    '/evaluations/:id/progress',
    {
      schema: {
        summary: 'What runs, and what ended since the cursor',
        params: IdParams,
        querystring: Type.Object({ cursor: Type.String({ default: '' }) }),
        response: { 200: ProgressSchema },
      },
    },
    async ({ params, query }) => {
      // The evaluation is read first: when it says finished, the endings that follow are complete.
      const view = found(await findEvaluationView(db, params.id), `evaluation ${params.id}`);
      const ended = await listEnded(db, params.id, query.cursor);
      return {
        evaluation: evaluationOf(view, publicUrl),
        running: await listRunning(db, params.id),
        ended: ended.map(({ at: _at, verdict, ...rest }) => ({
          ...rest,
          verdict: verdictSummary(verdict),
        })),
        cursor: ended.at(-1)?.at ?? query.cursor,
      };
    },
  );
}

function addErrors(app: RouteApp, { connection: { db } }: RouteDeps): void {
  app.get(
    '/evaluations/:id/errors',
    {
      schema: {
        summary: 'What did not evaluate',
        params: IdParams,
        response: {
          200: Type.Array(
            Type.Object({
              name: Type.String(),
              system: nullable(Type.String()),
              variant: nullable(Type.String()),
              kind: Type.String(),
              message: Type.String(),
            }),
          ),
        },
      },
    },
    async ({ params }) => {
      found(await findEvaluation(db, params.id), `evaluation ${params.id}`);
      return [...(await listErrorViews(db, params.id))];
    },
  );
}
