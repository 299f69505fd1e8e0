/** Settings of the worker processes. */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
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
import { BUILDER_NAME_PATTERN } from '../domain/api/builder.ts';
import { ParseError } from '../domain/parse-error.ts';
import type { Timing } from '../domain/ci/workflow-messages.ts';

const readSecret = (path: string): string => readFileSync(path, 'utf8');

/** Every worker reaches Temporal and the server. */
const common = {
  temporalAddress: textSetting('TEMPORAL_ADDRESS', '127.0.0.1:7233'),
  namespace: textSetting('TEMPORAL_NAMESPACE', 'nixwarp'),
  serverUrl: urlSetting('NIXWARP_URL', 'http://127.0.0.1:8484', ['http:', 'https:']),
};

const timing = {
  // A builder that is silent for so long is given up; its build is found again when it comes back.
  heartbeatSeconds: integerSetting('NIXWARP_HEARTBEAT_SECONDS', 30, 1, 3_600),
  resumeSeconds: integerSetting('NIXWARP_RESUME_SECONDS', 120, 1, 86_400),
  pollSeconds: integerSetting('NIXWARP_POLL_SECONDS', 30, 1, 86_400),
  retryDelayPercent: integerSetting('NIXWARP_RETRY_DELAY_PERCENT', 100, 0, 100_000),
};

export interface CoordinatorConfig {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly serverUrl: string;
  readonly databaseUrl: string;
  readonly token: string;
  readonly upstreams: readonly string[];
  readonly system: string;
  readonly reconcileSeconds: number;
  readonly timing: Timing;
}

/** @throws ConfigurationError with every problem. */
export function parseCoordinatorConfig(environment: Environment = process.env): CoordinatorConfig {
  const values = parseEnvironment(
    environment,
    {
      ...common,
      ...timing,
      databaseUrl: databaseUrlSetting('DATABASE_URL'),
      token: secretSetting('NIXWARP_BUILDER_TOKEN'),
      upstreams: listSetting('NIXWARP_UPSTREAMS', []),
      system: textSetting('NIXWARP_SYSTEM', currentSystem()),
      reconcileSeconds: integerSetting('NIXWARP_RECONCILE_SECONDS', 10, 1, 3_600),
    },
    readSecret,
  );
  return { ...values, serverUrl: values.serverUrl ?? '', timing: timingOf(values) };
}

export interface BuilderConfig {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly serverUrl: string;
  readonly token: string;
  readonly name: string;
  readonly stateDir: string;
  readonly system: string;
  readonly systems: readonly string[];
  readonly features: readonly string[];
  readonly slots: number;
  readonly coresPerBuild: number;
  readonly evaluationSlots: number;
  /** Below this the builder takes no work. */
  readonly minFreeBytes: number;
  readonly announceSeconds: number;
  readonly heartbeatSeconds: number;
  /** Upstream caches that Nix may substitute from, with the keys that it trusts. */
  readonly upstreams: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  readonly nvidiaSmi: string | undefined;
  /** Commands go through this prefix, as `unshare --mount …`; for stand-in GPUs. */
  readonly standInFolder: string | undefined;
  readonly gpusOnly: boolean;
  /** What Nix needs of our environment, and nothing else: no token, no database. */
  readonly nixEnvironment: Readonly<Record<string, string>>;
}

const GIB = 1024 ** 3;

/** @throws ConfigurationError with every problem. */
export function parseBuilderConfig(environment: Environment = process.env): BuilderConfig {
  const cpus = availableParallelism();
  const system = currentSystem();
  const values = parseEnvironment(
    environment,
    {
      ...common,
      token: secretSetting('NIXWARP_BUILDER_TOKEN'),
      name: builderNameSetting('NIXWARP_BUILDER_NAME', hostname().toLowerCase()),
      stateDir: textSetting('NIXWARP_STATE_DIR'),
      system: textSetting('NIXWARP_SYSTEM', system),
      systems: listSetting('NIXWARP_SYSTEMS', [system]),
      features: listSetting('NIXWARP_FEATURES', probedFeatures()),
      slots: integerSetting('NIXWARP_BUILD_SLOTS', cpus, 0, 1_024),
      coresPerBuild: integerSetting('NIXWARP_CORES_PER_BUILD', 0, 0, 4_096),
      evaluationSlots: integerSetting('NIXWARP_EVALUATION_SLOTS', 1, 0, 64),
      minFreeBytes: integerSetting('NIXWARP_MIN_FREE_BYTES', 2 * GIB, 0),
      announceSeconds: integerSetting('NIXWARP_ANNOUNCE_SECONDS', 5, 1, 60),
      heartbeatSeconds: timing.heartbeatSeconds,
      upstreams: listSetting('NIXWARP_UPSTREAMS', []),
      trustedPublicKeys: listSetting('NIXWARP_TRUSTED_PUBLIC_KEYS', []),
      nvidiaSmi: optionalSetting('NIXWARP_NVIDIA_SMI'),
      standInFolder: optionalSetting('NIXWARP_STAND_IN_FOLDER'),
      gpusOnly: booleanSetting('NIXWARP_GPUS_ONLY', false),
    },
    readSecret,
  );
  // Cores are shared out as Hydra's users do it: host cores by slots.
  const coresPerBuild = values.coresPerBuild || Math.max(1, Math.floor(cpus / Math.max(1, values.slots)));
  return {
    ...values,
    serverUrl: values.serverUrl ?? '',
    coresPerBuild,
    stateDir: join(values.stateDir, 'builder', values.name),
    nixEnvironment: nixEnvironmentOf(environment),
  };
}

const NIX_VARIABLES = [
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

function nixEnvironmentOf(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    NIX_VARIABLES.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** It stands in task queues, URLs and paths; the server takes no other. */
function builderNameSetting(name: string, fallback: string): Setting<string> {
  const parse = (text: string): string => {
    if (!new RegExp(BUILDER_NAME_PATTERN).test(text))
      throw new ParseError(
        name,
        text,
        'a name of letters, digits, ".", "_" and "-", at most 63 characters long',
      );
    return text;
  };
  return { name, parse, fallback };
}

function timingOf(values: {
  heartbeatSeconds: number;
  resumeSeconds: number;
  pollSeconds: number;
  retryDelayPercent: number;
}): Timing {
  const { heartbeatSeconds, resumeSeconds, pollSeconds, retryDelayPercent } = values;
  return { heartbeatSeconds, resumeSeconds, pollSeconds, retryDelayFactor: retryDelayPercent / 100 };
}

/** Nix's usual features, with those of virtualisation where the machine has it. */
function probedFeatures(): string[] {
  const kvm = existsSync('/dev/kvm') ? ['kvm', 'nixos-test'] : [];
  return ['benchmark', 'big-parallel', ...kvm];
}

/** Nix's name for this machine. */
export function currentSystem(): string {
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return `${cpu}-${process.platform === 'darwin' ? 'darwin' : 'linux'}`;
}
