/**
 * The variables that the modules set against those that the processes read: each is the other's, so that neither drifts,
 * and what a process makes of its unit's environment is what the options said.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporalChild } from '../../cli/up/temporal.ts';
import type { InstanceState } from '../../cli/up/state.ts';
import { ConfigurationError, type Environment } from '../../domain/environment.ts';
import { formatPublicKey, formatSecretKey, generateSecretKey } from '../../domain/nix/signature.ts';
import { parseServerConfig, type ServerConfig } from '../../server/config.ts';
import { parseBuilderConfig, parseCoordinatorConfig } from '../../workers/config.ts';
import {
  evaluateComplete,
  evaluateMachine,
  noNix,
  type Service,
  type ServiceName,
  serviceOf,
} from './support/machine.ts';

/** Variables without an option, and why. */
const WITHOUT_OPTION: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>> = {
  'nixwarp-server': { NIXWARP_STORE_DIR: 'NixOS has one store, /nix/store' },
  'nixwarp-builder': { NIXWARP_STAND_IN_FOLDER: 'stand-in GPUs are for the demo and for tests' },
};

const PROCESSES: Readonly<
  Record<Exclude<ServiceName, 'nixwarp-temporal'>, (environment: Environment) => object>
> = {
  'nixwarp-server': parseServerConfig,
  'nixwarp-coordinator': parseCoordinatorConfig,
  'nixwarp-builder': parseBuilderConfig,
};

/** Secrets that systemd would have loaded, by the file that the options name. */
const SECRETS: Readonly<Record<string, string>> = {
  '/var/lib/secrets/builder-token': 'token of builders',
  '/var/lib/secrets/admin-token': 'token of the administrator',
  '/var/lib/secrets/cache-secret-key': formatSecretKey(generateSecretKey('ci.example.org-1')),
  '/var/lib/secrets/old-cache-secret-key': formatSecretKey(generateSecretKey('old.example.org-1')),
  '/var/lib/secrets/staging-secret-key': formatSecretKey(generateSecretKey('staging.example.org-1')),
  '/var/lib/secrets/s3-access-key-id': 'id of the access key',
  '/var/lib/secrets/s3-secret-access-key': 'secret access key',
  '/var/lib/secrets/database-url': 'postgres://nixwarp:secret@db.example.org/nixwarp',
};

const UPSTREAM_KEYS = [
  'one.example.org-1:b25lLW9uZS1vbmUtb25lLW9uZS1vbmUtb25lLW9uZS0=',
  'two.example.org-1:dHdvLXR3by10d28tdHdvLXR3by10d28tdHdvLXR3by0=',
];

