/** Sections of an evaluation's page below its failures. */

import { html, type Html } from '../html.ts';
import type { EvaluationPage } from '../models/evaluation.ts';
import { folded, more, section } from './blocks.ts';
import { errorList } from './errors.ts';
import { progress } from './evaluations.ts';
import { matrixTable } from './matrix.ts';
import { jobLink, jobList } from './names.ts';
import { outcome } from './outcome.ts';
import { runningList } from './running.ts';
import { count } from './times.ts';
import { verdictLine } from './verdict.ts';

export function progressSection({ evaluation, running, queued }: EvaluationPage): Html {
  return section(
    'progress',
    'Progress',
    html`${progress(evaluation)} ${running.length > 0 && runningList(running)}
    ${
      queued.length > 0 &&
      html`<ul class="jobs">
        ${queued.map(({ total, reason, pool }) => html`<li>${outcome('ready')} ${count(total, 'step')} <span class="place">${reason ?? pool}</span></li> `)}
      </ul>`
    }`,
  );
}

/** Succeeded, and should not be published unseen. */
export function suspectSection({ suspects: { items, total }, evaluation }: EvaluationPage): Html | null {
  if (total === 0) return null;
  return section(
    'suspects',
    'Built, but',
    html`<ol class="failures suspects">
        ${items.map(
          ({ verdict, ...job }) =>
            html`<li class="failure">
              <div class="line">
                <h3>${jobLink(job)}</h3>
                ${outcome(job.outcome ?? 'built')}
              </div>
              ${verdictLine(verdict, null)}
            </li> `,
        )}
      </ol>
      ${more(items.length, total, `/api/v1/findings?evaluation=${evaluation.id}`)}`,
    total,
  );
}

export function notRunSection({ notRun, evaluation }: EvaluationPage): Html | null {
  if (notRun.length === 0) return null;
  const total = notRun.reduce((sum, group) => sum + group.total, 0);
  return section(
    'not-run',
    'Not run',
    notRun.map(
      (group) =>
        html`<div class="group">
          <h3>${group.reason ?? `waits for ${group.pool}`}</h3>
          ${jobList(group.jobs)}
          ${more(group.jobs.length, group.total, `/evaluations/${evaluation.id}/jobs?outcome=not-run`)}
        </div>`,
    ),
    total,
  );
}

export function errorSection({ errors, evaluation }: EvaluationPage): Html | null {
  if (evaluation.errors === 0) return null;
  return section(
    'errors',
    'Evaluation errors',
    html`${errorList(errors)}
    ${more(errors.length, evaluation.errors, `/evaluations/${evaluation.id}/errors`)}`,
    evaluation.errors,
  );
}

export function matrixSection({ gpuChecks, evaluation }: EvaluationPage): Html | null {
  if (gpuChecks.total === 0) return null;
  return section(
    'gpu-checks',
    'GPU checks by architecture',
    html`${matrixTable(gpuChecks)}
    ${more(gpuChecks.rows.length, gpuChecks.total, `/evaluations/${evaluation.id}/jobs?kind=gpu-check`)}`,
    gpuChecks.total,
  );
}

const CHANGED = [
  ['vanished', 'Vanished', 'no longer evaluated'],
  ['fixed', 'Fixed', 'failed before'],
  ['new', 'New', 'not there before'],
] as const;

/** What is no failure but changed. A job that vanished succeeds no more, and is told first. */
export function changedSections(model: EvaluationPage): Html {
  const { diff, evaluation } = model;
  return html`${CHANGED.map(([change, title, words]) => {
    const total = diff[change];
    if (total === 0) return null;
    const jobs = model[change];
    return section(
      change,
      title,
      folded(
        html`<b>${count(total, 'job')}</b> ${words}`,
        html`${jobList(jobs)}
        ${more(jobs.length, total, `/evaluations/${evaluation.id}/jobs?change=${change}`)}`,
        total <= 12,
      ),
      total,
    );
  })}`;
}

/** Counts only, until they are opened. */
export function successSection({ evaluation: { id, jobs }, succeeded }: EvaluationPage): Html | null {
  const kinds = (['built', 'substituted'] as const).filter((kind) => (jobs[kind] ?? 0) > 0);
  if (kinds.length === 0) return null;
  return section(
    'succeeded',
    'Succeeded',
    kinds.map((kind) => {
      const total = jobs[kind] ?? 0;
      const shown = succeeded[kind];
      return folded(
        html`<b>${count(total)}</b> ${outcome(kind)}`,
        html`${jobList(shown)} ${more(shown.length, total, `/evaluations/${id}/jobs?outcome=${kind}`)}`,
      );
    }),
    kinds.reduce((sum, kind) => sum + (jobs[kind] ?? 0), 0),
  );
}
