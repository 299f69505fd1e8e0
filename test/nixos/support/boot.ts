/** A systemd of its own, in namespaces, that runs a machine's services as the modules define them. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { embeddedPostgresFolder } from '../../../cli/up/postgres.ts';
import { CACHE_FOLDER, PROJECT_FOLDER } from '../../../cli/config.ts';
import { findTemporalCli } from '../../../cli/setup/temporal.ts';
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  publicKeyOf,
} from '../../../domain/nix/signature.ts';
import { evaluateMachine, type Machine } from './machine.ts';
import { evaluatePackage, installPackage } from './package.ts';
import { formatUnit } from './units.ts';

const BOOT_MS = 180_000;
const LOOK_MS = 200;
const ADMIN_TOKEN = 'token-of-the-administrator';

export interface Booted extends AsyncDisposable {
  /** Runs a command on the machine, as root. */
  run(argv: readonly string[]): Promise<{ status: number | null; stdout: string; stderr: string }>;
  /** A file that the machine sees as `/srv/<name>`. */
  write(name: string, text: string): void;
  /** What the services said. */
  logs(): string;
}

/** What boot.sh puts file systems of its own upon. */
const OWN_FOLDERS = ['/run', '/srv', '/tmp', '/var/lib', '/var/tmp', '/nix'];

/** Why no machine can be booted here; `false` when one can. */
export function whyNoBoot(): string | false {
  if (process.env['NIXWARP_TEST_SYSTEMD'] !== '1')
    return 'it boots a systemd in namespaces, only where NIXWARP_TEST_SYSTEMD=1 asks for it';
  if (process.getuid?.() !== 0) return 'only root can boot a systemd of its own';
  for (const path of ['/lib/systemd/systemd', '/usr/bin/nix-daemon', '/usr/bin/curl', '/usr/sbin/ip'])
    if (!existsSync(path)) return `there is no ${path}`;
  const hidden = whyHidden();
  if (hidden !== undefined) return hidden;
  const probe = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -o remount,bind,ro /';
  const { status, stderr } = spawnSync('unshare', [...NAMESPACES, 'sh', '-c', probe], { encoding: 'utf8' });
  return status === 0 ? false : `no namespaces to boot in: ${stderr.trim()}`;
}

/** The machine's services are users of their own, who run nixwarp from where it lies. */
function whyHidden(): string | undefined {
  for (const path of [PROJECT_FOLDER, process.execPath]) {
    const covered = OWN_FOLDERS.find((folder) => path.startsWith(`${folder}/`));
    if (covered !== undefined) return `the machine has a ${covered} of its own, and ${path} lies there`;
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder))
      if ((statSync(folder).mode & 0o001) === 0)
        return `other users cannot enter ${folder}, where ${path} lies`;
  }
  return undefined;
}

const NAMESPACES = [
  '--pid',
  '--mount',
  '--cgroup',
  '--net',
  '--ipc',
  '--uts',
  '--fork',
  '--mount-proc',
  '--kill-child',
  '--propagation',
  'private',
];

