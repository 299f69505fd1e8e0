/** Evaluations: reading them, cancelling, retrying. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { cancelEvaluation } from '../../db/cancel.ts';
import { type EvaluationRow, findEvaluation } from '../../db/evaluations.ts';
import { retrySteps } from '../../db/retry.ts';
import {
  type EvaluationView,
  findEvaluationView,
  listEnded,
  listRunning,
} from '../../db/views/evaluations.ts';
import { findEvaluationVersion, listEvaluationVersions } from '../../db/views/pages-evaluations.ts';
import { listErrorViews } from '../../db/views/run-document.ts';
import {
  EvaluationWithDiffSchema,
  IdParams,
  nullable,
  PageSchema,
  ProgressSchema,
} from '../../domain/api/resources.ts';
import { runCommand } from '../commands.ts';
import type { RouteDeps } from '../deps.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { evaluationOf, verdictSummary, withDiff } from '../views/resources.ts';

const Limit = Type.Integer({ minimum: 1, maximum: 500, default: 50 });

export function evaluationRoutes(deps: RouteDeps): FastifyPluginCallbackTypebox {
  const { connection, listSummaries, publicUrl } = deps;
  const { db } = connection;

  async function getView(id: number): Promise<EvaluationView> {
    const view = await findEvaluationView(db, id);
    if (view === undefined) throw new NotFoundError(`there is no evaluation ${id}`);
    return view;
  }

  async function getRow(id: number): Promise<EvaluationRow> {
    const row = await findEvaluation(db, id);
    if (row === undefined) throw new NotFoundError(`there is no evaluation ${id}`);
    return row;
  }

  return (app, _options, done) => {
    app.get(
      '/evaluations',
      {
        schema: {
          summary: 'Evaluations, newest first',
          querystring: Type.Object({
            jobset: Type.Optional(Type.Integer({ minimum: 1 })),
            open: Type.Optional(Type.Boolean()),
            cursor: Type.Optional(Type.Integer({ minimum: 1 })),
            limit: Limit,
          }),
          response: { 200: PageSchema(EvaluationWithDiffSchema) },
        },
      },
      async ({ query }) => {
        const versions = await listEvaluationVersions(db, {
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
        const version = await findEvaluationVersion(db, params.id);
        const [summary] = version === undefined ? [] : await listSummaries([version]);
        if (summary === undefined) throw new NotFoundError(`there is no evaluation ${params.id}`);
        return withDiff(summary, publicUrl);
      },
    );

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
        const view = await getView(params.id);
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
        await getRow(params.id);
        return [...(await listErrorViews(db, params.id))];
      },
    );

    app.post(
      '/evaluations/:id/cancel',
      {
        schema: {
          summary: 'Cancel: what nobody else wants stops',
          security: [{ token: [] }],
          params: IdParams,
          response: { 200: Type.Object({ ended: Type.Integer(), stopping: Type.Integer() }) },
        },
      },
      async (request) => {
        const row = await getRow(request.params.id);
        const command = { action: 'cancel', subject: `evaluation ${row.evaluationId}` };
        return runCommand(deps, request, command, async (tx) => {
          const cancelled = await cancelEvaluation(tx, row, 'cancelled by the administrator');
          if (cancelled === undefined)
            throw new ConflictError(`evaluation ${row.evaluationId} has finished already`);
          return cancelled;
        });
      },
    );

    app.post(
      '/evaluations/:id/retry',
      {
        schema: {
          summary: 'Retry all failed steps, by default with those that failed because of them',
          security: [{ token: [] }],
          params: IdParams,
          querystring: Type.Object({ dependents: Type.Boolean({ default: true }) }),
          response: { 200: Type.Object({ steps: Type.Integer() }) },
        },
      },
      async (request) => {
        const row = await getRow(request.params.id);
        const command = {
          action: 'retry',
          subject: `evaluation ${row.evaluationId}`,
          details: request.query,
        };
        return runCommand(deps, request, command, async (tx) => ({
          steps: await retrySteps(tx, { key: row, jobIds: null, dependents: request.query.dependents }),
        }));
      },
    );
    done();
  };
}
