/**
 * The modules' units under a real systemd: as their users, with their credentials and everything that hardening takes away,
 * on a Postgres that knows them by their Unix user and a Nix daemon that trusts none of them.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { type Booted, bootMachine, whyNoBoot } from './support/boot.ts';
import { noNix } from './support/machine.ts';

const SERVICES = ['nixwarp-server', 'nixwarp-coordinator', 'nixwarp-builder', 'nixwarp-temporal'];
const NIXWARP = '/srv/package/bin/nixwarp';

describe('a machine with everything', { skip: noNix || whyNoBoot(), timeout: 600_000 }, () => {
  let machine: Booted;
  before(async () => {
    machine = await bootMachine();
  });
  after(async () => {
    await machine[Symbol.asyncDispose]();
  });

  test('has all services active', async () => {
    const { stdout } = await machine.run(['systemctl', 'is-active', ...SERVICES]);
    assert.equal(stdout, 'active\n'.repeat(SERVICES.length), machine.logs());
  });

  test('evaluates and builds a jobset, though its builder is nobody to Nix', async () => {
    const target = `${PROJECT_FOLDER}examples/minimal`;
    const { status, stdout, stderr } = await machine.run([
      NIXWARP,
      'run',
      target,
      '--recurse',
      'all',
      '--json',
    ]);
    assert.equal(status, 0, stderr + machine.logs());
    const { jobs } = JSON.parse(stdout) as { jobs: { outcome: string }[] };
    assert.ok(jobs.length > 25, `${jobs.length} jobs`);
    assert.deepEqual(new Set(jobs.map(({ outcome }) => outcome)), new Set(['built']));
  });

  test('goes on with a build while its builder is started anew', async () => {
    machine.write(
      'slow/default.nix',
      `{ system ? builtins.currentSystem }: {
        slow = derivation {
          name = "slow";
          inherit system;
          builder = "/bin/sh";
          args = [ "-c" "echo started >> /srv/slow/started; /bin/sleep 6; echo done > $out" ];
        };
      }`,
    );
    const ended = machine.run([NIXWARP, 'run', '/srv/slow', '--json']);
    await machine.run(['sh', '-c', 'until [ -e /srv/slow/started ]; do sleep 0.1; done']);
    const restart = await machine.run(['systemctl', 'restart', 'nixwarp-builder']);
    assert.equal(restart.status, 0, restart.stderr);
    const { status, stderr } = await ended;
    assert.equal(status, 0, stderr + machine.logs());
    const { stdout } = await machine.run(['cat', '/srv/slow/started']);
    assert.equal(stdout, 'started\n', 'the build ran once');
  });

  test('keeps secrets from the users of its services', async () => {
    const { stdout } = await machine.run([
      ...[
        'sh',
        '-c',
        'for pid in $(systemctl show --value -p MainPID nixwarp-server nixwarp-builder); do tr "\\\\0" "\\\\n" </proc/$pid/environ; done',
      ],
    ]);
    assert.match(
      stdout,
      /NIXWARP_BUILDER_TOKEN_FILE=\/run\/credentials\/nixwarp-builder\.service\/NIXWARP_BUILDER_TOKEN/,
    );
    assert.doesNotMatch(stdout, /token-of-/);
    const read = await machine.run([
      'setpriv',
      '--reuid=nixwarp-builder',
      '--regid=nixwarp-builder',
      '--clear-groups',
      'cat',
      '/srv/secrets/builder-token',
    ]);
    assert.match(read.stderr, /Permission denied/);
  });

  test('has a Nix that reads the internal view by the token of its builder, and strangers who do not', async () => {
    const internal = 'http://127.0.0.1:8484/internal';
    const nix = ['env', 'NIX_CONF_DIR=/srv/nix', 'NIX_REMOTE=daemon'];
    const outPath = '(import /srv/slow { }).slow.outPath';
    const evaluated = await machine.run([...nix, 'nix-instantiate', '--eval', '--expr', outPath]);
    assert.equal(evaluated.status, 0, evaluated.stderr);
    const path = JSON.parse(evaluated.stdout) as string;
    const read = await machine.run([...nix, 'nix', 'path-info', '--store', internal, path]);
    assert.equal(read.stdout.trim(), path, read.stderr);
    const stranger = await machine.run([
      ...['curl', '--silent', '--output', '/dev/null', '--write-out', '%{http_code}'],
      `${internal}/${path.slice('/nix/store/'.length).slice(0, 32)}.narinfo`,
    ]);
    assert.equal(stranger.stdout, '401');
  });

  test('announces both keys that systemd has loaded', async () => {
    const { stdout } = await machine.run(['curl', '--silent', 'http://127.0.0.1:8484/pubkey']);
    assert.match(stdout, /^test-1:/m);
    assert.match(stdout, /^old-1:/m);
  });

  test('does not start a server again whose configuration is wrong', async () => {
    await machine.run(['mkdir', '-p', '/run/units/nixwarp-server.service.d']);
    await machine.run([
      'sh',
      '-c',
      'printf "[Service]\\\\nEnvironment=NIXWARP_LISTEN=nowhere\\\\n" >/run/units/nixwarp-server.service.d/wrong.conf && systemctl daemon-reload',
    ]);
    const { status } = await machine.run(['systemctl', 'restart', 'nixwarp-server']);
    assert.notEqual(status, 0, 'the activation fails');
    const { stdout } = await machine.run([
      'systemctl',
      'show',
      '-p',
      'ActiveState',
      '-p',
      'ExecMainStatus',
      '-p',
      'NRestarts',
      'nixwarp-server',
    ]);
    assert.match(stdout, /ExecMainStatus=78/);
    assert.match(stdout, /ActiveState=failed/);
    assert.match(stdout, /NRestarts=0/);
  });
});
