/** `/jobs/:id`: why a job ended as it did, and what to do about it. */

import type { FastifyInstance } from 'fastify';
import { IdParams } from '../../../domain/api/resources.ts';
import { html, type Html, isNothing, joined } from '../html.ts';
import type { View } from '../layout.ts';
import type { ModelContext } from '../models/context.ts';
import { type JobPage, JobPageSchema, loadJobPage } from '../models/job.ts';
import { addPage, NO_QUERY } from '../page.ts';
import { stepAttempts } from '../parts/attempts.ts';
import { facts, more, section } from '../parts/blocks.ts';
import { causeOf, judgedSteps } from '../parts/cause.ts';
import { jobGpus } from '../parts/job-gpus.ts';
import { constituentList, history, outputList } from '../parts/job-lists.ts';
import { changeWords, evaluationName, jobList, placeOf } from '../parts/names.ts';
import { outcome } from '../parts/outcome.ts';
import { reproduction } from '../parts/reproduce.ts';
import { count, duration, secondsBetween } from '../parts/times.ts';
import { verdictReport } from '../parts/verdict.ts';

const REFRESH_SECONDS = 5;

export function jobPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/jobs/:id',
    summary: 'A job: verdict, attempts, whose failure it is, commands to reproduce',
    params: IdParams,
    query: NO_QUERY,
    model: JobPageSchema,
    load: ({ id }) => loadJobPage(context, id),
    view: jobView,
  });
}

function jobView(model: JobPage): View {
  const { evaluation, job, steps, constituents } = model;
  return {
    title: job.name,
    crumbs: [
      { label: 'Evaluations', href: '/evaluations' },
      { label: evaluationName(evaluation), href: `/evaluations/${evaluation.id}` },
    ],
    refreshSeconds: job.outcome === null && evaluation.state !== 'finished' ? REFRESH_SECONDS : undefined,
    body: html`${head(model)} ${report(model)} ${blockedSection(model)}
    ${(job.gpu.length > 0 || job.notScheduled.length > 0) && section('gpus', 'On each architecture', jobGpus(steps, job))}
    ${steps.some((step) => step.attempts.length > 0) && section('attempts', 'Attempts', stepAttempts(steps))}
    ${constituents !== null && section('constituents', 'Constituents', constituentList(constituents), constituents.length)}
    ${section('reproduce', 'Reproduce', reproduction(model.commands))}
    ${section('outputs', 'Outputs', outputList(job.drvPath, model.outputs))}
    ${section('history', 'History', history(model.history))}`,
  };
}

function head({ job, change, usualSeconds, steps }: JobPage): Html {
  const tag = change !== null && change !== 'stillSucceeding' && change !== 'unfinished';
  // Of a check on several architectures no one time is the job's.
  const last = steps.length === 1 ? steps[0]?.attempts.at(-1) : undefined;
  const took = last === undefined ? null : secondsBetween(last.startedAt, last.endedAt);
  return html`<div class="line title">
      <h1>${job.name}</h1>
      ${outcome(job.outcome ?? 'unfinished')}
      ${tag && html`<span class="tag ${change === 'newlyFailing' ? 'bad' : ''}">${changeWords(change)}</span>`}
    </div>
    <p class="subtitle">${placeOf(job)}</p>
    ${facts([
      ['Took', took === null ? null : duration(took)],
      ['Usually', usualSeconds === null || steps.length > 1 ? null : duration(usualSeconds)],
      ['Attempts', job.attempts === 0 ? null : count(job.attempts)],
      ["Hydra's status", job.hydraStatus === null ? null : count(job.hydraStatus)],
    ])}`;
}

const TITLES: Readonly<Record<string, string>> = {
  unfinished: 'What it waits for',
  'not-run': 'Why it was not run',
  cancelled: 'Why it was cancelled',
  built: 'Built, but',
  substituted: 'Built, but',
};

/** Whose failure it inherited, its own verdicts, or what it waits for. */
function report({ job, finding, steps, roots }: JobPage): Html | null {
  const judged = judgedSteps(steps);
  const waits = job.outcome === null || job.outcome === 'not-run';
  const body = joined(
    [
      roots.length > 0 && causeOf(roots),
      finding !== null && verdictReport(finding, null),
      ...judged.map(
        ({ step, attempt, verdict }) =>
          html`${judged.length > 1 && step.architecture !== null && html`<h3>${step.architecture}</h3>`}
          ${verdictReport(verdict, attempt.id)}`,
      ),
      waits && job.reason !== null && html`<p class="explanation">${job.reason}</p>`,
      job.outcome === 'cancelled' && html`<p>Its evaluation was cancelled, or superseded by a newer one.</p>`,
    ],
    '',
  );
  return isNothing(body)
    ? null
    : section('verdict', TITLES[job.outcome ?? 'unfinished'] ?? 'Why it failed', body);
}

function blockedSection({ blocked: { jobs, total, drvHash }, evaluation }: JobPage): Html | null {
  if (total === 0) return null;
  return section(
    'blocked',
    'Fail because of it',
    html`${jobList(jobs)} ${more(jobs.length, total, `/evaluations/${evaluation.id}/jobs?root=${drvHash}`)}`,
    total,
  );
}
