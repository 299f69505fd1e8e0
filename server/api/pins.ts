/** Pins by name: what they hold is not collected. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { insertNamedPin, listNamedPins, releaseNamedPin } from '../../db/named-pins.ts';
import { PinSchema } from '../../domain/api/paths.ts';
import { parseStorePath, storePathHash } from '../../domain/nix/store-path.ts';
import { runCommand } from '../commands.ts';
import type { ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';

const Params = Type.Object({ name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$' }) });

export function pinRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.get(
      '/pins',
      {
        schema: {
          summary: 'Pins by name with their history, newest first',
          response: { 200: Type.Object({ items: Type.Array(PinSchema) }) },
        },
      },
      async (request) => {
        await deps.authority.authorize(request, { view: 'internal', can: 'read' });
        return { items: await listNamedPins(deps.connection.db) };
      },
    );

    app.put(
      '/pins/:name',
      {
        schema: {
          security: [{ token: [] }],
          summary:
            'Let a name hold a path and its closure; what it held before is kept as long as `keep` says',
          params: Params,
          body: Type.Object({
            path: Type.String(),
            keep: Type.Integer({ minimum: 0, maximum: 10_000, default: 0 }),
          }),
          response: {
            200: Type.Object({ name: Type.String(), revision: Type.Integer(), path: Type.String() }),
          },
        },
      },
      async (request) => {
        const { name } = request.params;
        const path = parseStorePath(request.body.path, deps.storeDir);
        const { actor } = await deps.authority.requireAdministrator(request);
        const { keep } = request.body;
        const command = { action: 'pin.set', subject: name, details: { path, keep } };
        return runCommand(deps, request, command, async (tx) => {
          const revision = await insertNamedPin(tx, { name, pathHash: storePathHash(path), keep, actor });
          return { name, revision: found(revision, `${path} in the cache`), path };
        });
      },
    );

    app.delete(
      '/pins/:name',
      {
        schema: {
          security: [{ token: [] }],
          summary: 'Let go of what a name holds; its history stays',
          params: Params,
          response: { 200: Type.Object({ name: Type.String() }) },
        },
      },
      async (request) => {
        const { name } = request.params;
        return runCommand(deps, request, { action: 'pin.release', subject: name }, async (tx) => {
          found((await releaseNamedPin(tx, name)) || undefined, `pin ${name}`);
          return { name };
        });
      },
    );
    done();
  };
}
