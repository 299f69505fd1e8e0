/** The server process: API, pages and binary cache. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectDatabase } from '../db/database.ts';
import { applyPolicySettings } from '../db/licences.ts';
import { migrate } from '../db/migrate.ts';
import { formatPublicKey, parseSecretKey, publicKeyOf } from '../domain/nix/signature.ts';
import { createLogger } from '../runtime/logger.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
import { createApp } from './app.ts';
import { createAuthority } from './auth.ts';
import { openCacheFolder } from './cache/cache-folder.ts';
import { createIngest } from './cache/ingest.ts';
import { openPathFollower } from './cache/path-follower.ts';
import { parseServerConfig, serverFolders } from './config.ts';
import { openLogStore } from './logs.ts';
import { openTokenBook } from './tokens.ts';

await runProcess('server', async (stopped) => {
  const config = parseServerConfig();
  const logger = createLogger('server');
  await using connection = connectDatabase({ url: config.databaseUrl, applicationName: 'nixwarp-server' });
  await untilReachable('Postgres', logger, () => migrate(connection));
  const folders = serverFolders(config.stateDir);
  await mkdir(config.stateDir, { recursive: true });
  const secretKey = parseSecretKey(config.secretKey);
  const folder = await openCacheFolder({
    path: folders.cache,
    storeDir: config.storeDir,
    priority: config.cachePriority,
  });
  const ingestDeps = { connection, folder, secretKey, storeDir: config.storeDir, now: Date.now };
  const tokens = await openTokenBook(connection);
  if (await applyPolicySettings(connection, config.policy))
    logger.info('the rules of the public view apply to all paths');
  await using paths = await openPathFollower({ connection, logger });
  const app = await createApp(
    {
      connection,
      folder,
      ingestDeps,
      ingest: createIngest(ingestDeps),
      logs: await openLogStore(folders.logs),
      authority: createAuthority({
        adminToken: config.adminToken,
        builderToken: config.builderToken,
        adminTokenHint: join(config.stateDir, 'keys', 'admin-token'),
        tokens,
      }),
      tokens,
      publicUrl: config.publicUrl,
      publicView: config.publicView,
      storeDir: config.storeDir,
      memory: { paths, maxBytes: config.cacheMemoryBytes },
      cacheFacts: { url: config.publicUrl, publicKey: formatPublicKey(publicKeyOf(secretKey)) },
      temporalUiUrl: config.temporalUiUrl,
    },
    logger,
  );
  await app.listen(config.listen);
  announceReady(logger, { url: config.publicUrl });
  await stopped;
  await app.close();
});
