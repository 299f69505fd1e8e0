/** Settings of the server. */

import { existsSync, readFileSync } from 'node:fs';
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
import type { CollectSettings } from './cache/collect.ts';
import type { PolicySettings } from '../db/licences.ts';
import type { PublicKey } from '../domain/nix/signature.ts';
import type { PullPolicy } from './cache/upstream/policy.ts';
import { type S3Settings, s3Of, s3Problem, s3Settings } from './cache/storage/settings.ts';
import { stagingKeyProblem } from './cache/staging-key.ts';
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
import { ParseError } from '../domain/parse-error.ts';
import { parseSecretKeys } from '../domain/nix/signature.ts';

export interface ServerConfig {
  readonly stateDir: string;
  readonly listen: ListenAddress;
  /** How clients reach this server; in snippets, links and what builders substitute from. */
  readonly publicUrl: string;
  readonly databaseUrl: string;
  readonly adminToken: string;
  readonly builderToken: string;
  /** `<name>:<base64>`, as `nix key generate-secret` makes it; several with white space between, the primary one first. */
  readonly secretKey: string;
  /** Of staging views; `undefined`: the one in the state folder. */
  readonly stagingSecretKey: string | undefined;
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
  readonly collect: CollectSettings;
  /** Seconds between collections; 0: only by command. */
  readonly collectEverySeconds: number;
  /** What is done with what only upstreams have. */
  readonly pullPolicy: PullPolicy;
  /** Caches in the order in which they are asked. */
  readonly upstreams: readonly string[];
  /** Of upstreams, and of whom signatures are kept. */
  readonly trustedKeys: readonly PublicKey[];
  /** Of a NAR as an upstream stores it. */
  readonly pullMaxBytes: number;
  /** The bucket that keeps the cache's files; `undefined`: the state folder. */
  readonly s3: S3Settings | undefined;
}

const DAY = 86_400;

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
      stagingSecretKey: { ...secretKeySetting('NIXWARP_STAGING_SECRET_KEY'), fallback: undefined },
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
      graceSeconds: integerSetting('NIXWARP_CACHE_GRACE_SECONDS', 7 * DAY, 0),
      narDelaySeconds: integerSetting('NIXWARP_CACHE_NAR_DELAY_SECONDS', 30 * DAY, 0),
      quotaBytes: { ...integerSetting('NIXWARP_CACHE_QUOTA_BYTES', 0, 1), fallback: undefined },
      collectEverySeconds: integerSetting('NIXWARP_CACHE_GC_SECONDS', DAY, 0),
      redistributable: booleanSetting('NIXWARP_PUBLIC_REDISTRIBUTABLE', true),
      ...pullThroughSettings,
      ...s3Settings,
    },
    readSecretFiles,
    (together) => [
      openNetworkProblem(together),
      pullThroughProblem(together),
      s3Problem(together),
      stagingKeyProblem(together),
    ],
  );
  const {
    graceSeconds,
    narDelaySeconds,
    quotaBytes,
    licences,
    packages,
    publicUpstreams: upstreams,
    redistributable,
    cacheMemoryMebibytes,
    s3Bucket: _bucket,
    s3Endpoint: _endpoint,
    s3Region: _region,
    s3Prefix: _prefix,
    s3Serve: _serve,
    s3AccessKeyId: _accessKeyId,
    s3SecretAccessKey: _secretAccessKey,
    ...rest
  } = values;
  return {
    ...rest,
    publicUrl: values.publicUrl ?? localUrl(values.listen),
    cacheMemoryBytes: cacheMemoryMebibytes * 1024 ** 2,
    collect: { graceSeconds, narDelaySeconds, quotaBytes },
    policy: { licences: licences.map(licenceName), packages, upstreams, redistributable },
    s3: s3Of(values),
  };
}

/** Several files may be named, with spaces between them. */
function readSecretFiles(path: string): string {
  const files = existsSync(path) ? [path] : path.split(/\s+/).filter((file) => file !== '');
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

/** What cannot sign is told with the other problems, not by the first ingest. */
function secretKeySetting(name: string): Setting<string> {
  const parse = (text: string): string => {
    try {
      parseSecretKeys(text);
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
