/** What a builder tells the server of itself, again and again, and what follows from the answer. */

import type { Logger } from 'pino';
import type { ServerClient } from '../activities/adapters/server-client.ts';
import type { Announced } from '../domain/api/builder.ts';
import type { BuilderWorkers } from './builder-workers.ts';
import type { BuilderConfig } from './config.ts';
import type { Machine } from './machine.ts';
import { WORKER_VERSION } from './version.ts';

export interface AnnouncerDeps {
  readonly config: BuilderConfig;
  readonly server: Pick<ServerClient, 'announce'>;
  readonly machine: Machine;
  readonly workers: BuilderWorkers;
  /** This start of the process: another one of the same name is another machine, or this one again. */
  readonly incarnation: string;
  readonly nixVersion: string;
  readonly logger: Logger;
  /** What Nix on this machine should substitute from and trust. */
  readonly onCache: (cache: Announced['cache']) => Promise<void>;
  /** Called once, when the Workers listen for the first time. */
  readonly onReady: () => void;
}

/** Returns the function that announces once: looks at the machine, tells the server, and starts or stops Workers. */
export function createAnnouncer(deps: AnnouncerDeps): () => Promise<void> {
  const { config, server, machine, workers, logger } = deps;
  let state: 'active' | 'drained' = 'active';
  let reason: string | null = null;
  let ready = false;

  return async () => {
    const { freeBytes, problem } = await machine.look();
    const answer = await server.announce({
      name: config.name,
      incarnation: deps.incarnation,
      state: problem === undefined ? state : 'drained',
      reason: problem ?? reason,
      systems: [...config.systems],
      features: [...config.features],
      pools: [...workers.pools],
      slots: config.gpusOnly ? 0 : config.slots,
      nixVersion: deps.nixVersion,
      workerVersion: WORKER_VERSION,
      storeDir: '/nix/store',
      freeBytes,
      gpus: [...machine.gpus()],
    });
    await deps.onCache(answer.cache);
    const takesWork = problem === undefined && answer.wanted === 'active';
    const next = takesWork ? 'active' : 'drained';
    const why = problem ?? 'drained by a person';
    if (next !== state || !ready)
      logger.info(
        { state: next, ...(problem === undefined ? {} : { reason: problem }) },
        takesWork ? 'takes work' : `takes no work: ${why}`,
      );
    await workers.follow({ well: problem === undefined, takesWork, gpus: machine.gpus() });
    state = next;
    reason = takesWork ? null : why;
    if (!ready) deps.onReady();
    ready = true;
  };
}
