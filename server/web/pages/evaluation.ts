/** `/evaluations/:id`: failures first, folded under their roots; what went well is counted. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { html, type Html } from '../html.ts';
import type { View } from '../layout.ts';
import { evaluationCommands } from '../models/commands.ts';
import type { ModelContext } from '../models/context.ts';
import { type EvaluationPage, EvaluationPageSchema, loadEvaluationPage } from '../models/evaluation.ts';
import { addPage, NO_QUERY } from '../page.ts';
import { commands, folded } from '../parts/blocks.ts';
import { changeSummary, outcomeBar, outcomeCounts, totalOf } from '../parts/counts.ts';
import { evaluationTimes } from '../parts/evaluation-times.ts';
import {
  changedSections,
  errorSection,
  matrixSection,
  notRunSection,
  progressSection,
  successSection,
  suspectSection,
} from '../parts/evaluation-sections.ts';
import { failureSection } from '../parts/failures.ts';
import { evaluationName, revision } from '../parts/names.ts';
import { evaluationOutcome, familyOf } from '../parts/outcome.ts';
import { count } from '../parts/times.ts';

const REFRESH_SECONDS = 5;

export function evaluationPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/evaluations/:id',
    summary: 'An evaluation: failures by root, GPU checks by architecture, what changed',
    params: IdParams,
    query: NO_QUERY,
    model: EvaluationPageSchema,
    load: ({ id }) => loadEvaluationPage(context, id),
    view: evaluationView,
  });
}

function evaluationView(model: EvaluationPage): View {
  const { evaluation, against } = model;
  const { id, jobsetId, project, jobset, state } = evaluation;
  const open = state !== 'finished';
  return {
    title: evaluationName(evaluation),
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      { label: `${project}/${jobset}`, href: `/jobsets/${jobsetId}` },
    ],
    refreshSeconds: open ? REFRESH_SECONDS : undefined,
    body: html`${head(model)} ${open && progressSection(model)}
    ${failureSection({ evaluationId: id, change: 'newlyFailing' }, 'Newly failing', model.newlyFailing)}
    ${failureSection({ evaluationId: id, change: 'failing' }, against === null ? 'Failing' : 'Failing, with no earlier result', model.failing)}
    ${failureSection({ evaluationId: id, change: 'stillFailing' }, 'Still failing', model.stillFailing)}
    ${suspectSection(model)} ${notRunSection(model)} ${errorSection(model)} ${matrixSection(model)}
    ${changedSections(model)} ${successSection(model)}`,
  };
}

function head({ evaluation, against, diff }: EvaluationPage): Html {
  const { id, jobs, errors, lockedSource, message, outcome, state } = evaluation;
  const failed = Object.entries(jobs).some(([word]) => ['bad', 'warn'].includes(familyOf(word)));
  const steer = evaluationCommands(id, {
    failed: failed && state === 'finished',
    open: state !== 'finished',
  });
  return html`<div class="line title">
      <h1>${evaluationName(evaluation)}</h1>
      ${evaluationOutcome(evaluation)}
    </div>
    <p class="subtitle">
      ${revision(evaluation)} ${lockedSource !== null && html`<code class="source">${lockedSource}</code>`}
    </p>
    ${message !== null && html`<p class="message">${message}</p>`} ${evaluationTimes(evaluation)}
    ${
      totalOf(jobs) > 0 &&
      html`${state === 'finished' && outcomeBar(jobs)}
        <div class="line">
          ${outcomeCounts(jobs, (word) => `/evaluations/${id}/jobs?outcome=${word}`)}
          ${errors > 0 && html`<a class="bad" href="#errors">${count(errors, 'evaluation error')}</a>`}
        </div>`
    }
    ${
      outcome === 'finished' &&
      html`<p class="compared">
        ${
          against === null
            ? 'No evaluation of this jobset finished before: there is nothing to compare with.'
            : html`Against <a href="/evaluations/${against.id}">#${against.number}</a>:
                ${changeSummary(diff, true)}.`
        }
      </p>`
    }
    ${steer.length > 0 && folded('Commands', commands(steer, 'commands for this evaluation'))}`;
}
