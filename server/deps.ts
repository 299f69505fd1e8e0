/** What the routes need: made by the process, given to the application. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Connection } from '../db/database.ts';
import type { SecretKey } from '../domain/nix/signature.ts';
import type { Authority } from './auth.ts';
import type { PublicView } from '../domain/listen.ts';
import type { CollectSettings } from './cache/collect.ts';
import type { CacheFolder } from './cache/cache-folder.ts';
import type { Transfers } from './cache/transfers.ts';
import type { Ingest, IngestDeps } from './cache/ingest.ts';
import type { PullThrough } from './cache/upstream/pull-through.ts';
import type { PathFollower } from './cache/path-follower.ts';
import type { LogStore } from './logs.ts';
import type { TokenBook } from './tokens.ts';
import type { ListSummaries } from './views/summaries.ts';

export interface ServerDeps {
  readonly connection: Connection;
  readonly logs: LogStore;
  readonly authority: Authority;
  readonly tokens: TokenBook;
  readonly folder: CacheFolder;
  readonly ingest: Ingest;
  readonly ingestDeps: IngestDeps;
  readonly publicUrl: string;
  readonly publicView: PublicView;
  readonly collect: CollectSettings;
  /** Caches to repair from. */
  readonly upstreams: readonly string[];
  /** All that sign, the primary one first. */
  readonly secretKeys: readonly SecretKey[];
  /** Signs what is uploaded to staging views, and nothing else. */
  readonly stagingKey: SecretKey;
  readonly storeDir: string;
  /** The index of paths, followed, and what may be kept of each view in memory; absent: Postgres and the disk are asked. */
  readonly memory?: { readonly paths: PathFollower; readonly maxBytes: number };
  /** Of NARs, all views together. */
  readonly transfers?: Transfers;
  /** Where nginx finds a file of the cache; absent: this process sends files itself. */
  readonly accelerate?: ((path: string) => string | undefined) | undefined;
  /** What upstream caches have, through us; absent: nothing is pulled. */
  readonly pullThrough?: PullThrough | undefined;
  /** What clients of the cache need. */
  readonly cacheFacts: { readonly url: string; readonly publicKey: string };
  readonly temporalUiUrl: string | undefined;
}

/** What the application adds for its routes. */
export interface RouteDeps extends ServerDeps {
  readonly listSummaries: ListSummaries;
}

/** Where routes are added; their handlers' types come from their schemas. */
export type RouteApp = Parameters<FastifyPluginCallbackTypebox>[0];
