import assert from 'node:assert/strict';
import { currentSystem, parseBuilderConfig, parseCoordinatorConfig } from '../../workers/config.ts';
import { describe, test } from '../support/test.ts';

const BUILDER = { NIXWARP_STATE_DIR: '/state', NIXWARP_BUILDER_TOKEN: 'token' };
const COORDINATOR = { DATABASE_URL: 'postgres://h/d', NIXWARP_BUILDER_TOKEN: 'token' };

function problemsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    return (error as { problems: readonly string[] }).problems;
  }
  return [];
}

describe('a builder', () => {
  test('keeps what is its own apart from other builders of the same state folder', () => {
    const folders = ['atlas', 'ada.lab'].map(
      (name) => parseBuilderConfig({ ...BUILDER, NIXWARP_BUILDER_NAME: name }).stateDir,
    );
    assert.deepEqual(folders, ['/state/builder/atlas', '/state/builder/ada.lab']);
  });

  test('shares its cores among its slots, one at least for each', () => {
    const cores = (slots: string) =>
      parseBuilderConfig({ ...BUILDER, NIXWARP_BUILD_SLOTS: slots }).coresPerBuild;
    assert.equal(cores('1024'), 1);
    assert.equal(cores('1'), cores('0'));
    assert.equal(parseBuilderConfig({ ...BUILDER, NIXWARP_CORES_PER_BUILD: '7' }).coresPerBuild, 7);
  });

  test('builds for its own system unless told otherwise', () => {
    assert.deepEqual(parseBuilderConfig(BUILDER).systems, [currentSystem()]);
    const both = { ...BUILDER, NIXWARP_SYSTEMS: 'x86_64-linux  i686-linux', NIXWARP_FEATURES: ' ' };
    const { systems, features } = parseBuilderConfig(both);
    assert.deepEqual([systems, features], [['x86_64-linux', 'i686-linux'], []]);
  });

  for (const name of ['../other', 'a/b', 'with space', '-dash', 'ü', 'x'.repeat(64)])
    test(`is not called ${JSON.stringify(name)}: the name stands in paths, queues and URLs`, () =>
      assert.deepEqual(
        problemsOf(() => parseBuilderConfig({ ...BUILDER, NIXWARP_BUILDER_NAME: name })),
        [
          `NIXWARP_BUILDER_NAME: ${JSON.stringify(name)} is not a name of letters, digits, ".", "_" and "-", at most 63 characters long`,
        ],
      ));

  test('tells each problem', () =>
    assert.deepEqual(
      problemsOf(() =>
        parseBuilderConfig({
          NIXWARP_URL: '127.0.0.1:8484',
          NIXWARP_BUILD_SLOTS: '-1',
          NIXWARP_MIN_FREE_BYTES: '2 GiB',
          NIXWARP_ANNOUNCE_SECONDS: '61',
          NIXWARP_GPUS_ONLY: 'yes',
        }),
      ),
      [
        'NIXWARP_URL: "127.0.0.1:8484" is not a URL of http: or https:',
        'NIXWARP_BUILDER_TOKEN is not set (nor is NIXWARP_BUILDER_TOKEN_FILE)',
        'NIXWARP_STATE_DIR is not set',
        'NIXWARP_BUILD_SLOTS: "-1" is not a whole number from 0 to 1024',
        `NIXWARP_MIN_FREE_BYTES: "2 GiB" is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
        'NIXWARP_ANNOUNCE_SECONDS: "61" is not a whole number from 1 to 60',
        'NIXWARP_GPUS_ONLY: "yes" is not "1", "true", "0" or "false"',
      ],
    ));
});

describe('a coordinator', () => {
  test('waits as long as production does by default, and a part of it where tests say so', () => {
    assert.deepEqual(parseCoordinatorConfig(COORDINATOR).timing, {
      heartbeatSeconds: 30,
      resumeSeconds: 120,
      pollSeconds: 30,
      retryDelayFactor: 1,
    });
    const quick = { ...COORDINATOR, NIXWARP_RETRY_DELAY_PERCENT: '10' };
    assert.equal(parseCoordinatorConfig(quick).timing.retryDelayFactor, 0.1);
  });

  test('tells each problem', () =>
    assert.deepEqual(
      problemsOf(() => parseCoordinatorConfig({ DATABASE_URL: 'sqlite:x', NIXWARP_HEARTBEAT_SECONDS: '0' })),
      [
        'NIXWARP_HEARTBEAT_SECONDS: "0" is not a whole number from 1 to 3600',
        'DATABASE_URL: "sqlite:…" is not a URL of postgres: or postgresql:',
        'NIXWARP_BUILDER_TOKEN is not set (nor is NIXWARP_BUILDER_TOKEN_FILE)',
      ],
    ));
});
