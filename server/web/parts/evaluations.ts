/** Evaluations in lists: what came out, what changed, and how far those are that still run. */

import { html, type Html } from '../html.ts';
import type { Evaluation } from '../../../domain/api/resources.ts';
import type { EvaluationWithDiff } from '../../../domain/api/resources.ts';
import { changeSummary, outcomeBar, outcomeCounts, totalOf } from './counts.ts';
import { evaluationName, revision } from './names.ts';
import { evaluationOutcome } from './outcome.ts';
import { count, duration, secondsBetween, time } from './times.ts';

/** One item an evaluation; its jobset is left out where all are of one. */
export function evaluationList(evaluations: readonly EvaluationWithDiff[], ofOneJobset = false): Html {
  if (evaluations.length === 0) return html`<p class="quiet">There is none yet.</p>`;
  return html`<ul class="evaluations">
    ${evaluations.map((evaluation) => evaluationItem(evaluation, ofOneJobset))}
  </ul>`;
}

function evaluationItem(evaluation: EvaluationWithDiff, ofOneJobset: boolean): Html {
  const { id, number, jobs, errors, diff, state, outcome } = evaluation;
  const name = ofOneJobset ? `#${number}` : evaluationName(evaluation);
  const took = secondsBetween(evaluation.createdAt, evaluation.finishedAt);
  const compared = state === 'finished' && outcome === 'finished';
  return html`<li>
    <div class="line">
      <h3><a class="name" href="/evaluations/${id}">${name}</a></h3>
      ${evaluationOutcome(evaluation)}
      <span class="place">${revision(evaluation)}</span>
      <span class="place push"
        >${time(evaluation.createdAt)}${took !== null && html`, took ${duration(took)}`}</span
      >
    </div>
    ${evaluation.message !== null && html`<p class="message">${evaluation.message}</p>`} ${outcomeBar(jobs)}
    <div class="line">
      ${outcomeCounts(jobs)}
      ${errors > 0 && html`<span class="bad">${count(errors, 'evaluation error')}</span>`}
      ${compared && html`<span class="push">${changeSummary(diff)}</span>`}
    </div>
  </li> `;
}

/** Steps that have ended, of those that an unfinished evaluation wants. */
export function progress({ steps, jobs, state }: Evaluation): Html {
  const total = totalOf(steps);
  const ended =
    total - ['waiting', 'ready', 'dispatched', 'running'].reduce((sum, word) => sum + (steps[word] ?? 0), 0);
  const running = steps['running'] ?? 0;
  const words =
    state === 'queued' || state === 'evaluating'
      ? `${count(totalOf(jobs), 'job')} found so far, ${count(ended)} of ${count(total, 'step')} ended`
      : `${count(ended)} of ${count(total, 'step')} ended, ${count(running)} running, ${count(total - ended - running)} to come`;
  return html`<div class="progress">
    <progress max="${Math.max(total, 1)}" value="${ended}" aria-label="steps that have ended"></progress>
    <span>${words}</span>
  </div>`;
}

export function openEvaluations(evaluations: readonly Evaluation[]): Html {
  return html`<ul class="evaluations">
    ${evaluations.map(
      (evaluation) =>
        html`<li>
          <div class="line">
            <h3><a class="name" href="/evaluations/${evaluation.id}">${evaluationName(evaluation)}</a></h3>
            ${evaluationOutcome(evaluation)}
            <span class="place">${revision(evaluation)}</span>
            <span class="place push">since ${time(evaluation.createdAt)}</span>
          </div>
          ${progress(evaluation)}
          <div class="line">${outcomeCounts(evaluation.jobs)}</div>
        </li> `,
    )}
  </ul>`;
}
