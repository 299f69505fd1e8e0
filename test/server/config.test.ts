import assert from 'node:assert/strict';
import { formatSecretKey, generateSecretKey } from '../../domain/nix/signature.ts';
import { parseServerConfig, serverFolders } from '../../server/config.ts';
import { test } from '../support/test.ts';

const secretKey = formatSecretKey(generateSecretKey('test-1'));

const GOOD = {
  NIXWARP_STATE_DIR: '/state',
  DATABASE_URL: 'postgres://nixwarp@127.0.0.1/nixwarp',
  NIXWARP_ADMIN_TOKEN: 'admin',
  NIXWARP_BUILDER_TOKEN: 'builder',
  NIXWARP_CACHE_SECRET_KEY: secretKey,
};

test('what must be given is enough, the rest has defaults', () => {
  assert.deepEqual(parseServerConfig(GOOD), {
    stateDir: '/state',
    listen: { host: '127.0.0.1', port: 8484 },
    trustedNetwork: false,
    publicUrl: 'http://127.0.0.1:8484',
    databaseUrl: GOOD.DATABASE_URL,
    adminToken: 'admin',
    builderToken: 'builder',
    secretKey,
    stagingSecretKey: undefined,
    storeDir: '/nix/store',
    cachePriority: 50,
    cacheMemoryBytes: 256 * 1024 ** 2,
    transfers: 256,
    maxConnections: 10_000,
    accelRedirect: undefined,
    processes: 1,
    temporalUiUrl: undefined,
    publicView: 'policy',
    pullPolicy: 'off',
    upstreams: [],
    trustedKeys: [],
    pullMaxBytes: 17_179_869_184,
    s3: undefined,
    collect: { graceSeconds: 604_800, narDelaySeconds: 2_592_000, quotaBytes: undefined },
    collectEverySeconds: 86_400,
    policy: {
      licences: [],
      packages: [],
      upstreams: ['https://cache.nixos.org'],
      redistributable: true,
    },
  });
  assert.deepEqual(serverFolders('/state'), { cache: '/state/cache', logs: '/state/logs' });
});

test('its public address is where it listens, unless another is given', () => {
  const listen = { ...GOOD, NIXWARP_LISTEN: '[::]:80', NIXWARP_TRUSTED_NETWORK: '1' };
  assert.equal(parseServerConfig(listen).publicUrl, 'http://[::1]:80');
  const url = 'https://ci.example.org';
  assert.equal(parseServerConfig({ ...listen, NIXWARP_PUBLIC_URL: `${url}/` }).publicUrl, url);
});

test('each problem is told, with the name, the value and what is expected', () => {
  const environment = {
    NIXWARP_LISTEN: '0.0.0.0:80',
    NIXWARP_PUBLIC_VIEW: 'everything',
    NIXWARP_PUBLIC_URL: 'ci.example.org',
    DATABASE_URL: 'mysql://nixwarp:password@host/',
    NIXWARP_ADMIN_TOKEN_FILE: '/dev/null',
    NIXWARP_BUILDER_TOKEN: 'b',
    NIXWARP_BUILDER_TOKEN_FILE: '/dev/null',
    NIXWARP_CACHE_SECRET_KEY: 'test-1:c2VjcmV0',
    NIXWARP_CACHE_PRIORITY: '1001',
    NIXWARP_PULL_THROUGH: 'store',
    NIXWARP_S3_BUCKET: 'A Bucket',
    NIXWARP_S3_ENDPOINT: 's3.example.org',
    NIXWARP_S3_SERVE: 'proxy',
    NIXWARP_S3_SECRET_ACCESS_KEY: 'c2VjcmV0',
    NIXWARP_UPSTREAMS: 'daemon',
    NIXWARP_TRUSTED_PUBLIC_KEYS: 'cache.example.org-1:c2hvcnQ=',
  };
  assert.throws(
    () => parseServerConfig(environment),
    (error: { problems: string[]; message: string }) => {
      assert.deepEqual(
        error.problems.map((problem) => problem.slice(0, 95)),
        [
          'NIXWARP_STATE_DIR is not set',
          'NIXWARP_PUBLIC_URL: "ci.example.org" is not a URL of http: or https:',
          'DATABASE_URL: "mysql:…" is not a URL of postgres: or postgresql:',
          'NIXWARP_ADMIN_TOKEN_FILE: /dev/null is empty',
          'NIXWARP_BUILDER_TOKEN and NIXWARP_BUILDER_TOKEN_FILE are both set; set one',
          'NIXWARP_CACHE_SECRET_KEY: secret key: "test-1" is not a name, followed by a colon and 64 bytes ',
          'NIXWARP_CACHE_PRIORITY: "1001" is not a whole number from 0 to 1000',
          'NIXWARP_TRUSTED_PUBLIC_KEYS: public key: "cache.example.org-1:c2hvcnQ=" is not a name, a colon ',
          'NIXWARP_S3_BUCKET: "A Bucket" is not a name of a bucket: 3 to 63 of a-z, 0-9, "." and "-"',
          'NIXWARP_S3_ENDPOINT: "s3.example.org" is not a URL of http: or https:',
          'NIXWARP_S3_SERVE: "proxy" is not "redirect" or "stream"',
          'NIXWARP_LISTEN: 0.0.0.0:80 is reached from other machines, and with NIXWARP_PUBLIC_VIEW=everyth',
          'NIXWARP_PULL_THROUGH needs a cache of http or https in NIXWARP_UPSTREAMS',
          'NIXWARP_S3_ACCESS_KEY_ID and NIXWARP_S3_SECRET_ACCESS_KEY belong together: set both, or neither',
        ],
      );
      assert.doesNotMatch(error.message, /password|c2VjcmV0/);
      return true;
    },
  );
});

test("a bucket keeps the files, with credentials out of a file or where Amazon's tools look", () => {
  const bucket = { ...GOOD, NIXWARP_S3_BUCKET: 'nix-cache', NIXWARP_S3_PREFIX: 'cuda/' };
  assert.deepEqual(parseServerConfig(bucket).s3, {
    bucket: 'nix-cache',
    endpoint: undefined,
    region: 'us-east-1',
    prefix: 'cuda/',
    serve: 'redirect',
    credentials: undefined,
  });
  assert.throws(
    () => parseServerConfig({ ...GOOD, NIXWARP_S3_PREFIX: 'cuda/' }),
    /NIXWARP_S3_BUCKET is not set/,
  );
});

test('the key of staging views may not be one of the cache', () => {
  const secret = (name: string): string => formatSecretKey(generateSecretKey(name));
  const own = secret('staging-1');
  assert.equal(parseServerConfig({ ...GOOD, NIXWARP_STAGING_SECRET_KEY: own }).stagingSecretKey, own);
  const shared = secret('test-2');
  const both = `${GOOD.NIXWARP_CACHE_SECRET_KEY}\n${shared}`;
  const wrong = { NIXWARP_CACHE_SECRET_KEY: both, NIXWARP_STAGING_SECRET_KEY: shared };
  assert.throws(
    () => parseServerConfig({ ...GOOD, ...wrong }),
    /NIXWARP_STAGING_SECRET_KEY: test-2 signs the cache, too/,
  );
  assert.throws(
    () => parseServerConfig({ ...GOOD, NIXWARP_STAGING_SECRET_KEY: 'no key' }),
    /NIXWARP_STAGING_SECRET_KEY/,
  );
});
