/** Projects and their jobsets. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../db/database.ts';
import { findJobset, findJobsetByName, type JobsetRow, listJobsets, saveJobset } from '../../db/jobsets.ts';
import { findNewestEvaluationOf, listProjects } from '../../db/views/projects.ts';
import { IdParams, JobsetSchema, nullable, SaveJobsetSchema } from '../../domain/api/resources.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { found, NotFoundError } from '../errors.ts';

export function jobsetRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addProjects(app, deps);
    addJobsets(app, deps);
    addSave(app, deps);
    done();
  };
}

async function resourceOf(db: Database, jobset: JobsetRow) {
  return { ...jobset, lastEvaluationId: (await findNewestEvaluationOf(db, jobset.id)) ?? null };
}

function addProjects(app: RouteApp, { connection: { db } }: ServerDeps): void {
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
}

function addJobsets(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/jobsets',
    { schema: { summary: 'All jobsets', response: { 200: Type.Array(JobsetSchema) } } },
    async () => Promise.all((await listJobsets(db)).map((jobset) => resourceOf(db, jobset))),
  );

  app.get(
    '/jobsets/:id',
    { schema: { summary: 'A jobset', params: IdParams, response: { 200: JobsetSchema } } },
    async ({ params: { id } }) => resourceOf(db, found(await findJobset(db, id), `jobset ${id}`)),
  );
}

function addSave(app: RouteApp, deps: ServerDeps): void {
  const { db } = deps.connection;
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
      return resourceOf(db, saved);
    },
  );
}
