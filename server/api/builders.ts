/** What builders tell: that they are there, what they begin, its log and its evidence. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAttempt, recordEvidence, recordLogBytes, startAttempt } from '../../db/attempts.ts';
import { recordBuilder, recordBuilderLeft } from '../../db/builders.ts';
import { recordNote } from '../../db/findings.ts';
import { recordProducts, recordSamples } from '../../db/samples.ts';
import {
  AnnouncedSchema,
  AnnounceSchema,
  EvidenceSchema,
  LeaveSchema,
  StartAttemptSchema,
  StartedAttemptSchema,
} from '../../domain/api/builder.ts';
import { viewPath } from '../../domain/ci/view.ts';
import { verdictOfNote } from '../../domain/ci/classification/note.ts';
import { readBody } from '../body.ts';
import type { RouteApp, ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';

/** A chunk of a log in one request; builders send far less at a time. */
const LOG_CHUNK_BYTES = 16 * 1024 * 1024;

/** Nix's messages, and what an output says of itself: builders cut both. */
const EVIDENCE_BYTES = 16 * 1024 * 1024;

const AttemptParams = Type.Object({ id: Type.Integer({ minimum: 1 }) });

export function builderRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.addHook('onRequest', async (request) => {
      deps.authority.require(request, 'builder');
    });
    addPresence(app, deps);
    addStart(app, deps);
    addLog(app, deps);
    addEvidence(app, deps);
    done();
  };
}

function addPresence(app: RouteApp, { connection, cacheFacts, publicView }: ServerDeps): void {
  // What flows between builders may be what strangers do not see.
  const url = publicView === 'everything' ? cacheFacts.url : `${cacheFacts.url}${viewPath('internal')}`;
  app.post(
    '/builders/announce',
    {
      schema: {
        summary: 'A builder says what it is and has, and hears what is wanted of it',
        security: [{ token: [] }],
        body: AnnounceSchema,
        response: { 200: AnnouncedSchema },
      },
    },
    async (request) => {
      const { wanted } = await connection.transaction((tx) => recordBuilder(tx, request.body));
      return { wanted, cache: { ...cacheFacts, url } };
    },
  );

  app.post(
    '/builders/leave',
    { schema: { summary: 'A builder says good-bye', security: [{ token: [] }], body: LeaveSchema } },
    async (request, reply) => {
      await recordBuilderLeft(connection.db, request.body.name, request.body.incarnation);
      return reply.code(204).send();
    },
  );
}

function addStart(app: RouteApp, { connection }: ServerDeps): void {
  app.post(
    '/attempts',
    {
      schema: {
        summary: 'A builder begins an attempt, and gets what it needs for it',
        security: [{ token: [] }],
        body: StartAttemptSchema,
        response: { 200: StartedAttemptSchema },
      },
    },
    async (request) => {
      const assignment = await connection.transaction((tx) => startAttempt(tx, request.body));
      return assignment === undefined
        ? null
        : {
            ...assignment,
            features: [...assignment.features],
            outputs: [...assignment.outputs],
            inputPaths: [...assignment.inputPaths],
          };
    },
  );
}

function addLog(app: RouteApp, { connection, logs }: ServerDeps): void {
  app.put(
    '/attempts/:id/log',
    {
      bodyLimit: LOG_CHUNK_BYTES,
      schema: {
        summary: 'A piece of the log, at its offset; a repeated one changes nothing',
        security: [{ token: [] }],
        params: AttemptParams,
        querystring: Type.Object({
          offset: Type.Integer({ minimum: 0 }),
          closed: Type.Boolean({ default: false }),
        }),
        response: { 200: Type.Object({ bytes: Type.Integer() }) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { offset, closed } = request.query;
      // Else a log would lie where that of a later attempt of this id belongs.
      found(await findAttempt(connection.db, id), `attempt ${id}`);
      let bytes = await logs.append(id, offset, await readBody(request.body, LOG_CHUNK_BYTES));
      if (closed) bytes = await logs.close(id);
      await recordLogBytes(connection.db, id, bytes, closed);
      return { bytes };
    },
  );
}

function addEvidence(app: RouteApp, { connection }: ServerDeps): void {
  app.post(
    '/attempts/:id/evidence',
    {
      bodyLimit: EVIDENCE_BYTES,
      schema: {
        summary: 'What a builder knows of an attempt beside its log; adds to what it said before',
        security: [{ token: [] }],
        params: AttemptParams,
        body: EvidenceSchema,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const attempt = found(await findAttempt(connection.db, id), `attempt ${id}`);
      const { metrics = [], products = [], notes = [], ...evidence } = request.body;
      await connection.transaction(async (tx) => {
        await recordEvidence(tx, attempt.id, evidence);
        await recordSamples(tx, attempt, metrics);
        await recordProducts(tx, attempt.id, products);
        for (const note of notes) await recordNote(tx, attempt.stepId, verdictOfNote(note));
      });
      return reply.code(204).send();
    },
  );
}
