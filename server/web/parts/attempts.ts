/** Attempts of a step as a table. */

import { html, type Html, joined } from '../html.ts';
import type { ReportedAttempt, ReportedStep } from '../models/report.ts';
import { scrolling } from './blocks.ts';
import { attemptGpu } from './gpu.ts';
import { outcome } from './outcome.ts';
import { bytes, duration, secondsBetween, time } from './times.ts';
import { className } from './verdict.ts';

/** What was tried of each step. */
export function stepAttempts(steps: readonly ReportedStep[]): Html {
  const tried = steps.filter((step) => step.attempts.length > 0);
  return html`${tried.map(
    (step) =>
      html`${tried.length > 1 && html`<h3>${step.architecture ?? step.name}</h3>`} ${attemptTable(step)}`,
  )}`;
}

function attemptTable(step: ReportedStep): Html {
  const withGpu = step.attempts.some((attempt) => attempt.gpu !== null);
  const label = step.architecture === null ? 'Attempts' : `Attempts on ${step.architecture}`;
  return scrolling(
    label,
    html`<table class="attempts">
      <thead>
        <tr>
          <th scope="col">Attempt</th>
          <th scope="col">Outcome</th>
          <th scope="col">Builder</th>
          ${withGpu && html`<th scope="col">GPU</th>`}
          <th scope="col">Started</th>
          <th scope="col">Took</th>
          <th scope="col">Log</th>
        </tr>
      </thead>
      <tbody>
        ${step.attempts.map((attempt) => attemptRow(attempt, step.generation, withGpu))}
      </tbody>
    </table>`,
  );
}

function attemptRow(attempt: ReportedAttempt, generation: number, withGpu: boolean): Html {
  const { id, number, builder, gpu, startedAt, endedAt, logBytes, message, verdict } = attempt;
  const seconds = secondsBetween(startedAt, endedAt);
  const what = joined([message, verdict !== null && className(verdict)], ' ');
  return html`<tr>
      <th scope="row">
        #${number}${attempt.generation < generation && html` <span class="place">of retry ${attempt.generation}</span>`}
      </th>
      <td>${outcome(attempt.outcome ?? 'running')}</td>
      <td>${builder}</td>
      ${withGpu && html`<td>${gpu !== null && attemptGpu(gpu)}</td>`}
      <td class="short">${time(startedAt, true)}</td>
      <td class="short">${seconds !== null && duration(seconds)}</td>
      <td class="short">
        ${logBytes !== null && html`<a href="/attempts/${id}/log">log <span class="place">${bytes(logBytes)}</span></a>`}
      </td>
    </tr>
    ${
      (message !== null || verdict !== null) &&
      html`<tr class="what">
        <td></td>
        <td colspan="${withGpu ? 6 : 5}">${what}</td>
      </tr>`
    }`;
}
