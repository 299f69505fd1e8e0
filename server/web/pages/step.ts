/** `/steps/:id`: a derivation that others need; it may be no job itself. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import type { ModelContext } from '../models/context.ts';
import { loadStepPage, type StepPage, StepPageSchema } from '../models/step.ts';
import { addPage, NO_QUERY } from '../page.ts';
import { stepAttempts } from '../parts/attempts.ts';
import { facts, more, section } from '../parts/blocks.ts';
import { causeOf, judgedSteps } from '../parts/cause.ts';
import { evaluationName, jobList } from '../parts/names.ts';
import { outcome } from '../parts/outcome.ts';
import { reproduction } from '../parts/reproduce.ts';
import { verdictReport } from '../parts/verdict.ts';

const REFRESH_SECONDS = 5;

export function stepPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/steps/:id',
    summary: 'A step: verdict, attempts, what fails because of it',
    params: IdParams,
    query: NO_QUERY,
    model: StepPageSchema,
    load: ({ id }) => loadStepPage(context, id),
    view: stepView,
  });
}

function stepView({ evaluation, jobId, step, roots, blocked, commands }: StepPage): View {
  const judged = judgedSteps([step]);
  const { name, architecture, waits, reason, pool } = step;
  return {
    title: name,
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      ...(evaluation === null
        ? []
        : [{ label: evaluationName(evaluation), href: `/evaluations/${evaluation.id}` }]),
    ],
    refreshSeconds: step.outcome === null ? REFRESH_SECONDS : undefined,
    body: html`<div class="line title">
        <h1>${name}</h1>
        ${outcome(step.outcome ?? step.state)}
      </div>
      <p class="subtitle">
        ${jobId === null ? 'A derivation that jobs need; it is no job itself.' : html`The derivation of <a href="/jobs/${jobId}">a job</a>.`}
      </p>
      ${facts([
        ['Architecture', architecture],
        ['Pool', html`<code>${pool}</code>`],
        ['Waits', waits],
        ['Reason', judged.length === 0 ? reason : null],
      ])}
      ${
        (roots.length > 0 || judged.length > 0) &&
        section('verdict', 'Why it failed', [
          roots.length > 0 && causeOf(roots),
          ...judged.map(({ verdict, attempt }) => verdictReport(verdict, attempt.id)),
        ])
      }
      ${
        blocked.total > 0 &&
        evaluation !== null &&
        section(
          'blocked',
          'Fail because of it',
          html`${jobList(blocked.jobs)}
          ${more(blocked.jobs.length, blocked.total, `/evaluations/${evaluation.id}/jobs?root=${blocked.drvHash}`)}`,
          blocked.total,
        )
      }
      ${step.attempts.length > 0 && section('attempts', 'Attempts', stepAttempts([step]))}
      ${section('reproduce', 'Reproduce', reproduction(commands))}`,
  };
}