/** The smallest machine with everything, with its ports and key for what is evaluated and built on it. */
export async function bootMachine(): Promise<Booted> {
  const temporalCli = await findTemporalCli({
    environment: process.env,
    cacheFolder: CACHE_FOLDER,
  });
  if (temporalCli === undefined) throw new Error('the temporal command is not installed: npm run setup');
  const secretKey = generateSecretKey('test-1');
  const oldSecretKey = generateSecretKey('old-1');
  const machine = evaluateMachine(`[ {
    services.postgresql.settings.port = 5499;
    services.nixwarp = {
      publicUrl = "http://127.0.0.1:8484";
      builderTokenFile = "/srv/secrets/builder-token";
      upstreams = [ ];
      trustedPublicKeys = [ ];
      server = {
        enable = true;
        adminTokenFile = "/srv/secrets/admin-token";
        cacheSecretKeyFile = "/srv/secrets/cache-secret-key";
        cacheOldSecretKeyFiles = [ "/srv/secrets/old-cache-secret-key" ];
      };
      coordinator.enable = true;
      builder = {
        enable = true;
        buildSlots = 2;
        minFreeBytes = 0;
        cachePublicKey = "${formatPublicKey(publicKeyOf(secretKey))}";
      };
      database.createLocally = true;
      temporal.devServer.enable = true;
    };
  } ]`);

  const folder = mkdtempSync(join(tmpdir(), 'nixwarp-boot-'));
  const srv = join(folder, 'srv');
  for (const name of ['units', 'srv/secrets', 'srv/nix']) mkdirSync(join(folder, name), { recursive: true });
  const put = (name: string, text: string, mode = 0o644) => writeFileSync(join(folder, name), text, { mode });
  put('srv/secrets/admin-token', `${ADMIN_TOKEN}\n`, 0o600);
  put('srv/secrets/builder-token', 'token-of-builders\n', 0o600);
  put('srv/secrets/cache-secret-key', `${formatSecretKey(secretKey)}\n`, 0o600);
  put('srv/secrets/old-cache-secret-key', `${formatSecretKey(oldSecretKey)}\n`, 0o600);
  put('srv/nix/nix.conf', nixConf(machine));
  const users = ['nixwarp', 'nixwarp-builder', 'postgres'];
  const added = (line: (name: string, id: number) => string) =>
    users.map((name, index) => line(name, 64_800 + index)).join('');
  const before = (path: string) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !users.includes(line.split(':')[0] ?? ''))
      .map((line) => `${line}\n`)
      .join('');
  put(
    'passwd',
    before('/etc/passwd') + added((name, id) => `${name}:x:${id}:${id}::/var/lib/${name}:/bin/sh\n`),
  );
  put('group', before('/etc/group') + added((name, id) => `${name}:x:${id}:\n`));
  installPackage(evaluatePackage(), srv, join(srv, 'package'));
  // Where it is installed is not where the machine sees it.
  for (const name of readdirSync(join(srv, 'package', 'bin'))) {
    const wrapper = join(srv, 'package', 'bin', name);
    writeFileSync(wrapper, readFileSync(wrapper, 'utf8').replaceAll(srv, '/srv'));
  }
  for (const [name, text] of Object.entries(unitsOf(machine, temporalCli))) put(join('units', name), text);

  const console_ = openSync(join(folder, 'console'), 'a');
  // It goes with us, however we end: its own end takes all that it started along.
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'KILL',
      'unshare',
      ...NAMESPACES,
      'sh',
      join(PROJECT_FOLDER, 'test/nixos/support/boot.sh'),
      folder,
    ],
    {
      stdio: ['ignore', console_, console_],
    },
  );
  const booted = createBooted(child, folder);
  try {
    await untilUp(booted, child);
    return booted;
  } catch (error) {
    const logs = booted.logs();
    await booted[Symbol.asyncDispose]();
    throw new Error(`the machine did not come up:\n${logs}`, { cause: error });
  }
}

