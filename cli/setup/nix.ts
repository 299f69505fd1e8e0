/** Nix: from PATH, else Debian's package. */

import { readFile } from 'node:fs/promises';
import { findOnPath, runCommand } from './command.ts';
import { SetupFailure, type SetupContext, type SetupPart } from './part.ts';

const OFFICIAL = 'sh <(curl --proto "=https" --tlsv1.2 -L https://nixos.org/nix/install)';

export const nixPart: SetupPart = {
  name: 'Nix',
  find: async ({ environment }) => {
    const path = await findOnPath('nix-store', environment['PATH']);
    if (path === undefined) return undefined;
    const { ok, stdout, problem } = await runCommand([path, '--version']);
    if (!ok) throw new SetupFailure(`${path} does not run: ${problem}`);
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
