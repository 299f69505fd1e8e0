/** The server's application over a test's database, with folders of its own. */

import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Connection } from '../../db/database.ts';
import {
  formatPublicKey,
  generateSecretKey,
  type PublicKey,
  publicKeyOf,
} from '../../domain/nix/signature.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createApp } from '../../server/app.ts';
import { createAuthority } from '../../server/auth.ts';
import { openCacheFolder } from '../../server/cache/cache-folder.ts';
import { createIngest } from '../../server/cache/ingest.ts';
import type { PublicView } from '../../domain/listen.ts';
import type { CollectSettings } from '../../server/cache/collect.ts';
import type { ServerDeps } from '../../server/deps.ts';
import { type LogStore, openLogStore } from '../../server/logs.ts';
import { openTokenBook } from '../../server/tokens.ts';

export interface SampleApp {
  readonly app: FastifyInstance;
  readonly deps: ServerDeps;
  readonly logs: LogStore;
}

export interface SampleAppOptions {
  readonly publicView?: PublicView;
  readonly collect?: Partial<CollectSettings>;
  readonly upstreams?: readonly string[];
  readonly trustedKeys?: readonly PublicKey[];
}

const PUBLIC_URL = 'http://127.0.0.1:8599';

/** Assembled as `server/main.ts` does; nothing listens yet. */
export async function createSampleApp(
  connection: Connection,
  folder: string,
  { publicView = 'everything', collect = {}, upstreams = [], trustedKeys = [] }: SampleAppOptions = {},
): Promise<SampleApp> {
  const storeDir = '/nix/store';
  const secretKey = generateSecretKey('nixwarp-test-1');
  const logs = await openLogStore(join(folder, 'logs'));
  const cache = await openCacheFolder({ path: join(folder, 'cache'), storeDir, priority: 50 });
  const ingestDeps = { connection, folder: cache, secretKey, storeDir, trustedKeys, now: Date.now };
  const tokens = await openTokenBook(connection);
  const deps: ServerDeps = {
    connection,
    folder: cache,
    ingestDeps,
    ingest: createIngest(ingestDeps),
    logs,
    authority: createAuthority({
      adminToken: 'admin',
      builderToken: 'builder',
      adminTokenHint: 'a test',
      tokens,
    }),
    tokens,
    publicUrl: PUBLIC_URL,
    publicView,
    collect: { graceSeconds: 0, narDelaySeconds: 0, quotaBytes: undefined, ...collect },
    upstreams,
    secretKeys: [secretKey],
    stagingKey: generateSecretKey('nixwarp-test-staging-1'),
    storeDir,
    cacheFacts: { url: PUBLIC_URL, publicKey: formatPublicKey(publicKeyOf(secretKey)) },
    temporalUiUrl: 'http://127.0.0.1:8233',
  };
  const logger = createLogger('test');
  logger.level = 'fatal';
  return { app: await createApp(deps, logger), deps, logs };
}