describe('settings of the NixOS modules', { skip: noNix }, () => {
  const machine = noNix ? undefined : evaluateComplete();
  const ours = (name: ServiceName): Service => serviceOf(machine!, name);

  for (const [name, parse] of Object.entries(PROCESSES) as [
    keyof typeof PROCESSES,
    (typeof PROCESSES)[keyof typeof PROCESSES],
  ][]) {
    test(`${name} is given no variable that its process does not read`, () => {
      const read = variablesRead(parse);
      const unread = ownVariables(ours(name)).filter((variable) => !read.has(variable));
      assert.deepEqual(unread, []);
    });

    test(`${name} has an option for every variable that its process reads, or a reason for none`, () => {
      const set = new Set(ownVariables(ours(name)));
      const exceptions = WITHOUT_OPTION[name] ?? {};
      const missing = [...variablesRead(parse)].filter(
        (variable) =>
          !set.has(variable) && !set.has(`${variable}_FILE`) && !set.has(variable.replace(/_FILE$/, '')),
      );
      assert.deepEqual(missing.toSorted(), [...Object.keys(exceptions)].toSorted());
    });
  }

  test('the server takes its configuration from them', () => {
    const { trustedKeys, ...config } = configurationOf(
      'nixwarp-server',
      ours('nixwarp-server'),
    ) as ServerConfig;
    assert.deepEqual(trustedKeys.map(formatPublicKey), UPSTREAM_KEYS);
    assert.deepEqual(config, {
      stateDir: '/var/lib/nixwarp',
      listen: { host: '10.84.0.1', port: 9000 },
      trustedNetwork: true,
      publicUrl: 'https://ci.example.org',
      databaseUrl: 'postgres://nixwarp:secret@db.example.org/nixwarp',
      adminToken: 'token of the administrator',
      builderToken: 'token of builders',
      // The primary key first; each file ends its line.
      secretKey: ['cache-secret-key', 'old-cache-secret-key']
        .map((name) => SECRETS[`/var/lib/secrets/${name}`])
        .join('\n\n'),
      stagingSecretKey: SECRETS['/var/lib/secrets/staging-secret-key'],
      storeDir: '/nix/store',
      cachePriority: 30,
      processes: 3,
      cacheMemoryBytes: 512 * 1024 ** 2,
      transfers: 100,
      maxConnections: 5_000,
      accelRedirect: '/nixwarp-files/',
      temporalUiUrl: 'https://temporal.example.org/namespaces/prod?query=a%20b',
      publicView: 'everything',
      policy: {
        licences: ['cuda-eula', 'unfree'],
        packages: ['our-tool'],
        upstreams: ['https://free.example.org'],
        redistributable: false,
      },
      collect: { graceSeconds: 21, narDelaySeconds: 22, quotaBytes: 24 },
      collectEverySeconds: 23,
      pullPolicy: 'store',
      pullMaxBytes: 25,
      upstreams: ['https://one.example.org', 'https://two.example.org'],
      s3: {
        bucket: 'nixwarp-cache',
        endpoint: 'https://s3.example.org',
        region: 'eu-central-1',
        prefix: 'cache/',
        serve: 'stream',
        credentials: { accessKeyId: 'id of the access key', secretAccessKey: 'secret access key' },
      },
    });
  });

  test('options of the server default to what its process does without them', () => {
    const least = evaluateMachine(`[ {
      services.nixwarp = {
        builderTokenFile = "/var/lib/secrets/builder-token";
        upstreams = [ ];
        trustedPublicKeys = [ ];
        database.urlFile = "/var/lib/secrets/database-url";
        server = {
          enable = true;
          adminTokenFile = "/var/lib/secrets/admin-token";
          cacheSecretKeyFile = "/var/lib/secrets/cache-secret-key";
        };
      };
    } ]`);
    const ofModule = configurationOf('nixwarp-server', serviceOf(least, 'nixwarp-server'));
    const ofProcess = parseServerConfig({
      NIXWARP_STATE_DIR: '/var/lib/nixwarp',
      NIXWARP_ADMIN_TOKEN: SECRETS['/var/lib/secrets/admin-token'],
      NIXWARP_BUILDER_TOKEN: SECRETS['/var/lib/secrets/builder-token'],
      NIXWARP_CACHE_SECRET_KEY: SECRETS['/var/lib/secrets/cache-secret-key'],
      DATABASE_URL: SECRETS['/var/lib/secrets/database-url'],
    });
    assert.deepEqual(ofModule, ofProcess);
  });

  test('the coordinator takes its configuration from them', () => {
    const { timing, ...rest } = configurationOf('nixwarp-coordinator', ours('nixwarp-coordinator')) as {
      timing: unknown;
    } & Record<string, unknown>;
    assert.deepEqual(timing, {
      heartbeatSeconds: 11,
      resumeSeconds: 12,
      pollSeconds: 13,
      retryDelayFactor: 0.15,
    });
    const { temporalAddress, namespace, serverUrl, databaseUrl, token, upstreams, system, reconcileSeconds } =
      rest;
    assert.deepEqual(
      { temporalAddress, namespace, serverUrl, databaseUrl, token, upstreams, system, reconcileSeconds },
      {
        temporalAddress: '10.84.0.1:7000',
        namespace: 'prod',
        serverUrl: 'http://10.84.0.1:9000',
        databaseUrl: 'postgres://nixwarp:secret@db.example.org/nixwarp',
        token: 'token of builders',
        upstreams: ['https://one.example.org', 'https://two.example.org'],
        system: 'aarch64-linux',
        reconcileSeconds: 14,
      },
    );
  });

  test('the builder takes its configuration from them', () => {
    assert.deepEqual(configurationOf('nixwarp-builder', ours('nixwarp-builder')), {
      temporalAddress: '10.84.0.1:7000',
      namespace: 'prod',
      serverUrl: 'http://10.84.0.1:9000',
      token: 'token of builders',
      name: 'Ada',
      stateDir: '/var/lib/nixwarp-builder/builder/Ada',
      system: 'x86_64-linux',
      systems: ['x86_64-linux', 'i686-linux'],
      features: ['benchmark', 'big-parallel'],
      slots: 3,
      coresPerBuild: 5,
      evaluationSlots: 2,
      minFreeBytes: 16 * 1024 ** 3,
      announceSeconds: 6,
      heartbeatSeconds: 11,
      upstreams: ['https://one.example.org', 'https://two.example.org'],
      trustedPublicKeys: UPSTREAM_KEYS,
      nvidiaSmi: '/run/current-system/sw/bin/nvidia-smi',
      standInFolder: undefined,
      gpusOnly: true,
      // No token among what Nix sees.
      nixEnvironment: { NIX_REMOTE: 'daemon' },
    });
  });

  test('an empty list of features is one, and not the default', () => {
    const builder = serviceOf(
      evaluateComplete('{ lib, ... }: { services.nixwarp.builder.features = lib.mkForce [ ]; }'),
      'nixwarp-builder',
    );
    const config = configurationOf('nixwarp-builder', builder) as { features: unknown };
    assert.deepEqual(config.features, []);
  });

  test("Temporal's dev server gets the arguments that `nixwarp up` gives it", () => {
    const words = wordsOf(String(ours('nixwarp-temporal').serviceConfig['ExecStart'])).slice(1);
    const { argv } = temporalChild(
      { folders: { temporal: '/var/lib/nixwarp-temporal', run: '/run' } } as InstanceState,
      'temporal',
      'prod',
      { port: 7000, uiPort: 8000 },
    );
    const expected = argv.slice(1);
    // Builders of other machines come to it: an address of its own is the one difference.
    expected[expected.indexOf('--ip') + 1] = '10.84.0.1';
    assert.deepEqual(words, expected);
  });
});

