/** `/evaluations/:id/jobs`: jobs by name, filtered by a form that needs no script. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { JOB_CHANGES } from '../../../db/views/pages-changes.ts';
import { OUTCOMES } from '../../../domain/ci/outcome.ts';
import { html, type Html, joined } from '../html.ts';
import type { View } from '../layout.ts';
import type { ModelContext } from '../models/context.ts';
import { JobsQuery, type JobsPage, JobsPageSchema, loadJobsPage } from '../models/jobs.ts';
import { addPage } from '../page.ts';
import { pager } from '../parts/blocks.ts';
import { changeWords, evaluationName, jobLink } from '../parts/names.ts';
import { outcome, wordsOf } from '../parts/outcome.ts';
import { className } from '../parts/verdict.ts';

/** Changes that are none. */
const QUIET_CHANGES = ['stillSucceeding', 'unfinished'];

export function jobsPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/evaluations/:id/jobs',
    summary: 'Jobs of an evaluation by name',
    params: IdParams,
    query: JobsQuery,
    model: JobsPageSchema,
    load: ({ id }, query) => loadJobsPage(context, id, query),
    view: jobsView,
  });
}

function jobsView({ evaluation, filter, jobs: { items, next } }: JobsPage): View {
  const words = [
    filter.outcome !== undefined && wordsOf(filter.outcome),
    filter.change !== undefined && changeWords(filter.change),
    filter.kind,
  ].filter((word) => typeof word === 'string');
  const title = words.length === 0 ? 'Jobs' : `Jobs: ${words.join(', ')}`;
  const query = new URLSearchParams({ ...filter, cursor: next ?? '' });
  return {
    title: `${title} of ${evaluationName(evaluation)}`,
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      { label: evaluationName(evaluation), href: `/evaluations/${evaluation.id}` },
    ],
    body: html`<h1>${title}</h1>
      ${filterForm(evaluation.id, filter)}
      ${items.length === 0 ? html`<p class="quiet">No job is of this kind.</p>` : list(items, filter)}
      ${pager(next === null ? null : `/evaluations/${evaluation.id}/jobs?${query.toString()}`)}`,
  };
}

function list(items: JobsPage['jobs']['items'], filter: JobsPage['filter']): Html {
  return html`<ul class="job-rows">
    ${items.map((job) => {
      const about = joined(
        [
          job.change !== null &&
            filter.change === undefined &&
            !QUIET_CHANGES.includes(job.change) &&
            html`<span class="tag">${changeWords(job.change)}</span>`,
          job.verdict !== null &&
            html`${className(job.verdict)} <span class="gist">${job.verdict.evidence ?? ''}</span>`,
          job.root !== null && html`<span class="place">because of ${job.root}</span>`,
        ],
        ' ',
      );
      return html`<li>
        <span class="what">${outcome(job.outcome ?? 'unfinished')}</span>
        <span class="which">${jobLink(job)} ${about}</span>
      </li> `;
    })}
  </ul>`;
}

function filterForm(evaluationId: number, filter: JobsPage['filter']): Html {
  const choice = (name: string, label: string, words: readonly string[], say: (word: string) => string) =>
    html`<label
      >${label}
      <select name="${name}">
        <option value="">any</option>
        ${words.map((word) => option(word, say(word), filter[name as keyof typeof filter] === word))}
      </select></label
    >`;
  return html`<form class="filter" method="get" action="/evaluations/${evaluationId}/jobs" role="search">
    <label>Name <input type="search" name="search" value="${filter.search ?? ''}" maxlength="200" /></label>
    ${choice('outcome', 'Outcome', ['unfinished', ...OUTCOMES], wordsOf)}
    ${choice('change', 'Change', [...JOB_CHANGES, 'vanished'], changeWords)}
    ${choice('kind', 'Kind', ['build', 'gpu-check', 'aggregate'], (word) => word)}
    ${filter.root !== undefined && html`<input type="hidden" name="root" value="${filter.root}" />`}
    <button type="submit">Filter</button>
  </form>`;
}

function option(value: string, label: string, selected: boolean): Html {
  return selected
    ? html`<option value="${value}" selected>${label}</option>`
    : html`<option value="${value}">${label}</option>`;
}
