/** A builder: announces its machine, realises steps, runs GPU checks and evaluates. */

import { randomUUID } from 'node:crypto';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { createNixCli } from '../activities/adapters/nix-cli.ts';
import { type GpuProbe, probeGpus } from '../activities/adapters/nvidia-smi.ts';
import { createServerClient } from '../activities/adapters/server-client.ts';
import { createStoreQueries } from '../activities/adapters/store-queries.ts';
import { createBoundedSet } from '../activities/bounded-set.ts';
import { cleanUp } from '../activities/clean-up.ts';
import { createEvaluateActivities } from '../activities/evaluate.ts';
import { createGpuLease } from '../activities/gpu-lease.ts';
import { createBuilderActivities } from '../activities/realise.ts';
import { createSlots } from '../activities/slots.ts';
import type { Announce, Announced, GpuAnnouncement } from '../domain/api/builder.ts';
import { builderPools, builderQueue, evaluationQueue } from '../domain/ci/pool.ts';
import { createLogger, describeError } from '../runtime/logger.ts';
import { createLoop } from '../runtime/loop.ts';
import { announceReady, runProcess, untilReachable } from '../runtime/process.ts';
import { type BuilderConfig, parseBuilderConfig } from './config.ts';
import { createPoolWorker, type PoolWorker } from './pool-worker.ts';
import { standInPrefix } from './stand-in.ts';
import { connectWorkers, installTemporalRuntime } from './temporal.ts';
import { WORKER_VERSION } from './version.ts';

/** Resumed attempts and new ones share the machine; resuming must not wait behind them. */
const RESUME_SLOTS = 64;
/** Paths remembered to save asking for them: some 20 MB. */
const KNOWN_PATHS = 100_000;
const CLEAN_UP_SECONDS = 600;

