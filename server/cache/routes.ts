/** The binary cache as Nix clients see it. */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { findNewestAttemptOf } from '../../db/attempts.ts';
import { findIndexedPath } from '../../db/store-paths.ts';
import type { ServerDeps } from '../deps.ts';
import { parseRange } from '../range.ts';
import { renderNarInfo } from './render-narinfo.ts';

/** Grammar of store hashes, file hashes and derivation names: nothing else ever reaches the file system. */
const NARINFO = '^[0-9abcdfghijklmnpqrsvwxyz]{32}\\.narinfo$';
const NAR = /^[0-9abcdfghijklmnpqrsvwxyz]{52}\.nar(\.(zst|xz|bz2|br|lz4|lzip))?$/;
const DERIVATION = /^([0-9abcdfghijklmnpqrsvwxyz]{32})-[0-9A-Za-z+._?=-]{1,207}\.drv$/;

const ONE_DAY = 'public, max-age=86400';
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * `/nix-cache-info`, `/<hash>.narinfo`, `/nar/<file>` and `/log/<drv>`, each for GET and HEAD.
 * A malformed name is a miss (404): Nix takes any other 4xx as fatal (reference: binary-cache.md §2.9).
 */
export function cacheRoutes({ folder, logs, connection }: ServerDeps): FastifyPluginCallback {
  return (app, _options, done) => {
    const both = ['GET', 'HEAD'];

    /** A narinfo that the folder lost (a power cut) while the index and the NAR are there. */
    async function renderAgain(pathHash: string): Promise<string | undefined> {
      const row = await findIndexedPath(connection.db, pathHash);
      if (row === undefined) return undefined;
      const text = renderNarInfo(row);
      await folder.write(`${pathHash}.narinfo`, text, false);
      return text;
    }

    app.route({
      method: both,
      url: '/nix-cache-info',
      handler: async (_request, reply) => reply.type('text/x-nix-cache-info').send(folder.nixCacheInfo),
    });

    app.route<{ Params: { name: string } }>({
      method: both,
      url: `/:name(${NARINFO})`,
      handler: async (request, reply) => {
        const text =
          (await folder.read(request.params.name)) ?? (await renderAgain(request.params.name.slice(0, 32)));
        if (text === undefined) return miss(reply);
        return reply.type('text/x-nix-narinfo').header('cache-control', ONE_DAY).send(text);
      },
    });

    app.route<{ Params: { file: string } }>({
      method: both,
      url: '/nar/:file',
      handler: async (request, reply) => {
        if (!NAR.test(request.params.file)) return miss(reply);
        return sendFile(request, reply, folder.resolve(`nar/${request.params.file}`));
      },
    });

    app.route<{ Params: { drv: string } }>({
      method: both,
      url: '/log/:drv',
      handler: async (request, reply) => {
        const hash = DERIVATION.exec(request.params.drv)?.[1];
        const attemptId = hash === undefined ? undefined : await findNewestAttemptOf(connection.db, hash);
        const log = attemptId === undefined ? undefined : await logs.find(attemptId);
        if (attemptId === undefined || log === undefined) return miss(reply);
        void reply
          .type('text/plain; charset=utf-8')
          .header('x-content-type-options', 'nosniff')
          .header('content-length', log.bytes);
        return request.method === 'HEAD' ? reply.send() : reply.send(logs.read(attemptId, 0, log.bytes));
      },
    });
    done();
  };
}

function miss(reply: FastifyReply): FastifyReply {
  return reply.code(404).header('cache-control', 'no-store').type('text/plain').send('404\n');
}

/** A NAR, whole or one range of it: stored compressed and sent as it is, so that a cut transfer can be resumed. */
async function sendFile(request: FastifyRequest, reply: FastifyReply, path: string): Promise<FastifyReply> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return miss(reply);
  const { size } = await handle.stat();
  await handle.close();
  void reply.type('application/x-nix-nar').header('accept-ranges', 'bytes').header('cache-control', FOR_EVER);
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${size}`).send();
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== undefined) void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
  void reply.header('content-length', end - start);
  if (request.method === 'HEAD' || size === 0) return reply.send();
  return reply.send(createReadStream(path, { start, end: end - 1, highWaterMark: 256 * 1024 }));
}
