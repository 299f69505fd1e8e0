/** Looking after the cache: collecting garbage, counting. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { recordAudit } from '../../db/audit.ts';
import { countCache } from '../../db/collection.ts';
import {
  CacheStatsSchema,
  CollectedSchema,
  RecompressedSchema,
  SignedSchema,
  VerifiedSchema,
} from '../../domain/api/paths.ts';
import { collectGarbage } from '../cache/collect.ts';
import { createRecompress } from '../cache/recompress.ts';
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
    addRecompression(app, deps);
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

function addRecompression(app: RouteApp, { connection, authority, folder, storeDir }: ServerDeps): void {
  const recompress = createRecompress({ connection, folder, storeDir });
  app.post(
    '/cache/recompress',
    {
      schema: {
        security: [{ token: [] }],
        summary: 'Compress stored NARs anew, for some seconds; repeated with `after` until `next` is null',
        body: Type.Object({
          level: Type.Integer({ minimum: 1, maximum: 19, default: 12, description: 'of zstd' }),
          after: Type.String({ default: '', pattern: '^([0-9a-z]{32})?$', description: '`next` of before' }),
          seconds: Type.Integer({ minimum: 1, maximum: 60, default: 20 }),
        }),
        response: { 200: RecompressedSchema },
      },
    },
    async (request) => {
      const { actor } = await authority.requireAdministrator(request);
      const recompressed = await recompress(request.body);
      const details = request.body;
      const event = { actor, action: 'cache.recompress', subject: 'cache', details, idempotencyKey: null };
      if (recompressed.replaced > 0)
        await connection.transaction((tx) => recordAudit(tx, event, recompressed));
      return recompressed;
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
