/** Unit files. */

import type { Service } from './machine.ts';

/**
 * A unit file as NixOS writes it (nixos/lib/systemd-lib.nix).
 * @param program what runs here instead of a program of the Nix store, as `/nix/store/…-curl/bin/curl`.
 */
export function formatUnit(name: string, service: Service, program: (storePath: string) => string): string {
  const lines = [
    ...['[Unit]', `Description=${name}`],
    ...[`After=${service.after.join(' ')}`, `Wants=${service.wants.join(' ')}`],
    `StartLimitIntervalSec=${service.startLimitIntervalSec}`,
    '[Service]',
    ...Object.entries(service.environment).map(
      ([variable, value]) => `Environment=${JSON.stringify(`${variable}=${value}`)}`,
    ),
    ...Object.entries(service.serviceConfig).flatMap(([key, value]) =>
      (Array.isArray(value) ? (value as readonly (string | number)[]) : [value]).map(
        (one) => `${key}=${String(one)}`,
      ),
    ),
    ...(service.postStart === '' ? [] : [`ExecStartPost=/bin/sh -e /run/units/${name}-post-start`]),
    ...['[Install]', `WantedBy=${service.wantedBy.join(' ')}`, ''],
  ];
  return lines
    .join('\n')
    .replaceAll(
      /^(Exec\w+=)"?(\/nix\/store\/[^ "\n]*)"?/gm,
      (_, key: string, path: string) => key + program(path),
    );
}