/** Names that a process asks its environment for. A parser reads all before it complains. */
function variablesRead(parse: (environment: Environment) => object): Set<string> {
  const names = new Set<string>();
  const environment = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        names.add(String(name));
        return undefined;
      },
    },
  );
  assert.throws(() => parse(environment), ConfigurationError);
  assert.ok(names.size > 5, 'the parser reads its environment');
  return names;
}

/** Those that are nixwarp's: others are for Nix, Node and the client of Postgres. */
function ownVariables(service: Service): string[] {
  return Object.keys(service.environment).filter((name) => /^(NIXWARP_|TEMPORAL_|DATABASE_)/.test(name));
}

/** What the process makes of the environment that systemd makes of the unit's. */
function configurationOf(name: keyof typeof PROCESSES, service: Service): object {
  const credentials = mkdtempSync(join(tmpdir(), 'nixwarp-credentials-'));
  try {
    for (const line of service.serviceConfig['LoadCredential'] as readonly string[]) {
      const [id = '', path = ''] = line.split(':');
      writeFileSync(join(credentials, id), `${SECRETS[path]}\n`);
    }
    const environment = Object.fromEntries(
      Object.entries(service.environment).map(([variable, value]) => [
        variable,
        value.replaceAll(/%(.)/g, (_, specifier: string) => {
          if (specifier === '%') return '%';
          assert.equal(specifier, 'd', `${variable} has a specifier that nobody meant`);
          return credentials;
        }),
      ]),
    );
    return PROCESSES[name](environment);
  } finally {
    rmSync(credentials, { recursive: true });
  }
}

/** Words of a command line in double quotes, as systemd.service(5) reads them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (JSON.parse(match[0]) as string).replaceAll('%%', '%').replaceAll('$$', '$'),
  );
}
