/** Looking after the cache: collecting garbage, counting. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { recordAudit } from '../../db/audit.ts';
import { countCache } from '../../db/collection.ts';
import { CacheStatsSchema, CollectedSchema, SignedSchema, VerifiedSchema } from '../../domain/api/paths.ts';
import { collectGarbage } from '../cache/collect.ts';
import { signAll } from '../cache/sign-all.ts';
import { verifyCache } from '../cache/verify.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';

export function cacheCommandRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  const { connection, authority, folder, collect } = deps;
  return (app, _options, done) => {
    app.get(
      '/cache/stats',
      { schema: { summary: 'What the cache holds', response: { 200: CacheStatsSchema } } },
      () => countCache(connection.db),
    );

    app.post(
      '/cache/gc',
      {
        schema: {
          security: [{ token: [] }],
          summary: 'Take what nothing holds out of the cache; the server does so by itself every day',
          querystring: Type.Object({ dryRun: Type.Boolean({ default: false }) }),
          response: { 200: CollectedSchema },
        },
      },
      async (request) => {
        const { actor } = await authority.requireAdministrator(request);
        const collected = await collectGarbage({ connection, folder }, collect, request.query.dryRun);
        const event = { actor, action: 'cache.gc', subject: 'cache', details: {}, idempotencyKey: null };
        if (!collected.dryRun) await connection.transaction((tx) => recordAudit(tx, event, collected));
        return collected;
      },
    );
    addVerification(app, deps);
    addSigning(app, deps);
    done();
  };
}

function addVerification(
  app: RouteApp,
  { connection, authority, folder, upstreams, storeDir }: ServerDeps,
): void {
  app.post(
    '/cache/verify',
    {
      schema: {
        security: [{ token: [] }],
        summary: 'Read every stored byte again; what is broken is repaired from an upstream, or withdrawn',
        response: { 200: VerifiedSchema },
      },
    },
    async (request) => {
      const { actor } = await authority.requireAdministrator(request);
      const verified = await verifyCache({ connection, folder, upstreams, storeDir });
      const event = { actor, action: 'cache.verify', subject: 'cache', details: {}, idempotencyKey: null };
      await connection.transaction((tx) => recordAudit(tx, event, verified));
      return verified;
    },
  );
}

function addSigning(
  app: RouteApp,
  { connection, authority, folder, secretKeys, storeDir }: ServerDeps,
): void {
  app.post(
    '/cache/sign',
    {
      schema: {
        security: [{ token: [] }],
        summary: 'Sign every path with all keys of the server',
        body: Type.Object({
          drop: Type.Optional(Type.String({ minLength: 1, description: 'name of a key that is given up' })),
        }),
        response: { 200: SignedSchema },
      },
    },
    async (request) => {
      const { actor } = await authority.requireAdministrator(request);
      const signed = await signAll({ connection, folder, secretKeys, storeDir }, request.body.drop);
      const event = {
        actor,
        action: 'cache.sign',
        subject: 'cache',
        details: request.body,
        idempotencyKey: null,
      };
      await connection.transaction((tx) => recordAudit(tx, event, signed));
      return signed;
    },
  );
}
