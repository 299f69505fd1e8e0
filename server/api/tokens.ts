/** Tokens: made, listed, revoked. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { insertToken, listTokens, revokeToken } from '../../db/tokens.ts';
import { IdParams } from '../../domain/api/resources.ts';
import { CreatedTokenSchema, CreateTokenSchema, TokenSchema } from '../../domain/api/tokens.ts';
import { parseRights, parseViewName } from '../../domain/ci/view.ts';
import { runCommand } from '../commands.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { ConflictError, found } from '../errors.ts';
import { generateToken, tokenDigest } from '../tokens.ts';

export function tokenRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.addHook('onRequest', async (request) => {
      await deps.authority.requireAdministrator(request);
    });
    addCreation(app, deps);
    addList(app, deps);
    addRevocation(app, deps);
    done();
  };
}

function addCreation(app: RouteApp, deps: ServerDeps): void {
  app.post(
    '/tokens',
    {
      schema: {
        security: [{ token: [] }],
        summary: 'Make a token for a view; the answer is the only place where it is ever shown',
        body: CreateTokenSchema,
        response: { 200: CreatedTokenSchema },
      },
    },
    async (request) => {
      const { name, expiresInSeconds } = request.body;
      const view = parseViewName(request.body.view);
      const can = parseRights(request.body.can.join(','));
      const { actor } = await deps.authority.requireAdministrator(request);
      const token = generateToken();
      const digest = tokenDigest(token);
      const expiresAt =
        expiresInSeconds === undefined ? null : new Date(Date.now() + expiresInSeconds * 1000);
      const command = { action: 'token.create', subject: name, details: { view, can, expiresAt } };
      let isMade = false;
      // The answer is stored with the command: without the token.
      const { id } = await runCommand(deps, request, command, async (tx) => {
        isMade = true;
        return { id: await insertToken(tx, { name, digest, view, can, createdBy: actor, expiresAt }) };
      });
      if (!isMade)
        throw new ConflictError(
          `token ${id} was made by an earlier request with this Idempotency-Key; it is not shown again`,
        );
      return { id, token };
    },
  );
}

function addList(app: RouteApp, { connection }: ServerDeps): void {
  app.get(
    '/tokens',
    {
      schema: {
        summary: 'Tokens, newest first; never their secret',
        response: { 200: Type.Object({ items: Type.Array(TokenSchema) }) },
      },
    },
    async () => ({
      items: (await listTokens(connection.db)).map((token) => ({ ...token, can: [...token.can] })),
    }),
  );
}

function addRevocation(app: RouteApp, deps: ServerDeps): void {
  app.post(
    '/tokens/:id/revoke',
    {
      schema: {
        security: [{ token: [] }],
        summary: 'Revoke a token: nobody gets in with it from now on',
        params: IdParams,
        response: { 200: Type.Object({ id: Type.Integer(), name: Type.String() }) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const command = { action: 'token.revoke', subject: String(id) };
      const answer = await runCommand(deps, request, command, async (tx) => ({
        id,
        name: found(await revokeToken(tx, id), `token ${id}`),
      }));
      deps.tokens.forget();
      return answer;
    },
  );
}
