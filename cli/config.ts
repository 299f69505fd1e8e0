/** Settings of the `nixwarp` command and of `up`. */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  booleanSetting,
  databaseUrlSetting,
  type Environment,
  integerSetting,
  listSetting,
  optionalSetting,
  parseEnvironment,
  type Setting,
  textSetting,
  urlSetting,
} from '../domain/environment.ts';
import {
  type ListenAddress,
  listenSetting,
  localUrl,
  openNetworkProblem,
  type PublicView,
  publicViewSetting,
} from '../domain/listen.ts';

export const PROJECT_FOLDER = fileURLToPath(new URL('../', import.meta.url));
/** What set-up takes and can take away again: tools, wheels. */
export const CACHE_FOLDER = join(PROJECT_FOLDER, '.cache');

export interface CliConfig {
  /** Database, Temporal's file, cache, logs, keys. */
  readonly stateDir: string;
  readonly listen: ListenAddress;
  /** The server to talk to; by default the one that `NIXWARP_LISTEN` names. */
  readonly url: string;
  readonly token: string | undefined;
  /** Given: used, and none is started. */
  readonly databaseUrl: string | undefined;
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string | undefined;
  /** Ports of what `up` starts; `undefined`: the usual one, or a free one where that is taken. */
  readonly postgresPort: number | undefined;
  readonly temporalPort: number | undefined;
  readonly temporalUiPort: number | undefined;
  readonly upstreams: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  readonly buildSlots: number | undefined;
  /** What strangers see of the cache; `undefined`: `up` decides by where it listens. */
  readonly publicView: PublicView | undefined;
  readonly environment: Environment;
}

function optionalInteger(name: string, minimum: number, maximum: number): Setting<number | undefined> {
  return { ...integerSetting(name, minimum, minimum, maximum), fallback: undefined };
}

const optionalPort = (name: string) => optionalInteger(name, 1, 65_535);

/** @throws ConfigurationError with every problem. */
export function parseCliConfig(environment: Environment = process.env): CliConfig {
  const values = parseEnvironment(
    environment,
    {
      stateDir: textSetting('NIXWARP_STATE_DIR', join(PROJECT_FOLDER, '.nixwarp')),
      listen: listenSetting('NIXWARP_LISTEN'),
      trustedNetwork: booleanSetting('NIXWARP_TRUSTED_NETWORK', false),
      publicView: { ...publicViewSetting, fallback: undefined },
      url: urlSetting('NIXWARP_URL', undefined, ['http:', 'https:']),
      token: optionalSetting('NIXWARP_TOKEN', true),
      databaseUrl: { ...databaseUrlSetting('DATABASE_URL'), fallback: undefined },
      temporalAddress: optionalSetting('TEMPORAL_ADDRESS'),
      temporalNamespace: optionalSetting('TEMPORAL_NAMESPACE'),
      postgresPort: optionalPort('NIXWARP_POSTGRES_PORT'),
      temporalPort: optionalPort('NIXWARP_TEMPORAL_PORT'),
      temporalUiPort: optionalPort('NIXWARP_TEMPORAL_UI_PORT'),
      upstreams: listSetting('NIXWARP_UPSTREAMS', ['https://cache.nixos.org']),
      trustedPublicKeys: listSetting('NIXWARP_TRUSTED_PUBLIC_KEYS', [
        'cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=',
      ]),
      buildSlots: optionalInteger('NIXWARP_BUILD_SLOTS', 0, 1_024),
    },
    (path) => readFileSync(path, 'utf8'),
    openNetworkProblem,
  );
  return {
    ...values,
    stateDir: resolve(values.stateDir),
    url: values.url ?? localUrl(values.listen),
    environment,
  };
}

/** Where Nix keeps what belongs to a store folder. */
export interface NixFolders {
  readonly database: string;
  /** Holds `drvs`. */
  readonly logs: string;
}

/** As Nix finds them: by its own variables, else beside the store folder (`/nix/store` has `/nix/var`). */
export function nixFolders(storeDir: string, environment: Environment = process.env): NixFolders {
  const beside = join(dirname(storeDir), 'var');
  const state = environment['NIX_STATE_DIR'] || join(beside, 'nix');
  return {
    database: join(state, 'db', 'db.sqlite'),
    logs: environment['NIX_LOG_DIR'] || join(beside, 'log', 'nix'),
  };
}
