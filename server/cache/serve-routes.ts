/** `/serve/<hash>/<path>`: single files and folders out of NARs, for people and for tools that want one header or man page. */

import { Readable } from 'node:stream';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { html } from 'ghtml';
import { LRUCache } from 'lru-cache';
import { findInListing, listEntries, type ListingNode, parseListing } from '../../domain/nix/listing.ts';
import { formatHashDigest } from '../../domain/nix/hash.ts';
import { contentTypeOf } from './file-types.ts';
import { miss } from './routes.ts';
import { parseResource } from './resource.ts';
import { sendContent } from './send.ts';
import type { CacheSource, Content } from './source.ts';
import { openStoredNar, readText, type StoredNar } from './stored-nar.ts';

export interface ServeRoutesOptions {
  /** With listings for all of its paths (`withListings`). */
  readonly source: CacheSource | ((request: FastifyRequest) => CacheSource);
  /** As that of `cacheRoutes`. */
  readonly authorize?: (request: FastifyRequest) => Promise<void>;
}

/** What packages hold is nobody's page of ours: no scripts, no forms, an origin of its own. */
const GUARDS = { 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' };

/** Listings as they were parsed: of large ones most of the time goes there. By their own NAR, so that they never are stale. */
const KEPT_LISTINGS = 32;

export function serveRoutes({ source, authorize }: ServeRoutesOptions): FastifyPluginCallback {
  const listings = new LRUCache<string, ListingNode>({ max: KEPT_LISTINGS });

  async function listingOf(
    from: CacheSource,
    nar: StoredNar,
    pathHash: string,
  ): Promise<ListingNode | undefined> {
    const key = formatHashDigest(nar.info.narHash, 'nix32');
    const known = listings.get(key);
    if (known !== undefined) return known;
    const resource = parseResource(`${pathHash}.ls`);
    const content = resource && (await from.find(resource));
    if (content === undefined) return undefined;
    const root = parseListing(await readText(content));
    listings.set(key, root);
    return root;
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    pathHash: string,
    path: string,
  ): Promise<FastifyReply> {
    await authorize?.(request);
    const from = typeof source === 'function' ? source(request) : source;
    if (parseResource(`${pathHash}.narinfo`) === undefined) return miss(reply);
    const nar = await openStoredNar(from, pathHash);
    const root = nar && (await listingOf(from, nar, pathHash));
    if (nar === undefined || root === undefined) return miss(reply);
    const node = findInListing(root, path.split('/'), nar.info.path, from.storeDir);
    if (node === undefined) return miss(reply);
    if (node.kind === 'directory')
      return sendFolder(request, reply.headers(lifetimeOf(authorize === undefined)), node, nar);
    const content = fileContent(node, nar);
    if (content === undefined) return miss(reply);
    void reply.hijack();
    try {
      await sendContent(request.raw, reply.raw, content, {
        kind: 'nar',
        isPublic: authorize === undefined,
        headers: { ...GUARDS, 'content-type': contentTypeOf(path) },
      });
    } catch (error) {
      if (!request.raw.destroyed) request.log.warn({ err: error, path }, 'a transfer was cut');
      reply.raw.destroy();
    }
    return reply;
  }

  return (app, _options, done) => {
    app.route<{ Params: { hash: string; '*'?: string } }>({
      method: ['GET', 'HEAD'],
      url: '/serve/:hash/*',
      schema: { hide: true },
      handler: (request, reply) => answer(request, reply, request.params.hash, request.params['*'] ?? ''),
    });
    app.route<{ Params: { hash: string } }>({
      method: ['GET', 'HEAD'],
      url: '/serve/:hash',
      schema: { hide: true },
      handler: (request, reply) => answer(request, reply, request.params.hash, ''),
    });
    done();
  };
}

/** `undefined` where a listing of others says nothing about where the file lies, or something impossible. */
function fileContent(node: ListingNode & { kind: 'regular' }, nar: StoredNar): Content | undefined {
  const { narOffset, size } = node;
  const { narHash, narSize } = nar.info;
  if (narOffset === undefined || narOffset + size > narSize) return undefined;
  return {
    size,
    tag: `${formatHashDigest(narHash, 'nix32')}-${narOffset}`,
    body: {
      kind: 'stream',
      read: (start, end) =>
        Readable.from(nar.read(narOffset + start, narOffset + end), { objectMode: false }),
    },
  };
}

/** As `sendContent` says it of files. */
function lifetimeOf(isPublic: boolean): Record<string, string> {
  return isPublic
    ? { 'cache-control': 'public, max-age=86400' }
    : { 'cache-control': 'private, max-age=86400', vary: 'authorization' };
}

function sendFolder(
  request: FastifyRequest,
  reply: FastifyReply,
  node: ListingNode & { kind: 'directory' },
  { info }: StoredNar,
): FastifyReply {
  const [path = '', query] = request.url.split('?', 2);
  // Links below are relative to the folder.
  if (!path.endsWith('/'))
    return reply
      .code(301)
      .header(
        'location',
        `${path.slice(path.lastIndexOf('/') + 1)}/${query === undefined ? '' : `?${query}`}`,
      )
      .send();
  const entries = listEntries(node);
  void reply.headers(GUARDS);
  if (request.headers.accept?.includes('application/json'))
    return reply.type('application/json').send(JSON.stringify({ storePath: info.path, entries }));
  return reply.type('text/html; charset=utf-8').send(folderPage(info.path, entries));
}

function folderPage(title: string, entries: ReturnType<typeof listEntries>): string {
  const lines = entries.map(({ name, kind }) => {
    const slash = kind === 'directory' ? '/' : '';
    // "./" keeps a name with a colon from being taken for a scheme.
    return html`<li><a href="./${encodeURIComponent(name)}${slash}">${name}${slash}</a></li>`;
  });
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
      </head>
      <body>
        <h1>${title}</h1>
        <ul>
          <li><a href="../">../</a></li>
          !${lines}
        </ul>
      </body>
    </html> `;
}
