/** `nixwarp token …`. */

import type { CreatedToken, Token } from '../../domain/api/tokens.ts';
import { requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { answer, type Json } from './answer.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** Seconds from now. @throws CommandFailure (usage) */
export function parseExpiry(text: string, now: number): number {
  const [, amount, unit = ''] = /^([0-9]{1,6})([smhdwy])$/.exec(text) ?? [];
  const seconds =
    amount === undefined
      ? /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text)
        ? Math.floor((Date.parse(text) - now) / 1000)
        : Number.NaN
      : Number(amount) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (!(seconds >= 1))
    throw new CommandFailure(
      EXIT.usage,
      `--expires: "${text}" is neither a time like 90d, 12h or 30m, nor a date to come like 2027-01-31`,
    );
  return seconds;
}

export interface CreateTokenOptions extends Json {
  readonly view: string;
  readonly can: string;
  readonly name?: string;
  readonly expires?: string;
}

export async function createToken(config: CliConfig, options: CreateTokenOptions): Promise<number> {
  const { view, can, name, expires } = options;
  const expiresInSeconds = expires === undefined ? undefined : parseExpiry(expires, Date.now());
  const client = await requireServer(config);
  const made = await client.ask<CreatedToken>('POST', '/tokens', {
    view,
    can: can.split(',').map((word) => word.trim()),
    ...(name === undefined ? {} : { name }),
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  });
  return answer(options, made, `token ${made.id}, which is not shown again:\n${made.token}`);
}

export async function listTokens(config: CliConfig, options: Json): Promise<number> {
  const { items } = await (await requireServer(config)).ask<{ items: Token[] }>('GET', '/tokens');
  const lines = items.map(
    ({ id, name, view, can, state, expiresAt, lastUsedAt }) =>
      `${id}  ${state}  ${view}  ${can.join(',')}  ${name}` +
      `${expiresAt === null ? '' : `  until ${expiresAt}`}  ${lastUsedAt === null ? 'never used' : `used ${lastUsedAt}`}`,
  );
  return answer(options, items, lines.length === 0 ? 'there are no tokens' : lines.join('\n'));
}

export async function revokeToken(config: CliConfig, id: string, options: Json): Promise<number> {
  if (!/^[1-9][0-9]{0,14}$/.test(id))
    throw new CommandFailure(EXIT.usage, `"${id}" is no token's number, as "nixwarp token list" shows it`);
  const revoked = await (
    await requireServer(config)
  ).ask<{ id: number; name: string }>('POST', `/tokens/${id}/revoke`);
  return answer(options, revoked, `token ${revoked.id} (${revoked.name}) is revoked`);
}
