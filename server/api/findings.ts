/** Findings: what the classifier said of failures. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { listFindingViews } from '../../db/views/fleet.ts';
import { FindingSchema, PageSchema } from '../../domain/api/resources.ts';
import type { ServerDeps } from '../deps.ts';

export function findingRoutes({ connection: { db } }: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.get(
      '/findings',
      {
        schema: {
          summary: 'Verdicts, newest first',
          querystring: Type.Object({
            class: Type.Optional(Type.String()),
            evaluation: Type.Optional(Type.Integer({ minimum: 1 })),
            cursor: Type.Optional(Type.Integer({ minimum: 1 })),
            limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
          }),
          response: { 200: PageSchema(FindingSchema) },
        },
      },
      async ({ query }) => {
        const views = await listFindingViews(db, {
          class: query.class,
          evaluationId: query.evaluation,
          before: query.cursor,
          limit: query.limit,
        });
        return { items: [...views], next: views.length < query.limit ? null : String(views.at(-1)?.id) };
      },
    );
    done();
  };
}
