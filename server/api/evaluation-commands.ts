/** What people do to an evaluation: cancel it, retry what failed in it. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { cancelEvaluation } from '../../db/cancel.ts';
import { findEvaluation } from '../../db/evaluations.ts';
import { retrySteps } from '../../db/retry.ts';
import { IdParams } from '../../domain/api/resources.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { ConflictError, found } from '../errors.ts';

export function evaluationCommandRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addCancel(app, deps);
    addRetry(app, deps);
    done();
  };
}

function addCancel(app: RouteApp, deps: ServerDeps): void {
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
      const { id } = request.params;
      const row = found(await findEvaluation(deps.connection.db, id), `evaluation ${id}`);
      const command = { action: 'cancel', subject: `evaluation ${id}` };
      return runCommand(deps, request, command, async (tx) => {
        const cancelled = await cancelEvaluation(tx, row, 'cancelled by the administrator');
        if (cancelled === undefined) throw new ConflictError(`evaluation ${id} has finished already`);
        return cancelled;
      });
    },
  );
}

function addRetry(app: RouteApp, deps: ServerDeps): void {
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
      const { id } = request.params;
      const row = found(await findEvaluation(deps.connection.db, id), `evaluation ${id}`);
      const { dependents } = request.query;
      const command = { action: 'retry', subject: `evaluation ${id}`, details: request.query };
      return runCommand(deps, request, command, async (tx) => ({
        steps: await retrySteps(tx, { key: row, jobIds: null, dependents }),
      }));
    },
  );
}
