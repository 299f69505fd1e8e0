/** A builder: announces its machine, realises steps, runs GPU checks and evaluates. */

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { writeNetrc } from '../activities/adapters/netrc.ts';
import { createNixCli, type NixCli } from '../activities/adapters/nix-cli.ts';
import { createServerClient, type ServerClient } from '../activities/adapters/server-client.ts';
import { createStoreQueries, type StoreQueries } from '../activities/adapters/store-queries.ts';
import { createBoundedSet } from '../activities/bounded-set.ts';
import { cleanUp } from '../activities/clean-up.ts';
import { createEvaluateActivities } from '../activities/evaluate.ts';
import { createGpuLease } from '../activities/gpu-lease.ts';
import { createBuilderActivities } from '../activities/realise.ts';
import { createSlots } from '../activities/slots.ts';
import type { Announced } from '../domain/api/builder.ts';
import { createLogger, describeError } from '../runtime/logger.ts';
import { createLoop } from '../runtime/loop.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
import { createAnnouncer } from './announcer.ts';
import { createBuilderWorkers } from './builder-workers.ts';
import { type BuilderConfig, parseBuilderConfig } from './config.ts';
import { createMachine, type Machine } from './machine.ts';
import { standInPrefix } from './stand-in.ts';
import { connectWorkers, installTemporalRuntime } from './temporal.ts';

/** Paths remembered to save asking for them: some 20 MB. */
const KNOWN_PATHS = 100_000;
const CLEAN_UP_SECONDS = 600;
/** A server that is away learns by silence that we left. */
const LEAVE_MS = 1_000;

await runProcess('builder', async (stopped) => {
  const config = parseBuilderConfig();
  const logger = createLogger(`builder ${config.name}`);
  installTemporalRuntime(logger);
  const folders = await makeFolders(config.stateDir);
  const machine = createMachine(config);
  const onWaiting = (message: string): void => logger.warn(message);
  const server = createServerClient({ url: config.serverUrl, token: config.token, onWaiting });
  // The server's first answer says what its public key is.
  let cache: Announced['cache'] = { url: config.serverUrl, publicKey: '' };
  await giveToken(config, folders.netrc, cache.url);
  const nix = createNix(config, folders.netrc, () => cache);
  await using store = createStoreQueries({ prefix: [], environment: nix.environment });
  const nixVersion = await nix.version();
  const tools = { config, logger, folders, machine, server, nix, store, cacheUrl: () => cache.url };

  const connection = await untilReachable('Temporal', logger, () =>
    connectWorkers({ address: config.temporalAddress, namespace: config.namespace }),
  );
  const workers = createBuilderWorkers({
    config,
    connection,
    activities: createActivities(tools),
    onFailure: (queue, error) => logger.error(`the worker on ${queue} ended: ${describeError(error)}`),
  });
  // The coordinator makes the namespace when it is first.
  await untilReachable('the namespace in Temporal', logger, () => workers.resume());

  const incarnation = randomUUID();
  const announce = createAnnouncer({
    config,
    server,
    machine,
    workers,
    incarnation,
    nixVersion,
    logger,
    onCache: async (facts) => {
      if (facts.url !== cache.url) await giveToken(config, folders.netrc, facts.url);
      cache = facts;
    },
    onReady: () => announceReady(logger, { name: config.name, gpus: machine.gpus().length }),
  });
  await runLoops(config, folders, logger, announce, stopped);
  await workers.stop();
  await Promise.race([
    server.leave(config.name, incarnation),
    new Promise((resolve) => setTimeout(resolve, LEAVE_MS)),
  ]);
  await connection.close();
});

interface Folders {
  readonly units: string;
  readonly roots: string;
  readonly evaluations: string;
  /** A file. */
  readonly netrc: string;
}

async function makeFolders(stateDir: string): Promise<Folders> {
  const folders = {
    units: join(stateDir, 'units'),
    roots: join(stateDir, 'roots'),
    evaluations: join(stateDir, 'evaluations'),
  };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  return { ...folders, netrc: join(stateDir, 'netrc') };
}

/** Our token opens the internal view, which has what strangers may not see. */
async function giveToken(config: BuilderConfig, file: string, url: string): Promise<void> {
  const inherited = join(config.nixEnvironment['NIX_CONF_DIR'] ?? '/etc/nix', 'netrc');
  await writeNetrc({ file, urls: [url], token: config.token, inherited });
}

/** Nix with our cache first; which one that is, and its key, may change while we run. */
function createNix(config: BuilderConfig, netrcFile: string, cache: () => Announced['cache']): NixCli {
  return createNixCli({
    settings: () => ({
      substituters: [cache().url, ...config.upstreams],
      trustedPublicKeys: [cache().publicKey, ...config.trustedPublicKeys].filter((key) => key !== ''),
      netrcFile,
    }),
    prefix: standInPrefix(config.standInFolder),
    environment: config.nixEnvironment,
  });
}

interface Tools {
  readonly config: BuilderConfig;
  readonly logger: Logger;
  readonly folders: Folders;
  readonly machine: Machine;
  readonly server: ServerClient;
  readonly nix: NixCli;
  readonly store: StoreQueries;
  readonly cacheUrl: () => string;
}

function createActivities({ config, logger, folders, machine, server, nix, store, cacheUrl }: Tools) {
  const knownValid = createBoundedSet<string>(KNOWN_PATHS);
  return {
    ...createBuilderActivities({
      nix,
      store,
      server,
      builder: config.name,
      unitsFolder: folders.units,
      rootsFolder: folders.roots,
      coresPerBuild: config.coresPerBuild,
      slots: createSlots(Math.max(1, config.slots)),
      beatMs: Math.min(2_000, (config.heartbeatSeconds * 1_000) / 4),
      knownValid,
      knownToServer: createBoundedSet<string>(KNOWN_PATHS),
      cacheUrl,
      leaseGpu: createGpuLease({
        gpus: () => machine.gpus(),
        lockFile: (uuid) => join(config.stateDir, `gpu-${uuid}.lock`),
      }),
      hostFacts: async () => ({ name: config.name, freeBytes: await machine.freeBytes() }),
    }),
    ...createEvaluateActivities({
      nix,
      store,
      knownValid,
      server,
      stateFolder: folders.evaluations,
      system: config.system,
      onWarning: (message) => logger.warn(message),
    }),
  };
}

/** What a builder does by itself until it is stopped. */
async function runLoops(
  config: BuilderConfig,
  folders: Folders,
  logger: Logger,
  announce: () => Promise<void>,
  stopped: Promise<void>,
): Promise<void> {
  await using _announcing = createLoop({
    everySeconds: config.announceSeconds,
    run: announce,
    onError: (error) => logger.error(`announcing: ${describeError(error)}`),
  });
  await using _cleaning = createLoop({
    everySeconds: CLEAN_UP_SECONDS,
    run: async () => void (await cleanUp(folders, Date.now())),
    onError: (error) => logger.error(`cleaning up: ${describeError(error)}`),
  });
  await stopped;
}
