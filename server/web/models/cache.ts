/** The twin of a view's page: how to use the cache, what it holds, who signs it. */

import { Type, type Static } from 'typebox';
import { countCache } from '../../../db/collection.ts';
import { type CacheStats, CacheStatsSchema } from '../../../domain/api/paths.ts';
import { type ViewName, viewPath } from '../../../domain/ci/view.ts';
import { formatPublicKey, publicKeyOf } from '../../../domain/nix/signature.ts';
import type { ModelContext } from './context.ts';

const Snippet = Type.Object({ title: Type.String(), text: Type.String() });

export const CachePageSchema = Type.Object({
  view: Type.String(),
  url: Type.String(),
  mode: Type.Union([Type.Literal('policy'), Type.Literal('everything')], {
    description: 'what the public view shows',
  }),
  needsToken: Type.Boolean(),
  publicKeys: Type.Array(Type.String()),
  snippets: Type.Array(Snippet),
  stats: CacheStatsSchema,
});
export type CachePage = Static<typeof CachePageSchema>;

/** Counting millions of rows takes seconds, and anybody may ask. */
const COUNTED_MS = 60_000;

/** Counts that are a minute old at most. */
export function rememberCounts({ db, deps }: ModelContext): () => Promise<CacheStats> {
  let last: { readonly at: number; readonly counts: Promise<CacheStats> } | undefined;
  return () => {
    const now = deps.ingestDeps.now();
    if (last === undefined || now - last.at > COUNTED_MS) {
      const counts = countCache(db);
      last = { at: now, counts };
      counts.catch(() => (last = undefined));
    }
    return last.counts;
  };
}

export function publicKeysOf({ deps }: ModelContext): string[] {
  return deps.secretKeys.map((key) => formatPublicKey(publicKeyOf(key)));
}

export async function loadCachePage(
  context: ModelContext,
  counts: () => Promise<CacheStats>,
  view: ViewName,
): Promise<CachePage> {
  const { deps } = context;
  const url = `${deps.publicUrl}${viewPath(view)}`;
  const publicKeys = publicKeysOf(context);
  if (view.startsWith('staging/')) publicKeys.push(formatPublicKey(publicKeyOf(deps.stagingKey)));
  const needsToken = view !== 'public';
  return {
    view,
    url,
    mode: deps.publicView,
    needsToken,
    publicKeys,
    snippets: snippetsOf(url, publicKeys, needsToken),
    stats: await counts(),
  };
}

/** Exact texts: they are copied, not read. */
export function snippetsOf(
  url: string,
  publicKeys: readonly string[],
  needsToken: boolean,
): { title: string; text: string }[] {
  const nixList = (items: readonly string[]): string => items.map((item) => JSON.stringify(item)).join(' ');
  const keys = nixList(publicKeys);
  const host = new URL(url).hostname;
  return [
    {
      title: '/etc/nix/nix.conf',
      text: `extra-substituters = ${url}\nextra-trusted-public-keys = ${publicKeys.join(' ')}`,
    },
    {
      title: 'NixOS',
      text: `{\n  nix.settings = {\n    substituters = [ ${nixList([url])} ];\n    trusted-public-keys = [ ${keys} ];\n  };\n}`,
    },
    {
      title: 'flake.nix',
      text: `nixConfig = {\n  extra-substituters = [ ${nixList([url])} ];\n  extra-trusted-public-keys = [ ${keys} ];\n};`,
    },
    ...(needsToken
      ? [
          {
            title: '/etc/nix/netrc, readable by root only',
            text: `machine ${host} login nixwarp password <token>`,
          },
        ]
      : []),
  ];
}
