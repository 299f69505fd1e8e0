/** Settings of the server. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  booleanSetting,
  databaseUrlSetting,
  type Environment,
  integerSetting,
  listSetting,
  optionalSetting,
  parseEnvironment,
  secretSetting,
  type Setting,
  textSetting,
  urlSetting,
} from '../domain/environment.ts';
import type { PolicySettings } from '../db/licences.ts';
import type { PublicKey } from '../domain/nix/signature.ts';
import type { PullPolicy } from './cache/upstream/policy.ts';
import { pullThroughProblem, pullThroughSettings } from './cache/upstream/settings.ts';
import { licenceName } from '../domain/ci/licence.ts';
import {
  type ListenAddress,
  listenSetting,
  localUrl,
  openNetworkProblem,
  type PublicView,
  publicViewSetting,
} from '../domain/listen.ts';
import { parseSecretKey } from '../domain/nix/signature.ts';
import { ParseError } from '../domain/parse-error.ts';

export interface ServerConfig {
  readonly stateDir: string;
  readonly listen: ListenAddress;
  /** How clients reach this server; in snippets, links and what builders substitute from. */
  readonly publicUrl: string;
  readonly databaseUrl: string;
  readonly adminToken: string;
  readonly builderToken: string;
  /** `<name>:<base64>`, as `nix key generate-secret` makes it. */
  readonly secretKey: string;
  readonly storeDir: string;
  /** In nix-cache-info: lower goes first; cache.nixos.org has 40. */
  readonly cachePriority: number;
  /** Of narinfos and small NARs that are kept in memory, for each view. */
  readonly cacheMemoryBytes: number;
  /** NARs that are sent at a time. */
  readonly transfers: number;
  /** More are refused by the system's means, unanswered. */
  readonly maxConnections: number;
  /** Location of nginx, as `/nixwarp-files/`, where it finds the cache's folder; `undefined`: this process sends files. */
  readonly accelRedirect: string | undefined;
  /** Processes that listen on one port. */
  readonly processes: number;
  readonly temporalUiUrl: string | undefined;
  /** Whether strangers see what the policy shows, or everything. */
  readonly publicView: PublicView;
  readonly policy: PolicySettings;
  /** What is done with what only upstreams have. */
  readonly pullPolicy: PullPolicy;
  /** Caches in the order in which they are asked. */
  readonly upstreams: readonly string[];
  /** Of upstreams, and of whom signatures are kept. */
  readonly trustedKeys: readonly PublicKey[];
  /** Of a NAR as an upstream stores it. */
  readonly pullMaxBytes: number;
}

/** @throws ConfigurationError with every problem. */
export function parseServerConfig(environment: Environment = process.env): ServerConfig {
  const values = parseEnvironment(
    environment,
    {
      stateDir: textSetting('NIXWARP_STATE_DIR'),
      listen: listenSetting('NIXWARP_LISTEN'),
      trustedNetwork: booleanSetting('NIXWARP_TRUSTED_NETWORK', false),
      publicUrl: urlSetting('NIXWARP_PUBLIC_URL', undefined, ['http:', 'https:']),
      databaseUrl: databaseUrlSetting('DATABASE_URL'),
      adminToken: secretSetting('NIXWARP_ADMIN_TOKEN'),
      builderToken: secretSetting('NIXWARP_BUILDER_TOKEN'),
      secretKey: secretKeySetting('NIXWARP_CACHE_SECRET_KEY'),
      storeDir: textSetting('NIXWARP_STORE_DIR', '/nix/store'),
      cachePriority: integerSetting('NIXWARP_CACHE_PRIORITY', 50, 0, 1_000),
      cacheMemoryMebibytes: integerSetting('NIXWARP_CACHE_MEMORY_MIB', 256, 1, 65_536),
      // 512 KiB of memory each.
      transfers: integerSetting('NIXWARP_CACHE_TRANSFERS', 256, 1, 65_536),
      maxConnections: integerSetting('NIXWARP_MAX_CONNECTIONS', 10_000, 1, 1_000_000),
      accelRedirect: accelRedirectSetting('NIXWARP_ACCEL_REDIRECT'),
      processes: integerSetting('NIXWARP_SERVER_PROCESSES', 1, 1, 256),
      temporalUiUrl: optionalSetting('NIXWARP_TEMPORAL_UI_URL'),
      publicView: publicViewSetting,
      licences: listSetting('NIXWARP_PUBLIC_LICENSES', []),
      packages: listSetting('NIXWARP_PUBLIC_PACKAGES', []),
      // It serves nothing but what may be redistributed: Hydra builds for it with unfree packages refused.
      publicUpstreams: listSetting('NIXWARP_PUBLIC_UPSTREAMS', ['https://cache.nixos.org']),
      redistributable: booleanSetting('NIXWARP_PUBLIC_REDISTRIBUTABLE', true),
      ...pullThroughSettings,
    },
    (path) => readFileSync(path, 'utf8'),
    (together) => [openNetworkProblem(together), pullThroughProblem(together)],
  );
  const {
    licences,
    packages,
    publicUpstreams: upstreams,
    redistributable,
    cacheMemoryMebibytes,
    ...rest
  } = values;
  return {
    ...rest,
    publicUrl: values.publicUrl ?? localUrl(values.listen),
    cacheMemoryBytes: cacheMemoryMebibytes * 1024 ** 2,
    policy: { licences: licences.map(licenceName), packages, upstreams, redistributable },
  };
}

/** What cannot sign is told with the other problems, not by the first ingest. */
function secretKeySetting(name: string): Setting<string> {
  const parse = (text: string): string => {
    try {
      parseSecretKey(text);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    return text;
  };
  return { name, parse, secret: true };
}

function accelRedirectSetting(name: string): Setting<string | undefined> {
  const parse = (text: string): string => {
    if (!/^\/([A-Za-z0-9._-]+\/)+$/.test(text))
      throw new ParseError(name, text, 'a location of nginx with a slash at both ends, as "/nixwarp-files/"');
    return text;
  };
  return { name, parse, fallback: undefined };
}

/** Folders of the state folder that are the server's own. */
export function serverFolders(stateDir: string): { readonly cache: string; readonly logs: string } {
  return { cache: join(stateDir, 'cache'), logs: join(stateDir, 'logs') };
}
