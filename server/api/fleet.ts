/** Builders, GPUs, findings, and the state of the whole. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { setBuilderWanted } from '../../db/builders.ts';
import { findOverall, listBuilderViews, listFindingViews } from '../../db/views/fleet.ts';
import { BuilderSchema, FindingSchema, PageSchema, StatusSchema } from '../../domain/api/resources.ts';
import { runCommand } from '../commands.ts';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { SERVER_VERSION } from '../version.ts';

const Name = Type.Object({ name: Type.String({ maxLength: 63 }) });

export function fleetRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { db } = deps.connection;
  return (app, _options, done) => {
    app.get(
      '/status',
      { schema: { summary: 'What this server is, and how it is', response: { 200: StatusSchema } } },
      async () => {
        const overall = await findOverall(db);
        return {
          name: 'nixwarp' as const,
          version: SERVER_VERSION,
          url: deps.publicUrl,
          cache: deps.cacheFacts,
          temporalUiUrl: deps.temporalUiUrl ?? null,
          ...overall,
          ready: overall.builders > 0,
        };
      },
    );

    app.get(
      '/builders',
      { schema: { summary: 'All builders with their GPUs', response: { 200: Type.Array(BuilderSchema) } } },
      async () => [...(await listBuilderViews(db))],
    );

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

    for (const [action, wanted] of [
      ['drain', 'drained'],
      ['activate', 'active'],
    ] as const)
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
          const reason = wanted === 'drained' ? (request.query.reason ?? 'drained by a person') : null;
          return runCommand(
            deps,
            request,
            { action, subject: `builder ${name}`, details: { reason } },
            async (tx) => {
              if (!(await setBuilderWanted(tx, name, wanted, reason)))
                throw new NotFoundError(`there is no builder ${name}`);
              return { name, wanted };
            },
          );
        },
      );

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
        const items = [
          ...(await listFindingViews(db, {
            class: query.class,
            evaluationId: query.evaluation,
            before: query.cursor,
            limit: query.limit,
          })),
        ];
        return { items, next: items.length < query.limit ? null : String(items.at(-1)?.id) };
      },
    );
    done();
  };
}
