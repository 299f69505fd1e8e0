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
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { stepsOf } from '../views/resources.ts';
import { runJob } from '../views/run-document.ts';

const JobWithStepsSchema = Type.Object({
  evaluationId: Type.Integer(),
  job: RunJobSchema,
  steps: Type.Array(StepSchema),
});

export function jobRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { connection, publicUrl } = deps;
  const { db } = connection;
  return (app, _options, done) => {
    app.get(
      '/evaluations/:id/jobs',
      {
        schema: {
          summary: 'Jobs by name',
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
      async ({ params, query }) => {
        if ((await findEvaluation(db, params.id)) === undefined)
          throw new NotFoundError(`there is no evaluation ${params.id}`);
        const jobIds = await listJobIds(db, params.id, { ...query, after: query.cursor });
        const views = jobIds.length === 0 ? [] : await listJobViews(db, params.id, jobIds);
        const items = await Promise.all(views.map((view) => runJob(db, view)));
        return { items, next: jobIds.length < query.limit ? null : String(jobIds.at(-1)) };
      },
    );

    app.get(
      '/jobs/:id',
      {
        schema: {
          summary: 'A job with its steps and attempts',
          params: IdParams,
          response: { 200: JobWithStepsSchema },
        },
      },
      async ({ params }) => {
        const place = await findJobPlace(db, params.id);
        const [view] = place === undefined ? [] : await listJobViews(db, place.evaluationId, [params.id]);
        if (place === undefined || view === undefined)
          throw new NotFoundError(`there is no job ${params.id}`);
        return {
          evaluationId: place.evaluationId,
          job: await runJob(db, view),
          steps: await stepsOf(db, view.stepIds, publicUrl),
        };
      },
    );

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
        const place = await findJobPlace(db, request.params.id);
        const row = place === undefined ? undefined : await findEvaluation(db, place.evaluationId);
        if (row === undefined) throw new NotFoundError(`there is no job ${request.params.id}`);
        const command = { action: 'retry', subject: `job ${request.params.id}`, details: request.query };
        return runCommand(deps, request, command, async (tx) => ({
          steps: await retrySteps(tx, {
            key: row,
            jobIds: [request.params.id],
            dependents: request.query.dependents,
          }),
        }));
      },
    );

    app.get(
      '/steps/:id',
      {
        schema: {
          summary: 'A step: its attempts, and why it waits',
          params: IdParams,
          response: { 200: StepSchema },
        },
      },
      async ({ params }) => {
        const [step] = await stepsOf(db, [params.id], publicUrl);
        if (step === undefined) throw new NotFoundError(`there is no step ${params.id}`);
        return step;
      },
    );
    done();
  };
}
