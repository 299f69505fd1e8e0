/** A cache that pulls from upstreams, over a database and a folder of its own. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Audience } from '../../db/visibility.ts';
import { generateSecretKey, publicKeyOf, type SecretKey } from '../../domain/nix/signature.ts';
import { openCacheFolder } from '../../server/cache/cache-folder.ts';
import type { IngestDeps } from '../../server/cache/ingest.ts';
import { createIndexedSource } from '../../server/cache/sources/indexed.ts';
import type { CacheSource } from '../../server/cache/source.ts';
import type { BlobStore } from '../../server/cache/storage/blob-store.ts';
import type { PullPolicy } from '../../server/cache/upstream/policy.ts';
import { openPullThrough } from '../../server/cache/upstream/pull-through.ts';
import { openLogStore } from '../../server/logs.ts';
import { startTestCache, type TestCache } from './cache-server.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface PullingCache extends TestCache {
  readonly database: TestDatabase;
  readonly ingestDeps: IngestDeps;
  readonly folder: string;
  readonly key: SecretKey;
  /** What it said in its log. */
  readonly messages: string[];
  /** Ends the server and starts another one over the same database and folder. */
  restart(): Promise<void>;
}

export interface PullingOptions {
  readonly policy: PullPolicy;
  readonly upstreams: readonly string[];
  /** Of the upstreams. */
  readonly trusted: readonly SecretKey[];
  readonly audience?: Audience;
  readonly maxBytes?: number;
  readonly answerMs?: number;
  readonly idleMs?: number;
  /** Where files are kept; the cache's folder where it is absent. */
  readonly blobs?: BlobStore;
}

export async function startPullingCache(options: PullingOptions): Promise<PullingCache> {
  const { trusted, audience = 'complete', maxBytes = 2 ** 34, blobs, ...settings } = options;
  const database = await createTestDatabase();
  const path = await mkdtemp(join(tmpdir(), 'nixwarp-pull-'));
  const storeDir = '/nix/store';
  const folder = await openCacheFolder({ path: join(path, 'cache'), storeDir, priority: 50, blobs });
  const secretKey = generateSecretKey('nixwarp-test-1');
  const trustedKeys = trusted.map(publicKeyOf);
  const { connection } = database;
  const ingestDeps: IngestDeps = { connection, folder, secretKey, trustedKeys, storeDir, now: Date.now };
  const logs = await openLogStore(join(path, 'logs'));
  const messages: string[] = [];
  const say = (_facts: unknown, message?: string): void => void messages.push(message ?? '');

  const start = async () => {
    const inner: CacheSource = createIndexedSource({ connection, folder, logs, storeDir });
    const logger = { info: say, warn: say };
    const pulling = openPullThrough({ ...settings, trustedKeys, maxBytes, ingestDeps, logger, fetch });
    const server = await startTestCache({ source: pulling?.behind(inner, audience) ?? inner });
    return {
      url: server.url,
      close: async () => {
        await server.close();
        await pulling?.[Symbol.asyncDispose]();
      },
    };
  };
  let running = await start();
  return {
    get url() {
      return running.url;
    },
    database,
    ingestDeps,
    folder: folder.path,
    key: secretKey,
    messages,
    restart: async () => {
      await running.close();
      running = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await running.close();
      await database[Symbol.asyncDispose]();
      await rm(path, { recursive: true, force: true });
    },
  };
}