function createBooted(child: ChildProcess, folder: string): Booted {
  return {
    run: (argv) => {
      const pid = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      const environment = [`NIXWARP_TOKEN=${ADMIN_TOKEN}`, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/run'];
      const inside = spawn(
        'nsenter',
        ['-t', pid, '-p', '-m', '-n', '-C', 'env', '-i', ...environment, ...argv],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      return new Promise((resolve, reject) => {
        let stdout = '';
        let stderr = '';
        inside.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
        inside.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        inside.once('error', reject);
        inside.once('close', (status) => resolve({ status, stdout, stderr }));
      });
    },
    write: (name, text) => {
      mkdirSync(join(folder, 'srv', name, '..'), { recursive: true });
      writeFileSync(join(folder, 'srv', name), text);
    },
    logs: () =>
      [
        join(folder, 'console'),
        ...readdirSync(join(folder, 'srv'))
          .filter((name) => name.endsWith('.log'))
          .map((name) => join(folder, 'srv', name)),
      ]
        .map((path) => `--- ${path}\n${readFileSync(path, 'utf8')}`)
        .join('\n'),
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
      spawnSync('chmod', ['-R', 'u+w', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilUp(booted: Booted, child: ChildProcess): Promise<void> {
  for (
    const deadline = Date.now() + BOOT_MS;
    ;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  ) {
    if (child.exitCode !== null) throw new Error(`systemd ended with ${child.exitCode}`);
    const { stdout: builders } = await booted.run([
      'curl',
      '--silent',
      'http://127.0.0.1:8484/api/v1/builders',
    ]);
    if (builders.includes('"active"')) return;
    if (Date.now() > deadline) throw new Error(`no builder within ${BOOT_MS} ms: ${builders}`);
  }
}

/** The machine's nix.conf. Builds run as root there: users for them would have to be made. */
function nixConf({ nix }: Machine): string {
  const words = (name: string) => [nix[name]].flat().join(' ');
  return [
    ...[
      'allowed-users',
      'trusted-users',
      'trusted-substituters',
      'trusted-public-keys',
      'narinfo-cache-negative-ttl',
      'netrc-file',
    ].map((name) => `${name} = ${words(name)}`),
    ...[
      'substituters =',
      'build-users-group =',
      'sandbox = false',
      'experimental-features = nix-command flakes',
      '',
    ],
  ].join('\n');
}

/** The machine's services, and those of NixOS that they need. */
function unitsOf(machine: Machine, temporalCli: string): Record<string, string> {
  const program = (path: string): string => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return name === 'temporal' ? temporalCli : `/srv/package/bin/${name}`;
  };
  const units = Object.entries(machine.services).map(([name, service]) => {
    const path = 'Environment=PATH=/usr/bin:/bin';
    const log = `StandardOutput=append:/srv/${name}.log\nStandardError=inherit`;
    const text = formatUnit(name, service, program).replace(
      '[Service]',
      `DefaultDependencies=no\n[Service]\n${path}\n${log}`,
    );
    return [`${name}.service`, text] as const;
  });
  const postgres = embeddedPostgresFolder();
  const scripts = Object.entries(machine.services).map(
    ([name, { postStart }]) => [`${name}-post-start`, postStart] as const,
  );
  return {
    ...Object.fromEntries([...units, ...scripts]),
    'nixwarp-test.target': `[Unit]
DefaultDependencies=no
Wants=${['nix-daemon.service', 'postgresql.service', ...units.map(([name]) => name)].join(' ')}
`,
    'network-online.target': '[Unit]\nDefaultDependencies=no\n',
    'nix-daemon.service': `[Unit]
DefaultDependencies=no
[Service]
Environment=NIX_CONF_DIR=/srv/nix PATH=/usr/bin:/bin
ExecStart=/usr/bin/nix-daemon
StandardOutput=append:/srv/nix-daemon.log
StandardError=inherit
KillMode=process
`,
    'postgresql.service': `[Unit]
DefaultDependencies=no
[Service]
User=postgres
Environment=LC_ALL=C PATH=/usr/bin:/bin
StateDirectory=postgresql
RuntimeDirectory=postgresql
StandardOutput=append:/srv/postgresql.log
StandardError=inherit
ExecStartPre=${postgres}/initdb -D /var/lib/postgresql/data --auth=peer --encoding UTF8 --locale C --no-instructions
ExecStartPre=/bin/sh -c "printf 'create role nixwarp login;\\\\ncreate database nixwarp owner nixwarp;\\\\n' | ${postgres}/postgres --single -D /var/lib/postgresql/data postgres"
ExecStart=${postgres}/postgres -D /var/lib/postgresql/data -k /run/postgresql -p 5499 -c listen_addresses=
`,
  };
}
