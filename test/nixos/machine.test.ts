/** What a configuration makes of a machine, and which configurations are refused. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import {
  evaluateComplete,
  evaluateMachine,
  instantiators,
  noNix,
  type ServiceName,
  serviceOf,
} from './support/machine.ts';

const ALL: readonly ServiceName[] = [
  'nixwarp-server',
  'nixwarp-coordinator',
  'nixwarp-builder',
  'nixwarp-temporal',
];

for (const { name, argv, skip } of instantiators)
  describe(`the example of nixos/README.md, with ${name}`, { skip }, () => {
    test('makes a machine with everything', () => {
      const machine = evaluateMachine('[ ./nixos/example/ci.nix ]', argv);
      assert.deepEqual(machine.failures, []);
      assert.deepEqual(machine.warnings, []);
      assert.deepEqual(Object.keys(machine.services).toSorted(), [...ALL].toSorted());
      assert.deepEqual(machine.postgresql, {
        enable: true,
        ensureDatabases: ['nixwarp'],
        ensureUsers: [{ name: 'nixwarp', ensureDBOwnership: true }],
      });
      assert.ok(machine.packages.includes('nixwarp'), 'the command is on PATH');
      assert.deepEqual(machine.nginxGroups, ['nixwarp']);
    });

    test('is as complete in its least form', () => {
      const readme = readFileSync(join(PROJECT_FOLDER, 'nixos', 'README.md'), 'utf8');
      const least = /^```nix\n(.*?)^```$/ms.exec(readme)?.[1] ?? '';
      const machine = evaluateMachine(`[ (${least}) ]`, argv);
      assert.deepEqual(machine.failures, []);
      assert.deepEqual(Object.keys(machine.services).toSorted(), [...ALL].toSorted());
    });

    test('makes a builder with GPUs that knows the server only by its URL', () => {
      const machine = evaluateMachine('[ ./nixos/example/ada.nix ]', argv);
      assert.deepEqual(machine.failures, []);
      assert.deepEqual(Object.keys(machine.services), ['nixwarp-builder']);
      assert.equal(machine.postgresql.enable, false);
      assert.deepEqual(machine.openPorts, []);
      const { environment, serviceConfig } = serviceOf(machine, 'nixwarp-builder');
      assert.equal(environment['NIXWARP_URL'], 'https://ci.example.org');
      assert.match(environment['NIXWARP_NVIDIA_SMI'] ?? '', /\/bin\/nvidia-smi$/);
      assert.ok((serviceConfig['DeviceAllow'] as string[]).includes('char-nvidiactl'));
      assert.equal(machine.requiredMounts, true);
      // A definition of this list replaces NixOS' default: both must be there.
      for (const feature of ['cuda', 'big-parallel', 'kvm'])
        assert.ok((machine.nix['system-features'] as string[]).includes(feature), feature);
    });
  });

describe('a machine with nixwarp', { skip: noNix }, () => {
  test('without any of its services is as it was', () => {
    const machine = evaluateMachine('[ ]');
    assert.deepEqual(machine.failures, []);
    assert.deepEqual(machine.services, {});
    assert.deepEqual(machine.users, []);
    assert.deepEqual(machine.packages, []);
    assert.deepEqual(machine.nix['trusted-substituters'], []);
  });

  test('runs each service as a user that can do nothing else', () => {
    const machine = evaluateComplete();
    assert.deepEqual(machine.failures, []);
    for (const name of ALL) {
      const { serviceConfig } = serviceOf(machine, name);
      assert.equal(serviceConfig['CapabilityBoundingSet'], '', name);
      assert.equal(serviceConfig['NoNewPrivileges'], true, name);
      assert.equal(serviceConfig['ProtectSystem'], 'strict', name);
      assert.ok(serviceConfig['User'] !== undefined || serviceConfig['DynamicUser'] === true, name);
    }
    assert.deepEqual(machine.users, ['nixwarp', 'nixwarp-builder']);
  });

  test('has no secret in an environment, on a command line or in the store', () => {
    const machine = evaluateComplete();
    assert.deepEqual(serviceOf(machine, 'nixwarp-server').serviceConfig['LoadCredential'], [
      'DATABASE_URL:/var/lib/secrets/database-url',
      'NIXWARP_ADMIN_TOKEN:/var/lib/secrets/admin-token',
      'NIXWARP_BUILDER_TOKEN:/var/lib/secrets/builder-token',
      'NIXWARP_CACHE_SECRET_KEY:/var/lib/secrets/cache-secret-key',
      'NIXWARP_CACHE_SECRET_KEY.1:/var/lib/secrets/old-cache-secret-key',
      'NIXWARP_S3_ACCESS_KEY_ID:/var/lib/secrets/s3-access-key-id',
      'NIXWARP_S3_SECRET_ACCESS_KEY:/var/lib/secrets/s3-secret-access-key',
      'NIXWARP_STAGING_SECRET_KEY:/var/lib/secrets/staging-secret-key',
    ]);
    for (const name of ALL) {
      const { environment, serviceConfig } = serviceOf(machine, name);
      for (const [variable, value] of Object.entries(environment)) {
        assert.doesNotMatch(value, /\/var\/lib\/secrets/, variable);
        if (variable.endsWith('_FILE')) assert.match(value, /^%d\/\S+( %d\/\S+)*$/, variable);
      }
      assert.doesNotMatch(String(serviceConfig['ExecStart']), /secrets/);
    }
  });

  test('keeps the signing key and the database from builders', () => {
    assert.deepEqual(serviceOf(evaluateComplete(), 'nixwarp-builder').serviceConfig['LoadCredential'], [
      'NIXWARP_BUILDER_TOKEN:/var/lib/secrets/builder-token',
    ]);
  });

  test("has a builder that is no trusted user of Nix: Nix's settings say what it may take", () => {
    const { nix } = evaluateComplete();
    assert.deepEqual(nix['trusted-users'], ['root']);
    assert.deepEqual(nix['trusted-substituters'], [
      'https://ci.example.org',
      'https://ci.example.org/internal',
      'https://one.example.org',
      'https://two.example.org',
    ]);
    const keys = (nix['trusted-public-keys'] as string[]).map((key) => key.split(':')[0]);
    for (const name of ['ci.example.org-1', 'one.example.org-1', 'two.example.org-1'])
      assert.ok(keys.includes(name), name);
    assert.equal(nix['narinfo-cache-negative-ttl'], 0);
  });

  test('tells Nix where its builder keeps the token for the internal view', () => {
    const named = (name: string, hostName = 'ci') =>
      evaluateComplete(`{ lib, ... }: {
        services.nixwarp.builder.name = lib.mkForce ${name};
        networking.hostName = lib.mkForce "${hostName}";
      }`);
    const folder = '/var/lib/nixwarp-builder/builder';
    assert.equal(named('"Ada"').nix['netrc-file'], `${folder}/Ada/netrc`);
    // The process would take its host's name in lower case, too, but of a running machine that may be another.
    const byHost = named('null', 'CI');
    assert.equal(byHost.nix['netrc-file'], `${folder}/ci/netrc`);
    assert.equal(serviceOf(byHost, 'nixwarp-builder').environment['NIXWARP_BUILDER_NAME'], 'ci');
    assert.match(
      named('null', '').failures.join('\n'),
      /builder\.name must be set where networking\.hostName is empty/,
    );
  });

  test('lets nginx, and nobody else, read the files that it is to send', () => {
    const nginx = 'services.nginx = { enable = true; user = "nginx"; };';
    const shared = evaluateComplete(`{ ${nginx} }`);
    assert.deepEqual(shared.nginxGroups, ['nixwarp']);
    const { serviceConfig } = serviceOf(shared, 'nixwarp-server');
    assert.equal(serviceConfig['StateDirectoryMode'], '0750');
    assert.equal(serviceConfig['UMask'], '0027');
    const alone = evaluateComplete(
      `{ lib, ... }: { ${nginx} services.nixwarp.server.accelRedirect = lib.mkForce null; }`,
    );
    assert.deepEqual(alone.nginxGroups, []);
    assert.equal(serviceOf(alone, 'nixwarp-server').serviceConfig['StateDirectoryMode'], '0700');
    assert.equal(serviceOf(alone, 'nixwarp-server').serviceConfig['UMask'], '0077');
  });

  test('starts services again for ever, more and more slowly, but not for a wrong configuration', () => {
    const machine = evaluateComplete();
    for (const name of ALL) {
      const { serviceConfig, startLimitIntervalSec } = serviceOf(machine, name);
      assert.equal(startLimitIntervalSec, 0, name);
      assert.equal(serviceConfig['Restart'], 'on-failure', name);
      assert.equal(serviceConfig['RestartMaxDelaySec'], 60, name);
      assert.equal(serviceConfig['RestartPreventExitStatus'], 78, name);
    }
  });

  test('lets builds outlive the builder, and stops everything else as a whole', () => {
    const machine = evaluateComplete();
    assert.equal(serviceOf(machine, 'nixwarp-builder').serviceConfig['KillMode'], 'process');
    for (const name of ALL.filter((one) => one !== 'nixwarp-builder'))
      assert.equal(serviceOf(machine, name).serviceConfig['KillMode'], undefined, name);
  });

  test('opens the port of the server only when asked', () => {
    assert.deepEqual(evaluateComplete().openPorts, []);
    const open =
      '{ lib, ... }: { services.nixwarp.server = { openFirewall = true; accelRedirect = lib.mkForce null; }; }';
    assert.deepEqual(evaluateComplete(open).openPorts, [9000]);
  });

  test('is given another server by its URL, while its own is asked where it listens', () => {
    const server = serviceOf(
      evaluateComplete(`{ lib, ... }: { services.nixwarp.server.listenAddress = lib.mkForce "::"; }`),
      'nixwarp-server',
    );
    assert.equal(server.environment['NIXWARP_LISTEN'], '[::]:9000');
    assert.match(server.postStart, / http:\/\/\[::1\]:9000\/nix-cache-info;/);
  });

  test('warns of a Temporal that everybody reaches', () => {
    const open =
      '{ lib, ... }: { services.nixwarp.temporal.devServer.listenAddress = lib.mkForce "0.0.0.0"; }';
    assert.match(evaluateComplete(open).warnings.join('\n'), /knows no passwords/);
  });
});

describe('a configuration is refused, with what to do,', { skip: noNix }, () => {
  const cases: readonly (readonly [title: string, change: string, message: RegExp])[] = [
    [
      'without a token for builders',
      'builderTokenFile = lib.mkForce null;',
      /builderTokenFile must be set.*openssl/s,
    ],
    [
      'without a token for the administrator',
      'server.adminTokenFile = lib.mkForce null;',
      /adminTokenFile must be set/,
    ],
    [
      'without a key for the cache',
      'server.cacheSecretKeyFile = lib.mkForce null;',
      /nix key generate-secret/,
    ],
    [
      'with one token for administrator and builders',
      'server.adminTokenFile = lib.mkForce "/var/lib/secrets/builder-token";',
      /every builder would be an administrator/,
    ],
    [
      'that opens the server to a network by accident',
      'server.trustedNetwork = lib.mkForce false;',
      /10\.84\.0\.1.*trustedNetwork = true/s,
    ],
    [
      'whose server is reached by no address that others know',
      'publicUrl = lib.mkForce null;',
      /publicUrl must be set where services\.nixwarp\.server\.listenAddress is not loopback/,
    ],
    [
      'that signs with one file twice',
      'server.cacheOldSecretKeyFiles = [ "/var/lib/secrets/cache-secret-key" ];',
      /cacheOldSecretKeyFiles names the file of/,
    ],
    [
      'that passes on what no upstream has',
      'upstreams = lib.mkForce [ "file:///srv/cache" ];',
      /pullThrough needs a cache of http/,
    ],
    [
      'that passes on what nobody signed',
      'trustedPublicKeys = lib.mkForce [ ];',
      /pullThrough needs the keys of the upstreams/,
    ],
    [
      'with half of the credentials for a bucket',
      'server.s3.accessKeyIdFile = lib.mkForce null;',
      /accessKeyIdFile and .*secretAccessKeyFile belong together/,
    ],
    [
      'with all of a bucket but its name',
      'server.s3.bucket = lib.mkForce null;',
      /s3\.bucket is not set, but other options/,
    ],
    [
      'that lets clients past the nginx which has the bytes',
      'server.openFirewall = true;',
      /would get empty files/,
    ],
    [
      'without a database',
      'database.urlFile = lib.mkForce null;',
      /exactly one of .*createLocally.*urlFile/s,
    ],
    ['with two databases', 'database.createLocally = true;', /exactly one of .*createLocally.*urlFile/s],
    [
      'with a local database and the coordinator elsewhere',
      'database = { createLocally = true; urlFile = lib.mkForce null; }; coordinator.enable = lib.mkForce false;',
      /on the same machine/,
    ],
    [
      "without the cache's public key",
      'builder.cachePublicKey = lib.mkForce null;',
      /convert-secret-to-public/,
    ],
    [
      'that leaves a builder nothing to do',
      'builder = { nvidia = lib.mkForce { enable = false; only = false; smi = ""; }; buildSlots = lib.mkForce 0; evaluationSlots = lib.mkForce 0; };',
      /nothing to do/,
    ],
    [
      'that wants only GPU checks and no GPUs',
      'builder.nvidia.enable = lib.mkForce false;',
      /nvidia\.only without nvidia\.enable/,
    ],
    [
      "that gives Temporal's frontend and UI one port",
      'temporal.devServer.uiPort = lib.mkForce 7000;',
      /port and uiPort are both 7000/,
    ],
  ];
  for (const [title, change, message] of cases)
    test(title, () => {
      const { failures } = evaluateComplete(`{ lib, ... }: { services.nixwarp = { ${change} }; }`);
      assert.match(failures.join('\n'), message);
    });

  test('without the driver that GPU checks need', () => {
    const { failures } = evaluateComplete(
      '{ lib, ... }: { services.xserver.videoDrivers = lib.mkForce [ ]; }',
    );
    assert.match(failures.join('\n'), /needs NVIDIA's driver/);
  });

  test('with a Nix that the builder may not use', () => {
    const { failures } = evaluateComplete('{ nix.settings.allowed-users = [ "alice" ]; }');
    assert.match(failures.join('\n'), /allowed-users must name nixwarp-builder/);
  });

  test('with a builder that does not know where the server is', () => {
    const { failures } = evaluateMachine(`[ {
      services.nixwarp.builderTokenFile = "/var/lib/secrets/builder-token";
      services.nixwarp.builder = { enable = true; cachePublicKey = "ci.example.org-1:Y2k="; };
    } ]`);
    assert.match(failures.join('\n'), /publicUrl must be set where services\.nixwarp\.server is not enabled/);
    assert.equal(failures.length, 1);
  });

  test('but not for a network from which only what is free can be read', () => {
    const { failures } = evaluateComplete(
      '{ lib, ... }: { services.nixwarp.server = { publicView = lib.mkForce "policy"; trustedNetwork = lib.mkForce false; }; }',
    );
    assert.deepEqual(failures, []);
  });

  const wrongValues: readonly (readonly [title: string, change: string, message: RegExp])[] = [
    ['an option that does not exist', 'server.prot = 1;', /services\.nixwarp\.server\.prot.* does not exist/],
    [
      'a secret in the store',
      'builderTokenFile = lib.mkForce "/nix/store/x-token";',
      /builderTokenFile.* is not of type/,
    ],
    [
      'a secret that Nix would copy',
      'builderTokenFile = lib.mkForce ./README.md;',
      /builderTokenFile.* is not of type/,
    ],
    [
      'a URL with a slash at its end',
      'publicUrl = lib.mkForce "https://ci.example.org/";',
      /publicUrl.* is not of type/,
    ],
    ['more slots than Temporal has', 'builder.buildSlots = lib.mkForce 1025;', /buildSlots.* is not of type/],
    [
      'a key of an upstream that is none',
      'trustedPublicKeys = [ "cache.example.org-1:c2hvcnQ=" ];',
      /trustedPublicKeys.* is not of type/,
    ],
    [
      'a view that there is not',
      'server.publicView = lib.mkForce "internal";',
      /publicView.* is not of type/,
    ],
    ['a licence of two words', 'server.publicLicenses = [ "CUDA EULA" ];', /publicLicenses.* is not of type/],
    [
      'a prefix of keys that would run into them',
      'server.s3.prefix = lib.mkForce "cache";',
      /s3\.prefix.* is not of type/,
    ],
    [
      'an address without a port',
      'temporal.address = "temporal.example.org";',
      /temporal\.address.* is not of type/,
    ],
  ];
  for (const [title, change, message] of wrongValues)
    test(`with ${title}`, () => {
      assert.throws(
        () => evaluateComplete(`{ lib, ... }: { services.nixwarp = { ${change} }; }`),
        (error: Error & { stderr?: string }) => message.test(error.stderr ?? error.message),
      );
    });
});
