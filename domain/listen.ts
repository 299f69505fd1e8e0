/** Where the server listens. */

import type { Setting } from './environment.ts';
import { ParseError } from './parse-error.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_LISTEN: ListenAddress = { host: '127.0.0.1', port: 8484 };

/** `127.0.0.1:8484`, `[::1]:8484`. */
export function listenSetting(name: string): Setting<ListenAddress> {
  return { name, parse: (text) => parseListenAddress(name, text, 1), fallback: DEFAULT_LISTEN };
}

/** @param lowestPort 0 where the system may choose a port. */
export function parseListenAddress(name: string, text: string, lowestPort: 0 | 1): ListenAddress {
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) < lowestPort || Number(port) > 65_535)
    throw new ParseError(name, text, 'an address and port like "127.0.0.1:8484"');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** How programs on the same machine reach the server. */
export function localUrl({ host, port }: ListenAddress): string {
  const local = host === '0.0.0.0' ? '127.0.0.1' : /^[0:]+$/.test(host) ? '::1' : host;
  return `http://${formatListenAddress({ host: local, port })}`;
}

/** This machine's own addresses. A name like `127.example.org` is none of them. */
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** What strangers see of the cache: what the policy shows, or (where no strangers come) everything. */
export type PublicView = 'policy' | 'everything';

const PUBLIC_VIEW = 'NIXWARP_PUBLIC_VIEW';

/** Without a word of the operator nothing is shown that is not known to be free. */
export const publicViewSetting: Setting<PublicView> = {
  name: PUBLIC_VIEW,
  parse: (text) => {
    if (text === 'policy' || text === 'everything') return text;
    throw new ParseError(PUBLIC_VIEW, text, '"policy" or "everything"');
  },
  fallback: 'policy',
};

/**
 * A cache that shows everything shows unfree files too: beyond this machine only by an explicit wish. `undefined` where it is
 * so, where the policy decides what strangers see, or where a setting is not known.
 */
export function openNetworkProblem({
  listen,
  trustedNetwork,
  publicView,
}: {
  readonly listen?: ListenAddress;
  readonly trustedNetwork?: boolean;
  readonly publicView?: PublicView | undefined;
}): string | undefined {
  if (listen === undefined || trustedNetwork !== false || publicView !== 'everything') return undefined;
  if (isLoopback(listen.host)) return undefined;
  return (
    `NIXWARP_LISTEN: ${formatListenAddress(listen)} is reached from other machines, and with ${PUBLIC_VIEW}=everything whoever ` +
    `reaches it reads unfree packages, too. Set ${PUBLIC_VIEW}=policy, listen on 127.0.0.1 behind a proxy that asks who it is, ` +
    'or set NIXWARP_TRUSTED_NETWORK=1 if all who can reach it may'
  );
}
