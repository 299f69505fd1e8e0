/** Nix: from PATH, else Debian's package. */

import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { findOnPath, runCommand } from './command.ts';
import { SetupFailure, type SetupContext, type SetupPart } from './part.ts';

/** Opens the store, as `nix store info` of newer versions does. */
const PING = ['--extra-experimental-features', 'nix-command', 'store', 'ping'];
const OFFICIAL = 'sh <(curl --proto "=https" --tlsv1.2 -L https://nixos.org/nix/install)';

export const nixPart: SetupPart = {
  name: 'Nix',
  find: async ({ environment }) => {
    const path = await findOnPath('nix-store', environment['PATH']);
    if (path === undefined) return undefined;
    const { ok, stdout, problem } = await runCommand([path, '--version']);
    if (!ok) throw new SetupFailure(`${path} does not run: ${problem}${hintOf(problem)}`);
    const store = await runCommand([join(dirname(path), 'nix'), ...PING]);
    if (!store.ok)
      throw new SetupFailure(`Nix cannot use its store: ${store.problem}${hintOf(store.problem)}`);
    return `${stdout.trim()} (${path})`;
  },
  announcement: () =>
    'Debian\'s package "nix-bin" by apt-get (9 MB to download, 40 MB on disk; licence: LGPL-2.1)',
  install: async (context) => {
    const reason = await whyNotByApt();
    if (reason !== undefined)
      throw new SetupFailure(
        `Nix is not on PATH, and ${reason}.\nInstall it with the official installer, then run this again:\n  ${OFFICIAL}`,
      );
    await aptInstall(['nix-bin'], context);
    const found = await nixPart.find(context);
    if (found === undefined)
      throw new SetupFailure('apt-get installed nix-bin, but nix-store is not on PATH');
    return found;
  },
};

/** What a person other than root needs where the store belongs to root. */
function hintOf(problem: string): string {
  if (process.getuid?.() === 0 || !/socket|permission|daemon/i.test(problem)) return '';
  const user = userInfo().username;
  return (
    `\nThe store belongs to root, so that ${user} needs Nix's daemon, and on Debian its group. As root:` +
    `\n  adduser ${user} nix-users; nix-daemon &     # or apt-get install nix-setup-systemd` +
    '\nor run nixwarp as root.'
  );
}

/** Why Debian's packages are not to be had here; `undefined` when they are. */
export async function whyNotByApt(): Promise<string | undefined> {
  if (process.platform === 'darwin')
    return 'macOS has no package of it that needs no person (the official installer makes an APFS volume for /nix)';
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (/^ID=nixos$/m.test(release)) return 'this is NixOS: put the nix package of your system on PATH';
  if (!/^(ID|ID_LIKE)=.*(debian|ubuntu)/m.test(release))
    return `this is no Debian or Ubuntu (${/^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? process.platform})`;
  if (process.getuid?.() !== 0)
    return 'only root can install packages (this is user ' + String(process.getuid?.()) + ')';
  return undefined;
}

/** @throws SetupFailure with apt's last word. */
export async function aptInstall(
  packages: readonly string[],
  { environment, say }: SetupContext,
): Promise<void> {
  const options = { environment: { ...environment, DEBIAN_FRONTEND: 'noninteractive' } };
  const update = await runCommand(['apt-get', 'update', '-qq'], options);
  if (!update.ok) say(`  apt-get update: ${update.problem}`);
  const { ok, problem } = await runCommand(
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
    options,
  );
  if (!ok) throw new SetupFailure(`apt-get install ${packages.join(' ')}: ${problem}`);
}
