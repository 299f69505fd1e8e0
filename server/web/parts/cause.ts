/** Whose failure something is: its own, with the verdict on its last attempt, or that of a derivation below it. */

import { html, type Html } from '../html.ts';
import type { ReportedAttempt, ReportedRoot, ReportedStep } from '../models/report.ts';
import { type VerdictDetail, verdictLine } from './verdict.ts';

export interface JudgedStep {
  readonly step: ReportedStep;
  readonly attempt: ReportedAttempt;
  readonly verdict: VerdictDetail;
}

/** Steps that failed by themselves, each with the verdict on its last attempt. */
export function judgedSteps(steps: readonly ReportedStep[]): JudgedStep[] {
  return steps.flatMap((step) => {
    const attempt = step.attempts.at(-1);
    const verdict = attempt?.verdict ?? null;
    const good = step.outcome === 'built' || step.outcome === 'substituted';
    return good || attempt === undefined || verdict === null ? [] : [{ step, attempt, verdict }];
  });
}

/** The derivations to look at instead, each with its own verdict. */
export function causeOf(roots: readonly ReportedRoot[]): Html {
  return html`<p class="explanation">It was not tried, because something that it needs failed:</p>
    <ul class="failures">
      ${roots.map(({ stepId, jobId, jobName, name, architecture, attemptId, verdict }) => {
        const href = jobId === null ? `/steps/${stepId}` : `/jobs/${jobId}`;
        return html`<li>
          <div class="line">
            <h3><a class="name" href="${href}">${jobName ?? name}</a></h3>
            ${architecture !== null && html`<span class="place">on ${architecture}</span>`}
          </div>
          ${verdict !== null && verdictLine(verdict, attemptId)}
        </li> `;
      })}
    </ul>`;
}
