/** Projects, jobsets and triggers. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import {
  findJobset,
  findJobsetByName,
  findTrigger,
  type JobsetRow,
  listJobsets,
  recordTrigger,
  saveJobset,
} from '../../db/jobsets.ts';
import { findNewestEvaluationOf, listProjects } from '../../db/views/projects.ts';
import {
  IdParams,
  JobsetSchema,
  nullable,
  SaveJobsetSchema,
  TriggerSchema,
} from '../../domain/api/resources.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import { runCommand } from '../commands.ts';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';

export function jobsetRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { connection } = deps;
  const { db } = connection;

  const resource = async (jobset: JobsetRow) => ({
    ...jobset,
    lastEvaluationId: (await findNewestEvaluationOf(db, jobset.id)) ?? null,
  });

  async function get(id: number): Promise<JobsetRow> {
    const jobset = await findJobset(db, id);
    if (jobset === undefined) throw new NotFoundError(`there is no jobset ${id}`);
    return jobset;
  }

  return (app, _options, done) => {
    app.get(
      '/projects',
      {
        schema: {
          summary: 'All projects',
          response: {
            200: Type.Array(
              Type.Object({
                slug: Type.String(),
                jobsets: Type.Integer(),
                lastEvaluationId: nullable(Type.Integer()),
              }),
            ),
          },
        },
      },
      async () => [...(await listProjects(db))],
    );

    app.get(
      '/jobsets',
      { schema: { summary: 'All jobsets', response: { 200: Type.Array(JobsetSchema) } } },
      async () => Promise.all((await listJobsets(db)).map(resource)),
    );

    app.get(
      '/jobsets/:id',
      { schema: { summary: 'A jobset', params: IdParams, response: { 200: JobsetSchema } } },
      async ({ params }) => resource(await get(params.id)),
    );

    app.put(
      '/jobsets',
      {
        schema: {
          summary: 'Create a jobset, or replace the one of the same project and name',
          security: [{ token: [] }],
          body: SaveJobsetSchema,
          response: { 200: JobsetSchema },
        },
      },
      async (request) => {
        const config = parseJobsetConfig(request.body.config);
        const subject = `jobset ${config.project}/${config.name}`;
        await runCommand(deps, request, { action: 'save', subject }, async (tx) => ({
          id: await saveJobset(tx, config, request.body.baseFolder),
        }));
        const saved = await findJobsetByName(db, config.project, config.name);
        if (saved === undefined) throw new NotFoundError(`${subject} is gone again`);
        return resource(saved);
      },
    );

    app.post(
      '/jobsets/:id/trigger',
      {
        schema: {
          summary:
            'Ask for an evaluation: triggers close together are one, an unchanged source starts none unless forced',
          security: [{ token: [] }],
          params: IdParams,
          querystring: Type.Object({
            force: Type.Boolean({ default: false }),
            kind: Type.Union([Type.Literal('api'), Type.Literal('cli')], { default: 'api' }),
          }),
          response: { 202: TriggerSchema },
        },
      },
      async (request, reply) => {
        const jobset = await get(request.params.id);
        const { kind, force: forced } = request.query;
        const command = { action: 'trigger', subject: `jobset ${jobset.id}`, details: request.query };
        const { triggerId } = await runCommand(deps, request, command, async (tx) => ({
          triggerId: await recordTrigger(tx, { jobset, kind, forced }),
        }));
        const trigger = await findTrigger(db, triggerId);
        if (trigger === undefined) throw new NotFoundError(`there is no trigger ${triggerId}`);
        return reply.code(202).header('location', `/api/v1/triggers/${triggerId}`).send(trigger);
      },
    );

    app.get(
      '/triggers/:id',
      { schema: { summary: 'What came of a trigger', params: IdParams, response: { 200: TriggerSchema } } },
      async ({ params }) => {
        const trigger = await findTrigger(db, params.id);
        if (trigger === undefined) throw new NotFoundError(`there is no trigger ${params.id}`);
        return trigger;
      },
    );
    done();
  };
}
