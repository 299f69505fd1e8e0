/** `/cache`, `/internal` and `/staging/<name>`: how to use a view of the cache. */

import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { type ViewName, STAGING_NAME_PATTERN } from '../../../domain/ci/view.ts';
import { NotFoundError } from '../../errors.ts';
import { html, type Html } from '../html.ts';
import type { View } from '../layout.ts';
import {
  type CachePage,
  CachePageSchema,
  loadCachePage,
  publicKeysOf,
  rememberCounts,
} from '../models/cache.ts';
import type { ModelContext } from '../models/context.ts';
import { addPage, NO_PARAMS, NO_QUERY } from '../page.ts';
import { commands, facts, section } from '../parts/blocks.ts';
import { bytes, count } from '../parts/times.ts';

const common = { query: NO_QUERY, model: CachePageSchema, view: cacheView };

export function cachePages(app: FastifyInstance, context: ModelContext): void {
  const { authority } = context.deps;
  const counts = rememberCounts(context);
  addPage(app, context.deps, {
    ...common,
    url: '/cache',
    summary: 'The public view of the cache: how to use it, what it holds',
    params: NO_PARAMS,
    load: () => loadCachePage(context, counts, 'public'),
  });
  addPage(app, context.deps, {
    ...common,
    url: '/internal',
    summary: 'The internal view of the cache, for its tokens',
    params: NO_PARAMS,
    load: async (_params, _query, request) => {
      await authority.authorize(request, { view: 'internal', can: 'read' });
      return loadCachePage(context, counts, 'internal');
    },
  });
  addPage(app, context.deps, {
    ...common,
    url: '/staging/:name',
    summary: 'A staging view of the cache, for its tokens',
    params: Type.Object({ name: Type.String() }),
    load: async ({ name }, _query, request) => {
      // Nix may ask, and takes any refusal but 404 for fatal.
      if (!new RegExp(STAGING_NAME_PATTERN).test(name))
        throw new NotFoundError(`there is no /staging/${name}`);
      const view: ViewName = `staging/${name}`;
      await authority.authorize(request, { view, can: 'read' });
      return loadCachePage(context, counts, view);
    },
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/pubkey',
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send(`${publicKeysOf(context).join('\n')}\n`),
  });
}

function cacheView({ view, url, mode, needsToken, publicKeys, snippets, stats }: CachePage): View {
  const name = view === 'public' ? 'Binary cache' : `Binary cache, ${view} view`;
  const held = Object.entries(stats.held).map(([reason, paths]) => `${count(paths)} ${reason}`);
  return {
    title: name,
    crumbs: [{ label: 'Overview', href: '/' }],
    body: html`<h1>${name}</h1>
      <p class="subtitle">${url}</p>
      <p>
        ${needsToken ? 'For those who have a token of this view; an administrator makes one with nixwarp token create.' : modeText(mode)}
      </p>
      ${facts([
        ['Paths', count(stats.paths)],
        ['Public', count(stats.publicPaths)],
        ['On disk', bytes(stats.fileBytes)],
        ['Unpacked', bytes(stats.narBytes)],
        ['Held back from the public', held.length === 0 ? null : held.join(', ')],
      ])}
      ${section('use', 'Use it', html`${snippets.map(snippet)}`)}
      ${section('keys', 'Public keys', commands(publicKeys, 'public keys'))}`,
  };
}

function modeText(mode: CachePage['mode']): string {
  return mode === 'everything'
    ? 'It shows everything, unfree packages too (NIXWARP_PUBLIC_VIEW=everything): it is for this machine only.'
    : 'It shows what may be given away with its whole closure; nixwarp cache why says why a path is held back.';
}

function snippet({ title, text }: CachePage['snippets'][number]): Html {
  return html`<h3>${title}</h3>
    ${commands(text.split('\n'), title)}`;
}
