/** Builders, GPUs, and the state of the whole. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { setBuilderWanted } from '../../db/builders.ts';
import { listBuilderViews } from '../../db/views/fleet.ts';
import { BuilderSchema, StatusSchema } from '../../domain/api/resources.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { findStatus } from '../views/status.ts';

const Name = Type.Object({ name: Type.String({ maxLength: 63 }) });

export function fleetRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addStatus(app, deps);
    addBuilders(app, deps);
    addGpus(app, deps);
    addWanted(app, deps, 'drain');
    addWanted(app, deps, 'activate');
    done();
  };
}

function addStatus(app: RouteApp, deps: ServerDeps): void {
  app.get(
    '/status',
    { schema: { summary: 'What this server is, and how it is', response: { 200: StatusSchema } } },
    () => findStatus(deps),
  );
}

function addBuilders(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/builders',
    { schema: { summary: 'All builders with their GPUs', response: { 200: Type.Array(BuilderSchema) } } },
    async () => [...(await listBuilderViews(db))],
  );
}

function addGpus(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/gpus',
    {
      schema: {
        summary: 'All GPUs',
        response: {
          200: Type.Array(
            Type.Intersect([
              BuilderSchema.properties.gpus.items,
              Type.Object({ builder: Type.String(), state: Type.String() }),
            ]),
          ),
        },
      },
    },
    async () =>
      (await listBuilderViews(db)).flatMap(({ name, state, gpus }) =>
        gpus.map((gpu) => ({ ...gpu, builder: name, state })),
      ),
  );
}

/** What a person wants of a builder outlives the builder's process: it asks when it announces itself. */
function addWanted(app: RouteApp, deps: ServerDeps, action: 'drain' | 'activate'): void {
  const wanted = action === 'drain' ? 'drained' : 'active';
  app.post(
    `/builders/:name/${action}`,
    {
      schema: {
        summary: action === 'drain' ? 'Take no more work; what runs is finished' : 'Take work again',
        security: [{ token: [] }],
        params: Name,
        querystring: Type.Object({ reason: Type.Optional(Type.String({ maxLength: 500 })) }),
        response: { 200: Type.Object({ name: Type.String(), wanted: Type.String() }) },
      },
    },
    async (request) => {
      const { name } = request.params;
      const reason = action === 'drain' ? (request.query.reason ?? 'drained by a person') : null;
      const command = { action, subject: `builder ${name}`, details: { reason } };
      return runCommand(deps, request, command, async (tx) => {
        if (!(await setBuilderWanted(tx, name, wanted, reason)))
          throw new NotFoundError(`there is no builder ${name}`);
        return { name, wanted };
      });
    },
  );
}
