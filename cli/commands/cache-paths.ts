/** Commands about paths of the cache: `nixwarp cache why`, `remove`, `pin`, `unpin`, `pins`. */

import type { Pin, Removed, Why } from '../../domain/api/paths.ts';
import { requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { answer, type Json } from './answer.ts';

/** Of a store path, or by itself. */
function hashOf(path: string): string {
  const [, hash] = /^(?:\/.*\/)?([0-9abcdfghijklmnpqrsvwxyz]{32})(?:-[^/]*)?$/.exec(path) ?? [];
  if (hash === undefined) throw new CommandFailure(EXIT.usage, `"${path}" is no store path`);
  return hash;
}

export async function cacheWhy(config: CliConfig, path: string, options: Json): Promise<number> {
  const why = await (await requireServer(config)).ask<Why>('GET', `/paths/${hashOf(path)}/why`);
  const chain =
    why.restrictedBy === null
      ? []
      : ['It is reached by:', ...why.restrictedBy.chain.map((one) => `  ${one}`)];
  return answer(options, why, [why.path, why.rule, ...chain].join('\n'));
}

export interface RemoveOptions extends Json {
  readonly reason: string;
}

export async function cacheRemove(config: CliConfig, path: string, options: RemoveOptions): Promise<number> {
  const client = await requireServer(config);
  const removed = await client.ask<Removed>('POST', `/paths/${hashOf(path)}/remove`, {
    reason: options.reason,
  });
  return answer(
    options,
    removed,
    [`withdrawn, ${removed.bytes} bytes:`, ...removed.removed.map((one) => `  ${one}`)].join('\n'),
  );
}

export interface PinOptions extends Json {
  readonly keep?: number;
}

export async function cachePin(
  config: CliConfig,
  name: string,
  path: string,
  options: PinOptions,
): Promise<number> {
  const client = await requireServer(config);
  const pin = await client.ask<{ revision: number; path: string }>(
    'PUT',
    `/pins/${encodeURIComponent(name)}`,
    {
      path,
      ...(options.keep === undefined ? {} : { keep: options.keep }),
    },
  );
  return answer(options, pin, `${name} holds ${pin.path} (revision ${pin.revision})`);
}

export async function cacheUnpin(config: CliConfig, name: string, options: Json): Promise<number> {
  const released = await (await requireServer(config)).ask('DELETE', `/pins/${encodeURIComponent(name)}`);
  return answer(options, released, `${name} holds nothing any more`);
}

export async function cachePins(config: CliConfig, options: Json): Promise<number> {
  const { items } = await (await requireServer(config)).ask<{ items: Pin[] }>('GET', '/pins');
  const lines = items.map(
    (pin) => `${pin.name} ${pin.revision}  ${pin.held ? 'held' : 'let go'}  ${pin.path}  ${pin.pinnedAt}`,
  );
  return answer(options, items, lines.length === 0 ? 'there are no pins' : lines.join('\n'));
}
