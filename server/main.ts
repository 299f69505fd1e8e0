/** The server process: API, pages and binary cache. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { connectDatabase } from '../db/database.ts';
import { applyPolicySettings } from '../db/licences.ts';
import { migrate } from '../db/migrate.ts';
import { formatPublicKey, parseSecretKeys, publicKeyOf } from '../domain/nix/signature.ts';
import { createLogger } from '../runtime/logger.ts';
import { createLoop, type Loop } from '../runtime/loop.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
import { createApp } from './app.ts';
import { type Authority, createAuthority } from './auth.ts';
import { accelerateWith } from './cache/accelerate.ts';
import { openCacheFolder } from './cache/cache-folder.ts';
import { createIngest, type IngestDeps } from './cache/ingest.ts';
import { openStagingKey } from './cache/staging-key.ts';
import { restoreNarInfos, sweepIngest } from './cache/sweep-ingest.ts';
import { openPathFollower } from './cache/path-follower.ts';
import { openS3Store } from './cache/storage/s3.ts';
import { openPullThrough } from './cache/upstream/pull-through.ts';
import { createTransfers } from './cache/transfers.ts';
import { startCollecting } from './collecting.ts';
import { parseServerConfig, type ServerConfig, serverFolders } from './config.ts';
import { UnavailableError } from './errors.ts';
import { openLogStore } from './logs.ts';
import { runsOnce, startProcesses, startsOthers } from './processes.ts';
import { openTokenBook, type TokenBook } from './tokens.ts';

/** A server is started again within that. */
const RESTORED_SECONDS = 24 * 3600;
const SWEEP_SECONDS = 3600;

await runProcess('server', async (stopped) => {
  const config = parseServerConfig();
  const logger = createLogger('server');
  if (startsOthers(config.processes)) {
    await using processes = startProcesses(config.processes, logger);
    await Promise.race([processes.ready, processes.hopeless, stopped]);
    announceReady(logger, { url: config.publicUrl, processes: config.processes });
    await Promise.race([stopped, processes.hopeless]);
    return;
  }
  await serve(config, logger, stopped);
});

/** A bucket that is away costs its NARs, not the server. */
function unlessAway(logger: Logger): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof UnavailableError)) throw error;
    logger.warn(error, 'narinfos that the bucket lacks are written when a server starts again');
  };
}

/** One process that answers. */
async function serve(config: ServerConfig, logger: Logger, stopped: Promise<void>): Promise<void> {
  await using connection = connectDatabase({ url: config.databaseUrl, applicationName: 'nixwarp-server' });
  await untilReachable('Postgres', logger, () => migrate(connection));
  const folders = serverFolders(config.stateDir);
  await mkdir(config.stateDir, { recursive: true });
  const [secretKey, ...moreKeys] = parseSecretKeys(config.secretKey);
  const folder = await openCacheFolder({
    path: folders.cache,
    storeDir: config.storeDir,
    priority: config.cachePriority,
    blobs: config.s3 && (await openS3Store({ settings: config.s3, storeDir: config.storeDir, logger })),
  });
  const ingestDeps = {
    connection,
    folder,
    secretKey,
    moreKeys,
    storeDir: config.storeDir,
    trustedKeys: config.trustedKeys,
    now: Date.now,
  };
  const tokens = await openTokenBook(connection);
  if (await applyPolicySettings(connection, config.policy))
    logger.info('the rules of the public view apply to all paths');
  await using paths = await openPathFollower({ connection, logger });
  const { pullPolicy: policy, upstreams, trustedKeys, pullMaxBytes: maxBytes } = config;
  await using pullThrough = openPullThrough({
    policy,
    upstreams,
    trustedKeys,
    maxBytes,
    ingestDeps,
    logger,
    fetch,
  });
  const app = await createApp(
    {
      connection,
      folder,
      ingestDeps,
      ingest: createIngest(ingestDeps),
      logs: await openLogStore(folders.logs, { isShared: config.processes > 1 }),
      authority: authorityOf(config, tokens),
      tokens,
      publicUrl: config.publicUrl,
      publicView: config.publicView,
      collect: config.collect,
      upstreams: config.upstreams,
      secretKeys: [secretKey, ...moreKeys],
      stagingKey: await openStagingKey(config, secretKey),
      storeDir: config.storeDir,
      memory: { paths, maxBytes: config.cacheMemoryBytes },
      pullThrough,
      transfers: createTransfers({ most: config.transfers }),
      accelerate:
        config.accelRedirect === undefined ? undefined : accelerateWith(config.accelRedirect, folder.path),
      cacheFacts: { url: config.publicUrl, publicKey: formatPublicKey(publicKeyOf(secretKey)) },
      temporalUiUrl: config.temporalUiUrl,
    },
    logger,
  );
  app.server.maxConnections = config.maxConnections;
  // What a crash between a commit and its files left out, and what nobody came back for.
  if (runsOnce()) await restoreNarInfos(ingestDeps, RESTORED_SECONDS).catch(unlessAway(logger));
  await using _sweeping = runsOnce() ? startSweeping(ingestDeps, logger) : undefined;
  await using _collecting = runsOnce() ? startCollecting({ connection, folder, config, logger }) : undefined;
  await app.listen(config.listen);
  announceReady(logger, { url: config.publicUrl });
  await stopped;
  await app.close();
}

/** Clears away what uploads left. */
function startSweeping(ingestDeps: IngestDeps, logger: Logger): Loop {
  return createLoop({
    everySeconds: SWEEP_SECONDS,
    run: () => sweepIngest(ingestDeps),
    onError: (error) => logger.warn(error, 'clearing away what uploads left failed'),
  });
}

function authorityOf({ adminToken, builderToken, stateDir }: ServerConfig, tokens: TokenBook): Authority {
  const adminTokenHint = join(stateDir, 'keys', 'admin-token');
  return createAuthority({ adminToken, builderToken, adminTokenHint, tokens });
}
