/** Jobs of evaluations and the steps behind them. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findEvaluation } from '../../db/evaluations.ts';
import { findJobPlace } from '../../db/jobs.ts';
import { retrySteps } from '../../db/retry.ts';
import { listJobIds } from '../../db/views/job-lists.ts';
import { listJobViews } from '../../db/views/run-document.ts';
import { IdParams, PageSchema, StepSchema } from '../../domain/api/resources.ts';
import { RunJobSchema } from '../../domain/api/runs.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';
import { stepsOf } from '../views/resources.ts';
import { runJob } from '../views/run-document.ts';

const JobWithStepsSchema = Type.Object({
  evaluationId: Type.Integer(),
  job: RunJobSchema,
  steps: Type.Array(StepSchema),
});

export function jobRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addList(app, deps);
    addJob(app, deps);
    addRetry(app, deps);
    addStep(app, deps);
    done();
  };
}

function addList(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/evaluations/:id/jobs',
    {
      schema: {
        summary: 'Jobs, in the order in which they were evaluated',
        params: IdParams,
        querystring: Type.Object({
          outcome: Type.Optional(Type.String({ description: 'an outcome, or "unfinished"' })),
          search: Type.Optional(Type.String({ maxLength: 200, description: 'part of the name' })),
          cursor: Type.Optional(Type.Integer({ minimum: 1 })),
          limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 200 }),
        }),
        response: { 200: PageSchema(RunJobSchema) },
      },
    },
    async ({ params: { id }, query }) => {
      found(await findEvaluation(db, id), `evaluation ${id}`);
      const jobIds = await listJobIds(db, id, { ...query, after: query.cursor });
      const views = jobIds.length === 0 ? [] : await listJobViews(db, id, jobIds);
      // In the order of the cursor, which the views do not have.
      const byId = new Map(views.map((view) => [view.id, view]));
      const ordered = jobIds.flatMap((jobId) => byId.get(jobId) ?? []);
      const items = await Promise.all(ordered.map((view) => runJob(db, view)));
      return { items, next: jobIds.length < query.limit ? null : String(jobIds.at(-1)) };
    },
  );
}

function addJob(app: RouteApp, { connection: { db }, publicUrl }: ServerDeps): void {
  app.get(
    '/jobs/:id',
    {
      schema: {
        summary: 'A job with its steps and attempts',
        params: IdParams,
        response: { 200: JobWithStepsSchema },
      },
    },
    async ({ params: { id } }) => {
      const { evaluationId } = found(await findJobPlace(db, id), `job ${id}`);
      const [listed] = await listJobViews(db, evaluationId, [id]);
      const view = found(listed, `job ${id}`);
      return {
        evaluationId,
        job: await runJob(db, view),
        steps: await stepsOf(db, view.stepIds, publicUrl),
      };
    },
  );
}

function addRetry(app: RouteApp, deps: ServerDeps): void {
  const { db } = deps.connection;
  app.post(
    '/jobs/:id/retry',
    {
      schema: {
        summary: 'Retry a failed job; on request with those that failed because of it',
        security: [{ token: [] }],
        params: IdParams,
        querystring: Type.Object({ dependents: Type.Boolean({ default: false }) }),
        response: { 200: Type.Object({ steps: Type.Integer() }) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { evaluationId } = found(await findJobPlace(db, id), `job ${id}`);
      const row = found(await findEvaluation(db, evaluationId), `job ${id}`);
      const { dependents } = request.query;
      const command = { action: 'retry', subject: `job ${id}`, details: request.query };
      return runCommand(deps, request, command, async (tx) => ({
        steps: await retrySteps(tx, { key: row, jobIds: [id], dependents }),
      }));
    },
  );
}

function addStep(app: RouteApp, { connection: { db }, publicUrl }: ServerDeps): void {
  app.get(
    '/steps/:id',
    {
      schema: {
        summary: 'A step: its attempts, and why it waits',
        params: IdParams,
        response: { 200: StepSchema },
      },
    },
    async ({ params: { id } }) => {
      const [step] = await stepsOf(db, [id], publicUrl);
      return found(step, `step ${id}`);
    },
  );
}
