/** The cache's views over HTTP: `public` at the root, `internal` and `staging/<name>` below, each with what it may show. */

import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findNarAlias } from '../../db/stored-paths.ts';
import { parseViewName, type ViewName } from '../../domain/ci/view.ts';
import { VIEW_BITS } from '../../db/path-changes.ts';
import type { Audience } from '../../db/visibility.ts';
import type { ServerDeps } from '../deps.ts';
import { NotFoundError } from '../errors.ts';
import { createDatabasePolicy } from './database-policy.ts';
import { cacheRoutes } from './routes.ts';
import { serveRoutes } from './serve-routes.ts';
import type { CacheSource } from './source.ts';
import { aliasNars } from './sources/aliased.ts';
import { createFolderSource } from './sources/folder.ts';
import { createIndexedSource } from './sources/indexed.ts';
import { createMemorySource } from './sources/memory.ts';
import { overlaySources } from './sources/overlay.ts';
import { restrictSource } from './sources/restricted.ts';
import { withListings } from './stored-nar.ts';

export interface ViewSources {
  readonly public: CacheSource;
  readonly internal: CacheSource;
  /** A staging view is a cache folder of its own: what strangers built never mixes with what others are given. */
  staging(name: string): CacheSource;
}

export function createViewSources(deps: ServerDeps): ViewSources {
  const { connection, storeDir, folder, publicView } = deps;
  const all = aliasNars(createIndexedSource(deps), (url) => findNarAlias(connection.db, url));
  const internal = restrictSource(all, createDatabasePolicy(connection, 'complete'));
  const isOpen = publicView === 'everything';
  const open = behind(
    deps,
    inMemory(
      deps,
      all,
      isOpen ? internal : restrictSource(all, createDatabasePolicy(connection, 'public')),
      isOpen ? VIEW_BITS.complete : VIEW_BITS.public,
    ),
    isOpen ? 'complete' : 'public',
  );
  return {
    public: open,
    internal: behind(deps, inMemory(deps, all, internal, VIEW_BITS.complete), 'complete'),
    staging: (name) =>
      overlaySources(
        createFolderSource({ path: stagingFolder(folder.path, name), storeDir, priority: undefined }),
        open,
      ),
  };
}

/** With what upstreams have, as far as this audience may see it. */
function behind({ pullThrough }: ServerDeps, view: CacheSource, audience: Audience): CacheSource {
  return pullThrough?.behind(view, audience) ?? view;
}

/** As it is where the index is not followed. */
function inMemory({ memory }: ServerDeps, all: CacheSource, view: CacheSource, viewBit: number): CacheSource {
  if (memory === undefined) return view;
  const { paths, maxBytes } = memory;
  return createMemorySource({ inner: view, nars: all, paths, viewBit, maxBytes });
}

/** Beside the cache, not in it. The name was checked by its pattern. */
export function stagingFolder(cacheFolder: string, name: string): string {
  return join(cacheFolder, '..', 'staging', name);
}

/** `undefined` where the path names none. */
function stagingViewOf(request: FastifyRequest): ViewName | undefined {
  try {
    return parseViewName(`staging/${(request.params as { staging?: string }).staging ?? ''}`);
  } catch {
    return undefined;
  }
}

/** @throws NotFoundError */
export function requireStagingView(request: FastifyRequest): ViewName {
  const view = stagingViewOf(request);
  if (view === undefined) throw new NotFoundError(`there is no ${request.url}`);
  return view;
}

export function stagingName(view: ViewName): string {
  return view.slice('staging/'.length);
}

export async function addViewRoutes(
  app: FastifyInstance,
  deps: ServerDeps,
  sources: ViewSources,
): Promise<void> {
  const { authority } = deps;
  const reads =
    (view: (request: FastifyRequest) => ViewName | undefined) => async (request: FastifyRequest) => {
      const wanted = view(request);
      if (wanted === undefined) throw new NotFoundError(`there is no ${request.url}`);
      await authority.authorize(request, { view: wanted, can: 'read' });
    };
  const { transfers, accelerate } = deps;
  const open = withListings(sources.public);
  await app.register(cacheRoutes({ source: open, shortWay: true, transfers, accelerate }));
  await app.register(serveRoutes({ source: open }));
  const internal = { source: withListings(sources.internal), authorize: reads(() => 'internal') };
  await app.register(cacheRoutes({ ...internal, transfers, accelerate }), { prefix: '/internal' });
  await app.register(serveRoutes(internal), { prefix: '/internal' });
  const staging = {
    source: (request: FastifyRequest) => {
      const view = stagingViewOf(request);
      return view === undefined ? sources.public : sources.staging(stagingName(view));
    },
    authorize: reads(stagingViewOf),
  };
  await app.register(cacheRoutes({ ...staging, transfers }), { prefix: '/staging/:staging' });
  await app.register(serveRoutes(staging), { prefix: '/staging/:staging' });
}
