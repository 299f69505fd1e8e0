/** Everything on one machine: Postgres, Temporal, server, coordinator and builders, supervised as one. */

import { hostname } from 'node:os';
import { join } from 'node:path';
import { formatListenAddress, isLoopback, localUrl, type PublicView } from '../../domain/listen.ts';
import { type CliConfig, PROJECT_FOLDER } from '../config.ts';
import type { ChildSpec } from './child.ts';
import { killUnits } from './kill-units.ts';
import { stopLeftovers } from './leftovers.ts';
import { lockInstance } from './lock.ts';
import { requirePort } from './ports.ts';
import { namespaceOf, type Services, startServices } from './services.ts';
import { type InstanceState, openState } from './state.ts';
import { createSupervisor } from './supervisor.ts';

export interface ExtraBuilder {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface StackOptions {
  readonly config: CliConfig;
  /** The `temporal` command. */
  readonly temporalCli: string;
  readonly extraBuilders?: readonly ExtraBuilder[];
  /** What happens, for a person to read. */
  readonly say: (message: string) => void;
}

export interface Stack extends AsyncDisposable {
  readonly url: string;
  /** `undefined` where Temporal is not ours. */
  readonly temporalUiUrl: string | undefined;
  readonly state: InstanceState;
  /** Rejects when a child cannot run as it is configured. */
  readonly hopeless: Promise<never>;
}

/** Starts everything, and returns when all of it is ready. Where a part cannot be started, what was started is stopped. */
export async function startStack({
  config,
  temporalCli,
  extraBuilders = [],
  say,
}: StackOptions): Promise<Stack> {
  const state = await openState(config.stateDir);
  const url = localUrl(config.listen);
  const unlock = await lockInstance(state.folders.run, url);
  const supervisor = createSupervisor(state.folders.run, say);
  const stop = async (): Promise<void> => {
    await supervisor[Symbol.asyncDispose]();
    await killUnits(state.folder);
    await unlock();
  };
  try {
    const left = await stopLeftovers(state.folders.run);
    if (left.length > 0) say(`stopped what an earlier run left behind: ${left.join(', ')}`);
    await requirePort('the server', config.listen.host, config.listen.port, 'NIXWARP_LISTEN');
    const services = await startServices({ config, temporalCli, state, supervisor, say });
    const environment = processEnvironment(config, state, services);
    await supervisor.start(ourChild(state, 'server', 'server/main.ts', environment));
    const builders = [{ name: hostname().toLowerCase(), environment: {} }, ...extraBuilders];
    await Promise.all([
      supervisor.start(ourChild(state, 'coordinator', 'workers/coordinator.ts', environment)),
      ...builders.map((builder, index) =>
        supervisor.start(
          ourChild(state, index === 0 ? 'builder' : `builder-${builder.name}`, 'workers/builder.ts', {
            NIXWARP_BUILDER_NAME: builder.name,
            ...environment,
            ...(index === 0 ? {} : { NIXWARP_BUILDER_NAME: builder.name }),
            ...builder.environment,
          }),
        ),
      ),
    ]);
    return {
      url,
      temporalUiUrl: services.temporalUiUrl,
      state,
      hopeless: supervisor.hopeless,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ourChild(
  state: InstanceState,
  name: string,
  entry: string,
  environment: Readonly<Record<string, string | undefined>>,
): ChildSpec {
  return {
    name,
    argv: [process.execPath, join(PROJECT_FOLDER, entry)],
    environment,
    logFile: join(state.folders.run, `${name}.log`),
    ipc: true,
    stopSignal: 'SIGTERM',
    stopMs: 40_000,
  };
}

/** On one's own machine nobody else reads: everything is shown, unless something says that others are to come. */
function publicViewOf({ publicView, listen, environment }: CliConfig): PublicView {
  if (publicView !== undefined) return publicView;
  return isLoopback(listen.host) && !environment['NIXWARP_PUBLIC_URL'] ? 'everything' : 'policy';
}

function processEnvironment(
  config: CliConfig,
  state: InstanceState,
  services: Services,
): Record<string, string | undefined> {
  const url = localUrl(config.listen);
  return {
    ...config.environment,
    // A file and a value for the same secret would be refused.
    DATABASE_URL_FILE: undefined,
    DATABASE_URL: services.databaseUrl,
    TEMPORAL_ADDRESS: services.temporalAddress,
    TEMPORAL_NAMESPACE: namespaceOf(config, state),
    NIXWARP_STATE_DIR: state.folder,
    NIXWARP_LISTEN: formatListenAddress(config.listen),
    NIXWARP_PUBLIC_VIEW: publicViewOf(config),
    NIXWARP_URL: url,
    NIXWARP_TEMPORAL_UI_URL: services.temporalUiUrl,
    NIXWARP_CACHE_SECRET_KEY_FILE: state.keys.cacheSecretKeyFile,
    NIXWARP_ADMIN_TOKEN_FILE: state.keys.adminTokenFile,
    NIXWARP_BUILDER_TOKEN_FILE: state.keys.builderTokenFile,
    NIXWARP_UPSTREAMS: config.upstreams.join(' '),
    NIXWARP_TRUSTED_PUBLIC_KEYS: config.trustedPublicKeys.join(' '),
    NODE_OPTIONS: undefined,
  };
}
