/** `/attempts/:id/log`: a log as rows that can be linked, searched and read on a phone. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { requireLogAccess } from '../../log-access.ts';
import { html, type Html, joined } from '../html.ts';
import type { View } from '../layout.ts';
import type { ModelContext } from '../models/context.ts';
import { loadLogPage, type LogPage, LogPageSchema, LogQuery } from '../models/log.ts';
import { addPage } from '../page.ts';
import { attemptGpu } from '../parts/gpu.ts';
import { logWindows } from '../parts/log-rows.ts';
import { outcome } from '../parts/outcome.ts';
import { bytes, count, duration, secondsBetween, time } from '../parts/times.ts';
import { verdictLine } from '../parts/verdict.ts';

const REFRESH_SECONDS = 5;

export function logPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/attempts/:id/log',
    summary: 'The log of an attempt: head, tail and the line that decided, or a range of lines',
    params: IdParams,
    query: LogQuery,
    model: LogPageSchema,
    load: async ({ id }, query, request) => {
      await requireLogAccess(context.deps, request, id);
      return loadLogPage(context, id, query);
    },
    view: logView,
  });
}

function logView(model: LogPage): View {
  const { attempt, closed, lineCount } = model;
  const place = attempt.jobId === null ? `/steps/${attempt.stepId}` : `/jobs/${attempt.jobId}`;
  return {
    title: `Log of ${attempt.name}`,
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      ...(attempt.evaluationId === null
        ? []
        : [{ label: `evaluation ${attempt.evaluationId}`, href: `/evaluations/${attempt.evaluationId}` }]),
      { label: attempt.name, href: place },
    ],
    refreshSeconds: closed ? undefined : REFRESH_SECONDS,
    body: html`${head(model)}
      ${lineCount === 0 ? html`<p class="quiet">${closed ? 'It wrote nothing.' : 'It has written nothing yet.'}</p>` : logWindows(model)}
      <p id="end" class="quiet">
        ${closed ? 'The log ends here.' : `The log grows; this page looks again every ${REFRESH_SECONDS} s.`}
      </p>`,
  };
}

function head({ attempt, bytes: size, lineCount, closed, range }: LogPage): Html {
  const { id, number, builder, outcome: ended, startedAt, endedAt, gpu, verdict, architecture } = attempt;
  const seconds = secondsBetween(startedAt, endedAt);
  const decides = verdict?.evidence?.line ?? null;
  return html`<div class="line title">
      <h1>Log of ${attempt.name}</h1>
      ${outcome(ended ?? 'running')}
    </div>
    <p class="subtitle">
      ${joined(
        [
          html`attempt ${number} on ${builder}`,
          architecture !== null && gpu === null && html`on ${architecture}`,
          gpu !== null && attemptGpu(gpu),
          html`${time(startedAt, true)}`,
          seconds !== null && `took ${duration(seconds)}`,
          `${count(lineCount, 'line')}, ${bytes(size)}`,
        ],
        html` <span aria-hidden="true">·</span> `,
      )}
    </p>
    ${verdict !== null && verdictLine(verdict, id)}
    <p class="actions">
      ${decides !== null && html`<a href="${range === null ? '' : `/attempts/${id}/log`}#L${decides}">Line ${decides}, which decided</a>`}
      <a href="#end">End</a> <a href="/api/v1/attempts/${id}/log">Raw</a>
      ${range !== null && html`<a href="/attempts/${id}/log">Head and tail</a>`}
      ${!closed && html`<span class="outcome busy">grows</span>`}
    </p>`;
}