await runProcess('builder', async (stopped) => {
  const config = parseBuilderConfig();
  const logger = createLogger(`builder ${config.name}`);
  installTemporalRuntime(logger);
  const folders = {
    units: join(config.stateDir, 'units'),
    roots: join(config.stateDir, 'roots'),
    evaluations: join(config.stateDir, 'evaluations'),
  };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });

  const server = createServerClient({
    url: config.serverUrl,
    token: config.token,
    onWaiting: (message) => logger.warn(message),
  });
  let cache: Announced['cache'] = { url: config.serverUrl, publicKey: '' };
  const nix = createNixCli({
    settings: () => ({
      substituters: [cache.url, ...config.upstreams],
      trustedPublicKeys: [cache.publicKey, ...config.trustedPublicKeys].filter((key) => key !== ''),
    }),
    prefix: standInPrefix(config.standInFolder),
    environment: nixEnvironment(),
  });
  await using store = createStoreQueries({ prefix: [], environment: nix.environment });
  const knownValid = createBoundedSet<string>(KNOWN_PATHS);
  const nixVersion = await nix.version();
  const incarnation = randomUUID();
  let probe: GpuProbe = { kind: 'absent' };
  const gpus = (): readonly GpuAnnouncement[] => (probe.kind === 'found' ? probe.gpus : []);

  const activities = {
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
      cacheUrl: () => cache.url,
      leaseGpu: createGpuLease({ gpus, lockFile: (uuid) => join(config.stateDir, `gpu-${uuid}.lock`) }),
      hostFacts: async () => ({ name: config.name, freeBytes: await freeBytesOf(config.stateDir) }),
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

  const connection = await untilReachable('Temporal', logger, () =>
    connectWorkers({ address: config.temporalAddress, namespace: config.namespace }),
  );
  const workerFor = (taskQueue: string, slots: number): PoolWorker =>
    createPoolWorker({
      connection,
      namespace: config.namespace,
      taskQueue,
      slots,
      identity: `${config.name}/${taskQueue}/${process.pid}`,
      activities,
      onFailure: (error) => logger.error(`the worker on ${taskQueue} ended: ${describeError(error)}`),
    });
  const pools = config.gpusOnly ? [] : builderPools(config.systems, config.features);
  // Steps already taken are finished on this queue even while the builder takes no new ones.
  const own = [workerFor(builderQueue(config.name), RESUME_SLOTS)];
  const builds = pools.map((pool) => workerFor(pool, config.slots));
  // A drained machine may still evaluate: that is how people see what it would build. A sick one may not.
  const evaluations = config.gpusOnly
    ? []
    : [workerFor(evaluationQueue(config.system), config.evaluationSlots)];
  const gpuWorkers = new Map<string, PoolWorker & { slots: number }>();

  /** One Worker an architecture, a slot a GPU; a GPU that vanished or came changes the Workers. */
  async function matchGpuWorkers(active: boolean): Promise<void> {
    const counts = new Map(
      [...Map.groupBy(gpus(), (gpu) => gpu.architecture)].map(([name, list]) => [name, list.length]),
    );
    for (const [architecture, worker] of gpuWorkers)
      if (!active || counts.get(architecture) !== worker.slots) {
        await worker.stop();
        gpuWorkers.delete(architecture);
      }
    for (const [architecture, slots] of active ? counts : [])
      if (!gpuWorkers.has(architecture)) {
        const worker = workerFor(`gpu.${architecture}`, slots);
        gpuWorkers.set(architecture, { ...worker, slots });
        await worker.start();
      }
  }

  let state: 'active' | 'drained' = 'active';
  let reason: string | null = null;
  let announced = false;

  async function announce(): Promise<void> {
    probe = await probeGpus(config.nvidiaSmi ?? 'nvidia-smi');
    const freeBytes = await freeBytesOf(config.stateDir);
    const sick = healthProblem(config, freeBytes, probe);
    const message: Announce = {
      name: config.name,
      incarnation,
      state: sick === undefined ? state : 'drained',
      reason: sick ?? reason,
      systems: [...config.systems],
      features: [...config.features],
      pools,
      slots: config.gpusOnly ? 0 : config.slots,
      nixVersion,
      workerVersion: WORKER_VERSION,
      storeDir: '/nix/store',
      freeBytes,
      gpus: [...gpus()],
    };
    const answer = await server.announce(message);
    cache = answer.cache;
    const next = sick === undefined && answer.wanted === 'active' ? 'active' : 'drained';
    if (next !== state || !announced) {
      logger.info(
        { state: next, ...(sick === undefined ? {} : { reason: sick }) },
        next === 'active' ? 'takes work' : `takes no work: ${sick ?? 'drained by a person'}`,
      );
      for (const worker of builds) await (next === 'active' ? worker.start() : worker.stop());
    }
    for (const worker of evaluations) await (sick === undefined ? worker.start() : worker.stop());
    state = next;
    reason = next === 'active' ? null : (sick ?? 'drained by a person');
    await matchGpuWorkers(next === 'active');
    if (!announced) announceReady(logger, { name: config.name, gpus: gpus().length });
    announced = true;
  }

  // The coordinator makes the namespace when it is first.
  for (const worker of own) await untilReachable('the namespace in Temporal', logger, () => worker.start());
  {
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
  await Promise.all(
    [...own, ...builds, ...evaluations, ...gpuWorkers.values()].map((worker) => worker.stop()),
  );
  await Promise.race([
    server.leave(config.name, incarnation),
    new Promise((resolve) => setTimeout(resolve, 1_000)),
  ]);
  await connection.close();
});

/** Why this machine should take no work; `undefined` when it is well. */
function healthProblem(
  { minFreeBytes }: BuilderConfig,
  freeBytes: number,
  probe: GpuProbe,
): string | undefined {
  if (freeBytes < minFreeBytes)
    return `only ${freeBytes} bytes are free, the limit is ${minFreeBytes} (NIXWARP_MIN_FREE_BYTES)`;
  if (probe.kind === 'failed') return `the GPU driver does not answer: ${probe.message}`;
  return undefined;
}

/** The less of the store's and our own file system. */
async function freeBytesOf(stateDir: string): Promise<number> {
  const folders = [stateDir, '/nix/store'];
  const sizes = await Promise.all(
    folders.map((folder) =>
      statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => Number.MAX_SAFE_INTEGER,
      ),
    ),
  );
  return Math.min(...sizes);
}

/** What Nix needs of our environment, and nothing else: no token, no database. */
function nixEnvironment(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'TMPDIR',
    'NIX_REMOTE',
    'NIX_CONFIG',
    'NIX_SSL_CERT_FILE',
    'XDG_CACHE_HOME',
    'SSL_CERT_FILE',
  ];
  return Object.fromEntries(
    // eslint-disable-next-line node/no-process-env -- passed on, not read
    names
      .map((name) => [name, process.env[name]])
      .filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}
