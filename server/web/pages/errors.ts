/** `/evaluations/:id/errors`: all that did not evaluate. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import type { ModelContext } from '../models/context.ts';
import { type ErrorsPage, ErrorsPageSchema, loadErrorsPage } from '../models/errors.ts';
import { CursorQuery } from '../models/evaluations.ts';
import { addPage } from '../page.ts';
import { pager } from '../parts/blocks.ts';
import { errorList } from '../parts/errors.ts';
import { evaluationName } from '../parts/names.ts';

export function errorsPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/evaluations/:id/errors',
    summary: 'What did not evaluate',
    params: IdParams,
    query: CursorQuery,
    model: ErrorsPageSchema,
    load: ({ id }, { cursor }) => loadErrorsPage(context, id, cursor),
    view: errorsView,
  });
}

function errorsView({ evaluation, errors: { items, next } }: ErrorsPage): View {
  return {
    title: `Evaluation errors of ${evaluationName(evaluation)}`,
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      { label: evaluationName(evaluation), href: `/evaluations/${evaluation.id}` },
    ],
    body: html`<h1>Evaluation errors</h1>
      ${items.length === 0 ? html`<p class="quiet">There are none.</p>` : errorList(items)}
      ${pager(next === null ? null : `/evaluations/${evaluation.id}/errors?cursor=${next}`)}`,
  };
}
