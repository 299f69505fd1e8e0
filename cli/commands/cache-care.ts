/** Commands that look after the cache: `nixwarp cache gc`, `stats`, `verify`, `sign`. */

import type { CacheStats, Collected, Recompressed, Signed, Verified } from '../../domain/api/paths.ts';
import { requireServer } from '../client.ts';
import type { CliConfig } from '../config.ts';
import { EXIT } from '../exit.ts';
import { answer, type Json } from './answer.ts';

export interface GcOptions extends Json {
  readonly dryRun?: boolean;
}

export async function cacheGc(config: CliConfig, options: GcOptions): Promise<number> {
  const client = await requireServer(config);
  const collected = await client.ask<Collected>('POST', `/cache/gc?dryRun=${options.dryRun === true}`);
  const { live, removed, removedBytes, sweptNars, sweptBytes, overQuotaBytes } = collected;
  const text =
    `${removed} paths (${removedBytes} bytes) ${collected.dryRun ? 'would be' : 'were'} removed, ${live} stay; ` +
    `${sweptNars} NARs (${sweptBytes} bytes) were deleted` +
    (overQuotaBytes > 0 ? `; what must be kept is ${overQuotaBytes} bytes over the quota` : '');
  return answer(options, collected, text);
}

export async function cacheStats(config: CliConfig, options: Json): Promise<number> {
  const stats = await (await requireServer(config)).ask<CacheStats>('GET', '/cache/stats');
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const text = [
    `${stats.paths} paths, ${stats.publicPaths} of them public; ${stats.fileBytes} bytes on disk for ${stats.narBytes} bytes of NARs`,
    `not public: ${list(stats.held)}`,
    `signatures: ${list(stats.keys)}`,
    `${stats.sweptNars} NARs (${stats.sweptBytes} bytes) without a path wait for the end of their delay`,
  ];
  return answer(options, stats, text.join('\n'));
}

export async function cacheVerify(config: CliConfig, options: Json): Promise<number> {
  const verified = await (await requireServer(config)).ask<Verified>('POST', '/cache/verify');
  const lines = verified.broken.map((one) => `${one.path}: ${one.problem}: ${one.action}`);
  answer(
    options,
    verified,
    [...lines, `${verified.paths} paths were read, ${verified.broken.length} are broken`].join('\n'),
  );
  return verified.broken.length === 0 ? EXIT.ok : EXIT.failed;
}

export interface RecompressOptions extends Json {
  readonly level?: number;
  readonly after?: string;
}

/** Until all is done. Ended before, it goes on where `--after` says. */
export async function cacheRecompress(config: CliConfig, options: RecompressOptions): Promise<number> {
  const client = await requireServer(config);
  const level = options.level === undefined ? {} : { level: options.level };
  const all = { paths: 0, replaced: 0, bytesBefore: 0, bytesAfter: 0, broken: [] as string[] };
  for (let after = options.after ?? ''; ;) {
    const part = await client.ask<Recompressed>('POST', '/cache/recompress', { ...level, after });
    all.paths += part.paths;
    all.replaced += part.replaced;
    all.bytesBefore += part.bytesBefore;
    all.bytesAfter += part.bytesAfter;
    all.broken.push(...part.broken);
    if (part.next === null) break;
    after = part.next;
    process.stderr.write(`${all.paths} paths; to go on from here: --after ${after}\n`);
  }
  const lines = all.broken.map((path) => `${path} is broken: run nixwarp cache verify`);
  lines.push(
    `${all.replaced} of ${all.paths} NARs were compressed anew: ${all.bytesBefore} bytes became ${all.bytesAfter}`,
  );
  answer(options, all, lines.join('\n'));
  return all.broken.length === 0 ? EXIT.ok : EXIT.failed;
}

export interface SignOptions extends Json {
  readonly drop?: string;
}

export async function cacheSign(config: CliConfig, options: SignOptions): Promise<number> {
  const body = options.drop === undefined ? {} : { drop: options.drop };
  const signed = await (await requireServer(config)).ask<Signed>('POST', '/cache/sign', body);
  return answer(options, signed, `${signed.signed} signatures were made, ${signed.dropped} were dropped`);
}
