/** One GPU check on every architecture. */

import { html, type Html } from '../html.ts';
import type { JobPage } from '../models/job.ts';
import type { ReportedStep } from '../models/report.ts';
import { attemptGpu } from './gpu.ts';
import { outcome } from './outcome.ts';

export function jobGpus(
  steps: readonly ReportedStep[],
  { gpu: results, notScheduled }: Pick<JobPage['job'], 'gpu' | 'notScheduled'>,
): Html {
  return html`<ul class="gpu-results">
    ${steps.map((step) => {
      const gpu = step.attempts.at(-1)?.gpu ?? null;
      // The evaluation may have given up a step that still waits: not run.
      const result = results.find((one) => one.arch === (step.architecture ?? 'any'));
      return html`<li>
        <b>${step.architecture ?? 'any GPU'}</b> ${outcome(result?.outcome ?? step.state)}
        <span
          >${gpu !== null && attemptGpu(gpu)}
          ${step.waits !== null && html`<span class="place">${step.waits}</span>`}</span
        >
      </li> `;
    })}
    ${notScheduled.map(
      ({ arch, reason }) =>
        html`<li>
          <b>${arch}</b> <span class="quiet">— not scheduled</span> <span class="place">${reason}</span>
        </li> `,
    )}
  </ul>`;
}
