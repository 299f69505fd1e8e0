/** Triggers: asking for an evaluation, and what came of it. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findJobset, findTrigger, recordTrigger } from '../../db/jobsets.ts';
import { IdParams, TriggerSchema } from '../../domain/api/resources.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';

export function triggerRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    addTrigger(app, deps);
    addOne(app, deps);
    done();
  };
}

function addTrigger(app: RouteApp, deps: ServerDeps): void {
  const { db } = deps.connection;
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
      const { id } = request.params;
      const jobset = found(await findJobset(db, id), `jobset ${id}`);
      const { kind, force: forced } = request.query;
      const command = { action: 'trigger', subject: `jobset ${id}`, details: request.query };
      const { triggerId } = await runCommand(deps, request, command, async (tx) => ({
        triggerId: await recordTrigger(tx, { jobset, kind, forced }),
      }));
      const trigger = found(await findTrigger(db, triggerId), `trigger ${triggerId}`);
      return reply.code(202).header('location', `/api/v1/triggers/${triggerId}`).send(trigger);
    },
  );
}

function addOne(app: RouteApp, { connection: { db } }: ServerDeps): void {
  app.get(
    '/triggers/:id',
    { schema: { summary: 'What came of a trigger', params: IdParams, response: { 200: TriggerSchema } } },
    async ({ params: { id } }) => found(await findTrigger(db, id), `trigger ${id}`),
  );
}
