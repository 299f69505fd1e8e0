/** `/evaluations` and `/jobsets/:id`: lists of evaluations, newest first. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { isFlakeSource, type JobsetConfig } from '../../../domain/ci/jobset-config.ts';
import { html, type Html } from '../html.ts';
import type { View } from '../layout.ts';
import { shellWord } from '../models/commands.ts';
import type { ModelContext } from '../models/context.ts';
import {
  CursorQuery,
  type Evaluations,
  EvaluationsSchema,
  type JobsetPage,
  JobsetPageSchema,
  loadEvaluations,
  loadJobsetPage,
} from '../models/evaluations.ts';
import { addPage, NO_PARAMS } from '../page.ts';
import { commands, facts, folded, pager } from '../parts/blocks.ts';
import { evaluationList } from '../parts/evaluations.ts';
import { outcome } from '../parts/outcome.ts';

export function evaluationsPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/evaluations',
    summary: 'Evaluations, newest first',
    params: NO_PARAMS,
    query: CursorQuery,
    model: EvaluationsSchema,
    load: (_params, { cursor }) => loadEvaluations(context, { before: cursor }),
    view: evaluations,
  });
}

function evaluations({ items, next }: Evaluations): View {
  return {
    title: 'Evaluations',
    crumbs: [{ label: 'Overview', href: '/' }],
    body: html`<h1>Evaluations</h1>
      <h2 class="unseen">Newest first</h2>
      ${evaluationList(items)} ${pager(next === null ? null : `/evaluations?cursor=${next}`)}`,
  };
}

export function jobsetPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/jobsets/:id',
    summary: 'A jobset with its evaluations, newest first',
    params: IdParams,
    query: CursorQuery,
    model: JobsetPageSchema,
    load: ({ id }, { cursor }) => loadJobsetPage(context, id, cursor),
    view: jobsetView,
  });
}

function jobsetView({ jobset, evaluations: { items, next } }: JobsetPage): View {
  const { id, project, name, config, enabled } = jobset;
  const command = shellWord(`${project}/${name}`);
  return {
    title: `${project}/${name}`,
    crumbs: [
      { label: 'Overview', href: '/' },
      { label: 'Evaluations', href: '/evaluations' },
    ],
    body: html`<h1>${project}/${name}</h1>
      ${config.description !== '' && html`<p class="lead">${config.description}</p>`}
      ${facts([
        ['Source', sourceOf(config)],
        ['Systems', config.systems.join(', ')],
        [
          'Variants',
          config.variants.length === 0 ? null : config.variants.map((variant) => variant.name).join(', '),
        ],
        ['Evaluated', scheduleOf(config)],
        ['State', enabled ? null : outcome('drained')],
      ])}
      ${folded('Its configuration', commands([JSON.stringify(config, null, 2)], 'jobset configuration'))}
      ${folded('Ask for an evaluation', commands([`nixwarp trigger ${command}`, `nixwarp trigger ${command} --force`], 'commands'))}
      <h2>Evaluations</h2>
      ${evaluationList(items, true)} ${pager(next === null ? null : `/jobsets/${id}?cursor=${next}`)}`,
  };
}

function sourceOf({ source }: JobsetConfig): Html {
  if (isFlakeSource(source)) return html`flake <code>${source.flake}</code>`;
  const { file, git } = source;
  return html`<code>${file}</code
    >${git !== undefined && html` of <code>${git.url}</code> at <code>${git.ref}</code>`}`;
}

function scheduleOf({ schedule }: JobsetConfig): string {
  if (schedule === undefined) return 'when asked';
  return 'cron' in schedule ? `by cron ${schedule.cron} (UTC)` : `every ${schedule.everySeconds} s`;
}
